"""Passages: what an answer opens with is found again in what is sent in."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest.fingerprint import WINDOW, prompt_keys
from transforms.ingest.key import FingerprintKey
from transforms.ingest.passages import LOOK, OPENING, opening_key

KEY = FingerprintKey(bytes(range(32)))
WORDS = [
    "the",
    "river",
    "carries",
    "what",
    "the",
    "town",
    "upstream",
    "has",
    "thrown",
    "away",
    "and",
    "nobody",
    "downstream",
    "asks",
    "where",
    "all",
    "of",
    "it",
    "came",
    "from",
]
LINE = " ".join(WORDS)
SHORT = " ".join(WORDS[: LOOK - 1])


def opening(text: str | None) -> int | None:
    return opening_key(pl.Series([text], dtype=pl.String), KEY).item()


def passages(text: str | None) -> list[int] | None:
    keys = prompt_keys(pl.Series([text], dtype=pl.String), KEY)["passage_keys"].to_list()[0]
    return None if keys is None else list(keys)


def test_an_answer_is_told_by_its_first_line_of_sixteen_words() -> None:
    assert opening(LINE) is not None
    assert opening(f"Sure, here it is:\n\n{LINE}\nMore of it.") == opening(LINE)


@pytest.mark.parametrize("text", [None, "", "Yes.", SHORT, f"{SHORT}\n{SHORT}", "7 " * 40, ":" * 40])
def test_an_answer_without_such_a_line_has_no_passage(text: str | None) -> None:
    assert opening(text) is None


@pytest.mark.parametrize(
    "prompt",
    [
        "{}",
        "Make this harder by one condition:\n{}",
        "Question: why?\nAnswer: {}\nGrade it from 1 to 10.",
        '### Response B:\n"{}"\n### End',
        "1. {}",
        "> {}\n\nWhat is wrong with it?",
        "    {}",
        "Answer: Short: {}",
    ],
)
def test_a_pasted_answer_shows_the_passage_that_it_opened_with(prompt: str) -> None:
    assert opening(LINE) in (passages(prompt.format(LINE)) or [])


@pytest.mark.parametrize("label", ["", "> ", "Answer: ", "B: "])
@pytest.mark.parametrize("lead", ["Yes: ", "At 10:30 ", "**Short answer:** "])
def test_an_answer_with_a_label_of_its_own_is_found_behind_another(label: str, lead: str) -> None:
    assert opening(lead + LINE) in (passages(label + lead + LINE) or [])


def test_a_line_before_a_cut_without_words_is_whole() -> None:
    assert opening(" ".join(WORDS[:LOOK]) + "\n" + "| 1 | 2 |\n" * 60) == opening(LINE)


def test_a_line_that_ends_where_the_look_does_is_whole() -> None:
    words = [*WORDS[: LOOK - 1], "x" * (OPENING - 2 - len(SHORT))]
    assert opening(" ".join(words) + "\n" + "more " * 9) == opening(" ".join(words))


def test_an_answer_in_the_middle_of_a_line_is_not_found() -> None:
    assert opening(LINE) not in (passages(f"Somebody told me that {LINE}") or [])


@pytest.mark.parametrize(
    "before",
    [
        "Grade the response below against the rubric. Reply with a single number. ",
        "How helpful is what this assistant answered, on a scale from one to ten? ",
        "Continue the following text, in the same voice and for at least as long again: ",
        "One. Two! Three? Four: ",
        "请给下面的回答打分。",
        "次の回答を採点してください：",
    ],
)
def test_an_answer_behind_an_instruction_on_one_line_is_found(before: str) -> None:
    assert opening(LINE) in (passages(f"{before}{LINE} And why?") or [])


@pytest.mark.parametrize(
    "prompt",
    [
        "One. Two. Three. Four. Five. {}",
        "Grade this:\nIt was written by a pupil. {}",
        "See version 1.{}",
        "A: b\n\nc. {}",
    ],
)
def test_what_stands_behind_more_sentences_or_on_a_later_line_is_not_found(prompt: str) -> None:
    assert opening(LINE) not in (passages(prompt.format(LINE)) or [])


def test_a_sentence_that_a_window_cuts_before_its_sixteenth_word_ends_is_none() -> None:
    before = "y" * (WINDOW - len(" ".join(WORDS[:LOOK])) - 1) + ". "
    assert opening(LINE) not in (passages(before + LINE + " z" * 2 * WINDOW) or [])
    assert opening(LINE) in (passages(before[3:] + LINE + " z" * 2 * WINDOW) or [])


def test_of_a_prompt_the_first_two_and_the_last_two_telling_lines_count() -> None:
    lines = [f"{word} {LINE}" for word in ("one", "two", "three", "four", "five")]
    keys = passages("\n".join([*lines[:2], SHORT, *lines[2:]]))
    assert keys == [opening(lines[n]) for n in (0, 1, 3, 4)]


def test_a_line_that_stands_twice_counts_once() -> None:
    assert passages(f"{LINE}\n{LINE}") == [opening(LINE)]


def test_a_long_prompt_is_read_at_both_ends() -> None:
    first, last = f"first {LINE}", f"last {LINE}"
    middle = f"middle {LINE}"
    prompt = "\n".join([first, "x" * WINDOW, middle, "x" * WINDOW, last])
    assert passages(prompt) == [opening(first), opening(last)]


def test_a_word_that_a_window_cuts_is_no_word() -> None:
    lead = "x" * (OPENING - len(" ".join(WORDS[:LOOK])) + 1) + "\n"  # the window ends within the sixteenth word
    assert opening(lead + LINE) is None
    assert opening(lead[2:] + " ".join(WORDS[:LOOK])) == opening(LINE)
    rest = "y" * (WINDOW - len(" ".join(WORDS[:LOOK])) + 1) + "\n"
    assert passages(rest + LINE + "\n" + "z " * 2 * WINDOW) is None


def test_a_line_that_a_window_begins_within_is_none() -> None:
    tail = LINE[-(WINDOW // 8) :]
    prompt = "x" * 2 * WINDOW + "\n" + "w " * 8 + LINE * 8 + "\n" + tail
    assert opening(tail) not in (passages(prompt) or [])


def test_other_keys_give_other_passages() -> None:
    other = FingerprintKey(bytes(range(1, 33)))
    assert opening_key(pl.Series([LINE]), other).item() != opening(LINE)


TEXTS = st.text(st.sampled_from([*"abcdeé7:.-\n 中文,"]) | st.characters(exclude_categories=["Cs"]), max_size=700)


@given(TEXTS, st.sampled_from(["", "Grade this:\n", "Answer: ", "Hi.\n\n"]), st.sampled_from(["", "\nGrade it."]))
def test_whatever_an_answer_opens_with_is_found_where_it_is_pasted_first(text: str, before: str, after: str) -> None:
    key = opening(text)
    if key is not None and not any(":" in line[:30] for line in text.split("\n")):
        assert key in (passages(before + text[: 2 * WINDOW - 60] + after) or [])


@given(st.lists(st.none() | TEXTS, max_size=6))
def test_a_text_gives_the_same_among_others_as_alone(texts: list[str | None]) -> None:
    series = pl.Series("t", texts, dtype=pl.String)
    assert opening_key(series, KEY).to_list() == [opening(text) for text in texts]
    keys = prompt_keys(series, KEY)["passage_keys"].to_list()
    assert [None if one is None else list(one) for one in keys] == [passages(text) for text in texts]
