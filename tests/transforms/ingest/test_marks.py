"""What is counted by bits is what is counted sign by sign."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.ingest import marks

LINES = st.lists(st.text('":! \t\\ax\x01', max_size=90).map(str.encode), max_size=8)


@pytest.fixture(scope="module", autouse=True)
def pieces_of_64_bytes() -> object:
    """Small pieces, so that lines and signs lie across their borders."""
    with pytest.MonkeyPatch.context() as meanwhile:
        meanwhile.setattr(marks, "_PIECE", 64)
        yield


def plain(line: bytes) -> tuple[int, int]:
    """Colons that may end a name, and those of them before a string, of one line whose neighbours hold no sign."""
    around = b"\n\n" + line + b"\n\n"
    names = strings = 0
    for place in [match.start() for match in re.finditer(b":", around)]:
        ahead, before, behind, further = (around[place + step : place + step + 1] for step in (-2, -1, 1, 2))
        if before == b'"' or (before <= b" " and (ahead == b'"' or ahead <= b" ")):
            names += 1
            strings += behind == b'"' or (behind == b" " and further == b'"')
    return names, strings


@given(LINES)
def test_names_and_strings_of_each_line_are_counted_as_sign_by_sign(lines: list[bytes]) -> None:
    text = b"\n\n".join([b"", *lines, b""])
    ends = np.cumsum([len(line) + 2 for line in lines], dtype=np.int64)
    names, strings = marks.members(text, ends)
    assert list(zip(names.tolist(), strings.tolist(), strict=True)) == [plain(line) for line in lines]


@given(st.text("a\n", max_size=300).map(str.encode))
def test_newlines_are_those_that_python_counts(text: bytes) -> None:
    assert marks.newlines(text) == text.count(b"\n")


def test_a_line_that_ends_with_the_text_is_counted_whole() -> None:
    line = b'{"a":"b"}' + b" " * 55
    names, strings = marks.members(line, np.array([len(line)]))
    assert (len(line), names.tolist(), strings.tolist()) == (64, [1], [1])
