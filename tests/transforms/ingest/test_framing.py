import json

from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest.adapter import Block
from transforms.ingest.framing import cut, elements, is_utf8
from transforms.ingest.registry import framing_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def pieces(data: bytes, framing: str = "lines", offset: int = 0, line: int = 1) -> list[tuple[bytes, int, int]]:
    found = cut(Block(data, offset, line, framing))
    assert found.lines is not None
    return [
        (found.text(row), int(position), int(number))
        for row, (position, number) in enumerate(zip(found.positions, found.lines, strict=True))
    ]


def test_lines_know_their_offset_and_number() -> None:
    assert pieces(b"a\nbc\n\n d\n", offset=100, line=7) == [(b"a", 100, 7), (b"bc", 102, 8), (b" d", 106, 10)]


def test_last_line_needs_no_line_break() -> None:
    assert pieces(b"a\nb") == [(b"a", 0, 1), (b"b", 2, 2)]


def test_carriage_return_and_byte_order_mark_are_not_part_of_a_line() -> None:
    assert pieces(b"\xef\xbb\xbfa\r\nb\r") == [(b"a", 0, 1), (b"b", 6, 2)]


def test_a_lone_carriage_return_does_not_end_a_line() -> None:
    assert pieces(b'{"a":\r1}\n') == [(b'{"a":\r1}', 0, 1)]


def test_a_document_of_one_object_is_one_record() -> None:
    assert pieces(b' {\n "a": 1\n}\n', "document") == [(b'{\n "a": 1\n}', 1, 1)]


def test_a_document_of_an_array_is_its_elements() -> None:
    assert pieces(b'[\n {"a": 1},\n {"b": 2}\n]', "document") == [(b'{"a": 1}', 3, 2), (b'{"b": 2}', 14, 3)]


def test_a_document_of_several_values_is_those_values() -> None:
    assert pieces(b'{\n"a": 1}\n{\n"b": 2}', "document") == [(b'{\n"a": 1}', 0, 1), (b'{\n"b": 2}', 10, 3)]


def test_a_cut_off_document_keeps_its_whole_elements() -> None:
    assert pieces('[{"ä": 1},\n{"b"'.encode(), "document") == [('{"ä": 1}'.encode(), 1, 1), (b'{"b"', 12, 2)]


def test_what_follows_an_array_is_a_piece_of_its_own() -> None:
    assert elements(b"[1]x") == [(1, 2), (3, 4)]


@given(st.lists(VALUES))
def test_elements_are_found_where_they_stand(values: list[object]) -> None:
    text = json.dumps(values, ensure_ascii=False).encode()
    assert [json.loads(text[low:high]) for low, high in elements(text)] == values


@given(st.lists(VALUES, min_size=1), st.integers(1, 200))
def test_elements_before_the_damage_are_kept(values: list[object], missing: int) -> None:
    text = json.dumps(values).encode()
    damaged = text[: max(1, len(text) - missing)]
    found = elements(damaged)
    whole = [span for span in elements(text) if span[1] < len(damaged)]
    assert found[: len(whole)] == whole
    assert len(found) <= len(whole) + 1


@given(st.binary())
def test_utf8_is_what_python_says(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        assert not is_utf8(data)
    else:
        assert is_utf8(data)


def test_objects_in_lines_are_lines_and_a_spread_out_value_is_a_document() -> None:
    assert framing_of(b'{"a": 1}\n{"a": 2}\n') == "lines"
    assert framing_of(b'[{"a": 1}, {"a": 2}]\n') == "lines"
    assert framing_of(b'[{"a": 1},\n{"a": 2}]\n') == "document"
    assert framing_of(b'\xef\xbb\xbf{\n  "a": 1\n}') == "document"
    assert framing_of(b"203.0.113.9 - - [") == "lines"
