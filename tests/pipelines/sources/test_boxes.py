"""What is missing, and what was taken, agree with sets of points."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.boxes import Box, cut_at, missing, tidy, without_stretch

SPANS = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: (min(pair), max(pair)))
BOXES = st.lists(st.builds(lambda a, b: Box(*a, *b), SPANS, SPANS), max_size=6)
Point = tuple[int, int]


def points(boxes: list[Box] | tuple[Box, ...]) -> set[Point]:
    return {(x, t) for b in boxes for x in range(b.start, b.end) for t in range(b.since, b.until)}


@given(SPANS, SPANS, BOXES)
def test_missing_is_the_request_without_the_boxes(
    span: tuple[int, int], times: tuple[int, int], boxes: list[Box]
) -> None:
    found = missing(*span, times, boxes)
    wanted = points([Box(*span, *times)]) - points(boxes)
    got = [(x, t) for s in found for x in range(s.start, s.end) for low, high in s.times for t in range(low, high)]
    assert len(got) == len(set(got))
    assert set(got) == wanted


@given(SPANS, SPANS, BOXES)
def test_a_stretch_is_read_again_exactly_where_a_box_lay_over_its_bytes(
    span: tuple[int, int], times: tuple[int, int], boxes: list[Box]
) -> None:
    seen = {x for b in boxes for x in range(b.start, b.end)}
    for stretch in missing(*span, times, boxes):
        assert {x in seen for x in range(stretch.start, stretch.end)} == {stretch.again}


@given(BOXES)
def test_tidying_keeps_the_coverage_and_never_adds_boxes(boxes: list[Box]) -> None:
    result = tidy(boxes)
    assert points(result) == points(boxes)
    assert len(result) <= len(boxes)
    assert tidy(reversed(boxes)) == result or points(tidy(reversed(boxes))) == points(result)


def test_neighbours_become_one_box() -> None:
    assert tidy([Box(0, 5), Box(5, 9), Box(9, 12)]) == (Box(0, 12),)
    assert tidy([Box(0, 5, 0, 3), Box(0, 5, 3, 8)]) == (Box(0, 5, 0, 8),)


@given(BOXES, st.integers(0, 9))
def test_cutting_drops_what_lies_behind(boxes: list[Box], end: int) -> None:
    assert points(cut_at(boxes, end)) == {point for point in points(boxes) if point[0] < end}


@given(BOXES, SPANS)
def test_a_stretch_taken_out_is_missing_again(boxes: list[Box], span: tuple[int, int]) -> None:
    left = points(without_stretch(boxes, *span))
    assert left == {point for point in points(boxes) if not span[0] <= point[0] < span[1]}
