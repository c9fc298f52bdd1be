import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from transforms.ingest.language import LOOK, language
from transforms.ingest.stopwords import STOPWORDS

LABELLED = {
    "en": ["Write a short story about a lighthouse keeper.", "What is the capital of Australia?", "Tell me a joke.",
           "How do I reverse a list in Python?", "Summarize the following article in three sentences."],
    "es": ["Escribe un poema sobre el mar en primavera.", "¿Cuál es la capital de Australia?",
           "Explica cómo funciona un motor eléctrico.", "Dame una receta de paella para cuatro personas.",
           "¿Puedes traducir esta frase al inglés?"],
    "fr": ["Écris un poème sur la mer au printemps.", "Quelle est la capitale de l'Australie ?",
           "Explique comment fonctionne un moteur électrique.", "Donne-moi une recette pour quatre personnes.",
           "Est-ce que tu peux traduire cette phrase ?"],
    "de": ["Schreibe ein Gedicht über das Meer im Frühling.", "Was ist die Hauptstadt von Australien?",
           "Erkläre mir, wie ein Elektromotor funktioniert.", "Kannst du diesen Satz ins Englische übersetzen?",
           "Wie drehe ich eine Liste in Python um?"],
    "it": ["Scrivi una poesia sul mare in primavera.", "Qual è la capitale dell'Australia?",
           "Spiega come funziona un motore elettrico.", "Puoi tradurre questa frase in inglese?",
           "Quali sono i vantaggi della dieta mediterranea?"],
    "pt": ["Escreva um poema sobre o mar na primavera.", "Qual é a capital da Austrália?",
           "Explique como funciona um motor elétrico.", "Você pode traduzir esta frase para o inglês?",
           "Quais são os benefícios de uma alimentação saudável?"],
    "nl": ["Schrijf een gedicht over de zee in de lente.", "Wat is de hoofdstad van Australië?",
           "Leg uit hoe een elektrische motor werkt.", "Kun je deze zin naar het Engels vertalen?"],
    "sv": ["Skriv en dikt om havet på våren.", "Vad är huvudstaden i Australien?",
           "Förklara hur en elmotor fungerar.", "Kan du översätta den här meningen till engelska?"],
    "pl": ["Napisz wiersz o morzu na wiosnę.", "Jaka jest stolica Australii?", "Wyjaśnij, jak działa silnik elektryczny.",
           "Czy możesz przetłumaczyć to zdanie na angielski?"],
    "cs": ["Napiš báseň o moři na jaře.", "Vysvětli, jak funguje elektrický motor.",
           "Můžeš tuto větu přeložit do angličtiny? Prosím, je to pro školu."],
    "tr": ["Baharda deniz hakkında bir şiir yaz.", "Elektrik motorunun nasıl çalıştığını açıkla.",
           "Bu cümleyi benim için İngilizceye çevirir misin?"],
    "id": ["Tuliskan puisi tentang laut di musim semi.", "Apa ibu kota dari Australia?",
           "Jelaskan bagaimana motor listrik bekerja."],
    "vi": ["Hãy viết một bài thơ về biển vào mùa xuân.", "Thủ đô của Úc là gì?",
           "Giải thích cách một động cơ điện hoạt động."],
    "ru": ["Напиши стихотворение о море весной.", "Какой город является столицей Австралии?",
           "Объясни, как работает электродвигатель.", "Ты можешь перевести это предложение на английский?"],
    "uk": ["Напиши вірш про море навесні.", "Поясни, як працює електродвигун.", "Яке місто є столицею Австралії та чому?"],
    "ar": ["اكتب قصيدة عن البحر في الربيع.", "ما هي عاصمة أستراليا؟", "اشرح لي كيف يعمل المحرك الكهربائي."],
    "fa": ["یک شعر درباره دریا در بهار بنویس.", "پایتخت استرالیا کجا است و چرا؟", "توضیح بده که موتور برقی چگونه کار می کند."],
    "hi": ["वसंत में समुद्र के बारे में एक कविता लिखिए।", "ऑस्ट्रेलिया की राजधानी क्या है?", "समझाइए कि बिजली की मोटर कैसे काम करती है।"],
    "zh": ["请写一首关于春天大海的诗。", "澳大利亚的首都是哪里？", "解释电动机是如何工作的。", "请解释这段代码: print(1)"],
    "ja": ["春の海についての詩を書いてください。", "オーストラリアの首都はどこですか？", "電気モーターの仕組みを説明して。"],
    "ko": ["봄 바다에 대한 시를 써 주세요.", "호주의 수도는 어디인가요?", "전기 모터가 어떻게 작동하는지 설명해 줘."],
    "th": ["เขียนบทกวีเกี่ยวกับทะเลในฤดูใบไม้ผลิ", "เมืองหลวงของออสเตรเลียคืออะไร"],
    "el": ["Γράψε ένα ποίημα για τη θάλασσα την άνοιξη.", "Ποια είναι η πρωτεύουσα της Αυστραλίας;"],
    "he": ["כתוב שיר על הים באביב.", "מהי בירת אוסטרליה?"],
}  # fmt: skip
PAIRS = [(name, text) for name, texts in LABELLED.items() for text in texts]


def found(*texts: str | None) -> list[str | None]:
    return language(pl.Series(texts, dtype=pl.String)).to_list()


def test_labelled_prompts_of_24_languages_are_told_apart() -> None:
    answers = found(*(text for _, text in PAIRS))
    wrong = [
        (name, answer, text) for (name, text), answer in zip(PAIRS, answers, strict=True) if answer not in (name, "und")
    ]
    undecided = [text for text, answer in zip(PAIRS, answers, strict=True) if answer == "und"]
    assert len(LABELLED) == 24
    assert wrong == []
    assert len(undecided) <= len(PAIRS) * 0.05


@pytest.mark.parametrize("text", ["", "   ", "hello", "x = 3 + 4", "1234", "Zxqv", "🙂🙂", "\0", "a b c x y z"])
def test_too_little_is_undecided(text: str) -> None:
    assert found(text) == ["und"]


@pytest.mark.parametrize(("name", "words"), [pair for shared in STOPWORDS.values() for pair in shared.items()])
def test_function_words_name_their_own_language(name: str, words: str) -> None:
    spoken = words.split()
    runs = [" ".join(spoken[n : n + 12]) for n in range(0, len(spoken), 12)]
    assert found(*runs).count(name) >= len(runs) - 1


def test_null_stays_null() -> None:
    assert found(None, "Write about this and that.", None) == [None, "en", None]


def test_names_and_code_in_another_script_do_not_decide() -> None:
    assert found("请把 hello world 翻译成中文，并解释一下。") == ["zh"]
    assert found("How do you say 你好 in English, and what does it mean?") == ["en"]


def test_only_the_beginning_is_read() -> None:
    english = "What is the meaning of this and how does it work? " * 4
    assert len(english) > LOOK
    assert found(english + LABELLED["ru"][0] * 20) == ["en"]


@given(
    st.lists(st.none() | st.sampled_from([text for _, text in PAIRS]) | st.text(max_size=30), max_size=8),
    st.integers(0, 8),
)
def test_language_does_not_depend_on_other_rows(texts: list[str | None], cut: int) -> None:
    column = pl.Series("prompt", texts, dtype=pl.String)
    parts = pl.concat([language(column.slice(0, cut)), language(column.slice(cut))])
    assert_series_equal(language(column), parts)
