import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

import plain_fingerprints as plain
from schemas.errors import StillwatchError
from schemas.event import EVENT
from transforms.ingest.fingerprint import PROMPT_COLUMNS, account_hash, prompt_keys, repeated_digest, text_digest, token
from transforms.ingest.key import FingerprintKey

KEY = FingerprintKey(bytes(range(32)))
OTHER = FingerprintKey(bytes(32))
TEMPLATE = ("head_key", "tail_key", "line_keys", "shingle_keys")

TEXTS = st.text(alphabet=st.sampled_from("abcdeF xyz  .,0\n\n\tЩж中の🙂，"), max_size=200)
LONG = st.builds(lambda parts, n: " ".join(parts) * n, st.lists(TEXTS, min_size=1, max_size=3), st.integers(1, 30))


def keys_of(text: str | None, key: FingerprintKey = KEY) -> dict[str, object]:
    return prompt_keys(pl.Series([text], dtype=pl.String), key).row(0, named=True)


def words(first: int, last: int) -> str:
    """Different words without digits."""
    return " ".join("w" + "".join(chr(97 + int(digit)) for digit in str(n)) for n in range(first, last))


# Published vectors under the key of bytes 0 to 31. They pin version stillwatch/1: a change here means a new version,
# because events written before no longer meet those written after.
VECTORS = {
    "Write a short poem about the sea in spring.": {
        "prompt_digest": -1115681031811799002,
        "prompt_chars": 43,
        "head_key": 7537645835844991876,
        "tail_key": -9209240025975523892,
        "line_keys": None,
        "passage_keys": None,
        "shingle_keys": [
            3416022715943443404, -8218134305195053693, -7829776772238771192, -6342650844797054673, -5667831868209538893,
        ],
    },
    "Solve the following task carefully.\nA train leaves at 9:40 and another at 10:15.\nGive only the final answer.": {
        "prompt_digest": -7252173267027606119,
        "prompt_chars": 108,
        "head_key": 2778050484598456850,
        "tail_key": -3725510454401824910,
        "line_keys": [-4025152812954530051, 2283141900252344574, 544331484229263697],
        "passage_keys": None,
        "shingle_keys": [
            235658371528943010, 1432401679435111983, 3407220699323563024, 3671374146693518568, 5316428864212763104,
            6093934731199759079, 8562564127360995451, -9166052145970845395, -7811354717069440010, -5426714233363127326,
            -3806960898283525466, -418070652858586041,
        ],
    },
    "请用中文写一首关于春天的诗。": {
        "prompt_digest": 3802715498997231464,
        "prompt_chars": 14,
        "head_key": -1342299337759508422,
        "tail_key": -8471399883551158514,
        "line_keys": None,
        "passage_keys": None,
        "shingle_keys": [
            936774637907541149, 1381882529090001561, 4308485183227584852, 8004428450080628994, 8289694570726081458,
            -8580149918058460832, -7294134149886870951, -3498761518499095656, -3046831334822505260, -1688865149224902821,
            -1007296150986086989,
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("text", VECTORS)
def test_keys_are_those_published(text: str) -> None:
    assert keys_of(text) == VECTORS[text]


def test_the_key_id_is_the_one_published() -> None:
    assert KEY.id == "392e2a3207895288"


@given(TEXTS)
def test_template_keys_are_those_of_the_plain_implementation(text: str) -> None:
    assert {name: keys_of(text)[name] for name in TEMPLATE} == plain.prompt_keys(text, KEY.secret)


@given(st.lists(st.none() | TEXTS | LONG, max_size=8), st.integers(0, 8))
def test_keys_do_not_depend_on_chunks(texts: list[str | None], cut: int) -> None:
    column = pl.Series(texts, dtype=pl.String)
    whole = prompt_keys(column, KEY)
    parts = [prompt_keys(column.slice(0, cut), KEY), prompt_keys(column.slice(cut), KEY)]
    assert_frame_equal(whole, pl.concat(parts))
    chunked = pl.concat([column.slice(0, cut), column.slice(cut)], rechunk=False)
    assert_frame_equal(whole, prompt_keys(chunked, KEY))


@given(st.lists(st.none() | TEXTS | LONG, max_size=5), TEXTS | LONG, st.lists(st.none() | TEXTS | LONG, max_size=5))
def test_other_rows_never_change_a_rows_keys(before: list[str], text: str, after: list[str]) -> None:
    together = prompt_keys(pl.Series([*before, text, *after], dtype=pl.String), KEY)
    assert together.row(len(before), named=True) == keys_of(text)


def test_blocks_are_seamless() -> None:
    texts = pl.Series([f"{words(0, n % 40)}\n{words(n % 7, n % 50)}" for n in range(4097)])
    frame = prompt_keys(texts, KEY)
    assert_frame_equal(frame.slice(4090), prompt_keys(texts.slice(4090), KEY))


@given(st.lists(st.none() | TEXTS, max_size=4))
def test_columns_are_those_of_the_event_contract(texts: list[str | None]) -> None:
    frame = prompt_keys(pl.Series(texts, dtype=pl.String), KEY)
    assert dict(frame.schema) == {name: EVENT.polars[name] for name in PROMPT_COLUMNS}


def test_null_stays_null_in_every_column() -> None:
    assert set(keys_of(None).values()) == {None}


def test_an_empty_prompt_has_a_digest_and_no_keys() -> None:
    keys = keys_of("")
    assert keys["prompt_digest"] is not None
    assert keys["prompt_chars"] == 0
    assert [keys[name] for name in TEMPLATE] == [None] * 4


def test_eight_words_have_equal_head_and_tail_and_seven_have_none() -> None:
    eight, seven = keys_of(words(0, 8)), keys_of(words(0, 7))
    assert eight["head_key"] == eight["tail_key"] is not None
    assert seven["head_key"] is None
    assert seven["tail_key"] is None


def test_case_numbers_and_punctuation_never_break_a_template() -> None:
    one = keys_of("Question 7: how many apples does Tom have, if he buys 12?")
    other = keys_of("question 1,234 - How many apples does tom have if he buys 5.50")
    assert {name: one[name] for name in TEMPLATE} == {name: other[name] for name in TEMPLATE}
    assert one["prompt_digest"] != other["prompt_digest"]


def test_three_words_have_a_shingle_and_two_have_none() -> None:
    assert keys_of("one two three")["shingle_keys"] is not None
    assert keys_of("one two")["shingle_keys"] is None


def test_shingle_keys_ascend_by_slot_and_have_at_most_one_each() -> None:
    slots = [key >> 60 & 15 for key in keys_of(words(0, 150))["shingle_keys"]]
    assert slots == sorted(set(slots))
    assert len(slots) == 16


def test_a_single_line_has_no_line_keys() -> None:
    assert keys_of(f"\n\n  {words(0, 20)}\n ")["line_keys"] is None


def test_lines_are_the_first_two_and_the_last_two_with_four_words() -> None:
    lines = [words(10 * n, 10 * n + 5) for n in range(6)]
    text = "\n".join(["short one", *lines[:2], "x", *lines[2:], "end"])
    expected = keys_of("\n".join([lines[0], lines[1], lines[4], lines[5]]))["line_keys"]
    assert keys_of(text)["line_keys"] == expected
    assert len(set(expected)) == 4


def test_a_repeated_line_counts_once() -> None:
    assert len(keys_of("\n".join([words(0, 6)] * 5))["line_keys"]) == 1


def test_a_line_counts_by_its_first_sixteen_words() -> None:
    def line_keys(tail: str) -> object:
        return keys_of(f"hello there\n{words(0, 16)} {tail}")["line_keys"]

    assert line_keys("more") == line_keys("something else") == line_keys("")
    assert keys_of(f"hello there\n{words(0, 15)} more")["line_keys"] != line_keys("")


def test_the_middle_of_a_long_prompt_changes_its_digest_only() -> None:
    start, end = words(0, 200)[:512], words(200, 400)[-512:]
    assert len(start) == len(end) == 512
    one, other = (keys_of(start + middle + end) for middle in (words(500, 700), words(700, 900)))
    assert {name: one[name] for name in TEMPLATE} == {name: other[name] for name in TEMPLATE}
    assert one["prompt_digest"] != other["prompt_digest"]


def test_a_prompt_of_1024_characters_is_read_whole() -> None:
    text = "ab " * 341 + "c"
    assert len(text) == 1024
    middle = text[:512] + "x" + text[513:]
    assert keys_of(text)["shingle_keys"] != keys_of(middle)["shingle_keys"]
    assert keys_of(text + "c")["head_key"] == keys_of(text)["head_key"]


def test_head_and_tail_of_a_long_prompt_are_its_own_first_and_last_words() -> None:
    text = words(0, 500)
    assert len(text) > 1024
    assert keys_of(text)["head_key"] == keys_of(words(0, 8))["head_key"]
    assert keys_of(text)["tail_key"] == keys_of(words(492, 500))["tail_key"]


def test_windows_are_counted_in_characters() -> None:
    one, other = ("中文字符好" * 103)[:512], ("春天来了吗" * 103)[:512]
    assert keys_of(one + "甲" * 900 + other)["head_key"] == keys_of(one + "乙" * 900 + other)["head_key"]
    assert (
        keys_of(one + "甲乙丙" * 300 + other)["shingle_keys"] == keys_of(one + "丁戊己" * 300 + other)["shingle_keys"]
    )


def test_a_line_cut_by_a_window_is_left_out_unless_sixteen_words_are_whole() -> None:
    end = "\n" + words(900, 905) + "\n" + words(910, 915)
    short_cut = words(0, 5) + "\n" + words(10, 85) + "\n" + words(90, 93) + " " + "z" * 900 + end
    assert len(short_cut) > 1024
    long_cut = words(0, 5) + "\n" + words(10, 400) + end
    assert len(keys_of(short_cut)["line_keys"]) == 4
    assert keys_of(long_cut)["line_keys"][1] == keys_of("a b\n" + words(10, 26))["line_keys"][0]


@pytest.mark.parametrize(
    "hostile",
    ["\0" * 3000, "x" * 1_000_000, "\u202e" + "abc " * 400, "🙂" * 2000, "e\u0301" * 2000, "\n" * 5000, " " * 5000,
     "中" * 3000, "\U0010ffff" * 700, "\ufeff\u200b" * 900, "a\r\nb\r\n" * 600],
)  # fmt: skip
def test_hostile_text_gets_keys_and_leaves_its_neighbours_alone(hostile: str) -> None:
    frame = prompt_keys(pl.Series([words(0, 30), hostile, words(0, 30)]), KEY)
    assert frame.row(0) == frame.row(2)
    assert frame["prompt_chars"][1] == len(hostile)


def test_another_key_changes_every_fingerprint() -> None:
    text = f"{words(0, 20)}\n{words(20, 40)}"
    one, other = keys_of(text), keys_of(text, OTHER)
    assert one["head_key"] != other["head_key"]
    assert not set(one["line_keys"]) & set(other["line_keys"])
    assert not set(one["shingle_keys"]) & set(other["shingle_keys"])
    assert one["prompt_digest"] != other["prompt_digest"]


def test_a_digest_is_keyed_blake2b_of_the_bytes() -> None:
    expected = hashlib.blake2b("naïve".encode(), key=KEY.derive("prompt"), digest_size=8).digest()
    assert text_digest(pl.Series(["naïve"]), KEY, "prompt").item() == int.from_bytes(expected, "little", signed=True)


def test_digests_of_two_purposes_have_nothing_in_common() -> None:
    texts = pl.Series("x", ["a", "b", None, ""])
    one, other = text_digest(texts, KEY, "system"), token(texts, KEY, "end user")
    assert not set(one.drop_nulls()) & set(other.drop_nulls())
    assert one.is_null().to_list() == [False, False, True, False]


@given(st.lists(st.none() | st.text(max_size=20), max_size=8), st.integers(0, 8))
def test_digests_do_not_depend_on_chunks(texts: list[str | None], cut: int) -> None:
    column = pl.Series("x", texts, dtype=pl.String)
    parts = pl.concat([text_digest(column.slice(0, cut), KEY, "p"), text_digest(column.slice(cut), KEY, "p")])
    assert_series_equal(text_digest(column, KEY, "p"), parts)


@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "conversation"]), st.text()), max_size=40))
def test_repeated_texts_have_the_digests_that_each_has_alone(texts: list[str | None]) -> None:
    values = pl.Series("id", [*texts, *texts, *texts], dtype=pl.String)
    assert_series_equal(repeated_digest(values, KEY, "system"), text_digest(values, KEY, "system"))


def test_account_hash_is_xxh3_of_the_id() -> None:
    expected = [0x2D06800538D394C2, None]
    assert account_hash(pl.Series("account_id", ["", None], dtype=pl.String)).to_list() == expected


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(StillwatchError, match="31 bytes"):
        FingerprintKey(bytes(31))


def test_a_key_does_not_show_its_secret() -> None:
    key = FingerprintKey(b"0123456789abcdef0123456789abcdef")
    assert "0123" not in repr(key)
    assert key.secret.hex() not in key.id


def test_multipliers_are_odd_and_differ_by_purpose() -> None:
    one, other = KEY.multipliers("words", 20).tolist(), KEY.multipliers("lines", 20).tolist()
    assert all(value % 2 for value in one + other)
    assert len(set(one + other)) == 40
    assert KEY.multipliers("words", 4).tolist() == one[:4] == plain.multipliers(KEY.secret, "words", 4)
