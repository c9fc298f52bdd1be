import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plain_fingerprints as plain
from transforms.sketches import combine, minhash, mix, split

ODD = [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93]
MULTIPLIERS = np.array(ODD, dtype=np.uint64)

# Everything the plain implementation knows, with lengths around eight and sixteen bytes.
TEXTS = st.text(alphabet=st.sampled_from("aBcZ xyz.,'-_09\n\t\r\0Щжд中文のア🙂，。“”\u00a0\u200b"), max_size=60)


def hashes_of(text: str) -> list[int]:
    return split(pl.Series([text]), MULTIPLIERS).hashes.tolist()


def words_of(*words: str) -> list[int]:
    return [plain.word_hash(word.encode(), ODD) for word in words]


@given(st.lists(TEXTS, max_size=6))
def test_words_are_those_of_the_plain_implementation(texts: list[str]) -> None:
    words = split(pl.Series(texts, dtype=pl.String), MULTIPLIERS)
    found = [words.hashes[a:b].tolist() for a, b in zip(words.offsets, words.offsets[1:], strict=False)]
    assert found == [[plain.word_hash(word, ODD) for word in plain.words(text)] for text in texts]


@given(TEXTS, TEXTS, TEXTS)
def test_neighbours_never_change_a_texts_words(before: str, text: str, after: str) -> None:
    words = split(pl.Series([before, text, after]), MULTIPLIERS)
    assert words.hashes[words.offsets[1] : words.offsets[2]].tolist() == hashes_of(text)


@given(st.lists(TEXTS, max_size=6), st.integers(0, 6))
def test_a_slice_of_a_column_has_the_words_of_its_own_texts(texts: list[str], start: int) -> None:
    column = pl.Series(texts, dtype=pl.String)
    alone = split(pl.Series(texts[start:], dtype=pl.String), MULTIPLIERS)
    sliced = split(column.slice(start), MULTIPLIERS)
    assert sliced.hashes.tolist() == alone.hashes.tolist()
    assert sliced.offsets.tolist() == alone.offsets.tolist()


@given(st.lists(TEXTS, max_size=4))
def test_lines_count_the_words_between_newlines(texts: list[str]) -> None:
    lines = split(pl.Series(texts, dtype=pl.String), MULTIPLIERS).lines
    expected = [
        (segment, len(plain.words(line)))
        for segment, text in enumerate(texts)
        if "\n" in text
        for line in text.split("\n")
    ]
    assert list(zip(lines.segment.tolist(), lines.words.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't STOP", ["don", "t", "stop"]),
        ("step 12 of 1,000.5", ["step", "of"]),
        ("snake_case-name", ["snake", "case", "name"]),
        ("naïve café", ["naïve", "café"]),
        ("“curly” … quotes—here", ["curly", "quotes", "here"]),
        ("مرحبا، كيف حالك؟", ["مرحبا", "كيف", "حالك"]),
        ("नमस्ते।दुनिया", ["नमस्ते", "दुनिया"]),
        ("안녕하세요 세계", ["안녕하세요", "세계"]),
        ("春天3首ab诗", ["春", "天", "首", "ab", "诗"]),
        ("สวัสดี", ["ส", "ว", "ั", "ส", "ด", "ี"]),
        ("ok🙂🙂go", ["ok", "🙂", "🙂", "go"]),
        ("\u202eabc\u202c def", ["abc", "def"]),
        ("a\0b\x7fc", ["a", "b", "c"]),
        ("１２ＡＢ", ["ＡＢ"]),
    ],
)
def test_words_of_many_scripts(text: str, words: list[str]) -> None:
    assert hashes_of(text) == words_of(*words)


def test_null_reads_as_an_empty_text() -> None:
    assert split(pl.Series([None, "", "a"], dtype=pl.String), MULTIPLIERS).offsets.tolist() == [0, 0, 0, 1]


def test_a_word_of_a_megabyte_is_one_word() -> None:
    assert len(hashes_of("x" * 1_000_000)) == 1


def test_words_that_differ_within_their_first_or_last_eight_bytes_differ() -> None:
    words = ["abcdefgh", "abcdefghi", "abcdefghj", "bbcdefghi", "ab", "ba", "a", "aa", "aaa", "a" * 16, "a" * 17]
    assert len(set(hashes_of(" ".join(words)))) == len(words)


def test_mix_is_murmurs_finaliser() -> None:
    assert mix(np.array([0, 1, 2**64 - 1], dtype=np.uint64)).tolist() == [
        0,
        0xB456BCFC34C2CB2C,
        plain.mix(2**64 - 1),
    ]


def test_combine_tells_the_order_of_its_columns() -> None:
    both = combine(np.array([[1, 2], [2, 1]], dtype=np.uint64), MULTIPLIERS[:3])
    assert both[0] != both[1]


@given(st.lists(st.text(alphabet="abc ", max_size=40), min_size=1, max_size=4))
def test_minhash_keeps_the_smallest_shingle_of_each_slot(texts: list[str]) -> None:
    words = split(pl.Series(texts), MULTIPLIERS)
    offsets, keys = minhash(words, np.zeros(len(texts), dtype=np.int64), 1, MULTIPLIERS)
    runs = [[plain.word_hash(word, ODD) for word in plain.words(text)] for text in texts]
    shingles = [
        plain.mix((ODD[0] + a * ODD[1] + b * ODD[2] + c * ODD[3]) & plain.MASK)
        for run in runs
        for a, b, c in zip(run, run[1:], run[2:], strict=False)
    ]
    smallest = {shingle >> 60: shingle for shingle in sorted(shingles, reverse=True)}
    assert offsets.tolist() == [0, len(smallest)]
    assert keys.tolist() == [plain.signed(smallest[slot]) for slot in sorted(smallest)]
