"""How responses open: with a reasoning tag, or with a refusal in some twenty languages."""

REASONING_TAG = (
    (
        r"^\s*(?:```\w*\s*)?(?:[<\[【◁]\|?\s*(?:seed:)?(?:begin_of_)?(?:think|thinking|thoughts?|reasoning|reason|scratch(?:[_-]?(?:pad|work))?|cot|chain_of_thought"
        r"|deliberation|(?:inner_|internal_)?monologue|internal_reasoning|思考|思考过程|推理|推理过程|pensamiento|razonamiento|pensée|raisonnement"
        r"|denken|gedanken|мысли|рассуждение)\s*\|?[>\]】▷]|<\|channel\|>analysis)"
    ),
)

_UNABLE = (
    r"i(?: can['’]?t| cannot| can not| won['’]?t| will not|['’]m unable to| am unable to|['’]m not able to| am not able to| must decline to"
    r"| have to decline to|['’]m not comfortable| am not comfortable)"
)
_HELPING = (
    r"(?: be able to)?(?: \w+ly)? (?:help|assist|comply|provid|fulfil|do (?:that|this|so)|share|sharing|engage|participate|support|discuss|create"
    r"|creating|generat|write|writing|answer|continue|reveal|offer|give you|disclos|respond|produce|complete)"
)

LOOKS_REFUSED = (
    (
        r"^\W*(?:(?:i['’]?m|i am|we['’]re) (?:very |so |really |truly )?(?:sorry|afraid)|sorry|(?:my |i )?apolog(?:y|ies|i[sz]e)|unfortunately)"
        r"(?:[,.;: —-]|for|any|the|confusion|inconvenience|but|that|however|and|this|as|an? |ai|language|model|assistant){0,24}\s*"
        rf"{_UNABLE}{_HELPING}"
    ),
    rf"^\W*{_UNABLE}{_HELPING}",
    (
        r"^\W*as an? (?:ai|artificial intelligence|language model|large language model|responsible)[^.\n]{0,60}?\bi (?:can['’]?t|cannot|am unable"
        r"|am not able|won['’]?t|must decline|['’]m unable|['’]m not able)\b"
    ),
    r"^\W*(?:i must|i have to|i need to|i['’]ll have to) (?:respectfully |politely )?(?:decline|refuse)\b",
    r"^\W*(?:很?抱歉|对不起|非常抱歉|不好意思)[，,。 ]*(?:但|不过)?(?:是)?我(?:不能|无法|没有办法|不便)",
    r"^\W*我(?:不能|无法)(?:提供|协助|帮助|满足|回答|完成|讨论|透露)",
    r"^\W*(?:大変)?(?:申し訳(?:ありません|ございません)|すみません)[^。\n]{0,60}(?:できません|できかねます|いたしかねます|お答えできない|お手伝いできない)",
    r"^\W*(?:죄송하지만|죄송합니다|미안하지만)[^\n]{0,60}(?:없습니다|어렵습니다|드릴 수 없|도와드릴 수 없)",
    r"^\W*(?:lo siento|lamento|disculpa)\w*\W[^.\n]{0,30}\bno (?:puedo|podré|me es posible)|^\W*no puedo (?:ayudar|proporcionar|cumplir|asistir)",
    r"^\W*(?:je (?:suis|m['’]excuse)|désolé)[^.\n]{0,40}\bje ne (?:peux pas|suis pas en mesure)|^\W*je ne (?:peux|suis) pas (?:vous|t['’]|en mesure|capable|fournir|aider)",
    r"^\W*(?:es )?tut mir leid\W[^.\n]{0,40}\b(?:kann|darf)\b[^.\n]{0,60}\b(?:nicht|kein)|^\W*(?:dabei|das|damit) kann ich (?:leider )?(?:nicht|dir nicht|ihnen nicht)",
    r"^\W*(?:desculpe|sinto muito|lamento)\w*\W[^.\n]{0,30}\bnão (?:posso|consigo)|^\W*não posso (?:ajudar|fornecer|atender)",
    r"^\W*(?:mi dispiace|spiacente)\W[^.\n]{0,30}\bnon posso|^\W*non posso (?:aiutar|fornire|assister)",
    (
        r"^\W*(?:извини(?:те)?|прости(?:те)?|к сожалению|мне жаль)\W[^.\n]{0,30}\bя не (?:могу|смогу|вправе)|^\W*я не могу (?:помочь|предоставить|выполнить"
        r"|ответить)"
    ),
    r"^\W*(?:عذر[اًا]+|آسف|أعتذر|المعذرة)[^.\n]{0,30}(?:لا (?:أستطيع|يمكنني)|لن أتمكن)|^\W*لا (?:أستطيع|يمكنني) (?:مساعدتك|تقديم|المساعدة)",
    r"^\W*(?:मुझे खेद है|क्षमा करें|माफ़ करें)[^।\n]{0,60}(?:नहीं कर सकत|नहीं दे सकत|असमर्थ)",
    r"^\W*(?:xin lỗi|rất tiếc)\W[^.\n]{0,30}(?:không thể)|^\W*tôi không thể (?:giúp|cung cấp|hỗ trợ)",
    r"^\W*(?:maaf|mohon maaf)\W[^.\n]{0,30}(?:tidak (?:bisa|dapat))|^\W*saya tidak (?:bisa|dapat) (?:membantu|memberikan)",
    r"^\W*(?:üzgünüm|özür dilerim|maalesef)\W[^.\n]{0,60}(?:yapamam|edemem|veremem|olamam|olamıyorum|sağlayamam|edemiyorum|veremiyorum|yapamıyorum)",
    r"^\W*(?:przykro mi|przepraszam|niestety)\W[^.\n]{0,30}nie mogę|^\W*nie mogę (?:pomóc|udzielić)",
    r"^\W*(?:het spijt me|sorry|helaas)\W[^.\n]{0,30}(?:ik )?kan (?:ik )?[^.\n]{0,24}niet",
)
