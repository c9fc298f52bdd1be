"""Mutated lines of every format: nothing crashes, a line is the same in any company, and none costs out of proportion."""

import math
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingest_blocks import context
from mutating import mutated
from schemas.event import EVENT
from schemas.reject import REJECT
from transforms.ingest import ADAPTERS, Adapter, Block, Decoded, choose, merged
from transforms.ingest.json_reader import MOST_UNKNOWN, OTHERS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ingest"
FEW, MANY = 250, 1_500
"""Mutants of a format: a few seconds in `make test`, six times as many for each seed of the longer proof."""

every_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda adapter: adapter.name)


def fixture_lines(adapter: Adapter) -> list[bytes]:
    paths = [path for kind in ("records", "zones", "secrets") for path in (FIXTURES / adapter.name).glob(f"{kind}.*")]
    return [line for path in paths for line in path.read_bytes().split(b"\n") if line.strip()]


def alone(adapter: Adapter, lines: list[bytes]) -> list[Decoded]:
    """Each line decoded by itself, at the place it has among the others."""
    results, offset = [], 0
    for number, line in enumerate(lines, 1):
        results.append(adapter.decode(Block(line + b"\n", offset, number), context()))
        offset += len(line) + 1
    return results


def assert_decoded_alike_in_any_company(adapter: Adapter, lines: list[bytes]) -> None:
    """A block of the lines is what the lines are one by one; a failure names the first that is not."""
    together = adapter.decode(Block(b"".join(line + b"\n" for line in lines), 0, 1), context())
    EVENT.check(together.events)
    REJECT.check(together.rejects)
    singly = alone(adapter, lines)
    start = 0
    for line, one in zip(lines, singly, strict=True):
        here = pl.col("position").is_between(start, start + len(line))
        for frame, expected in ((together.events, one.events), (together.rejects, one.rejects)):
            found = frame.filter(here).sort("position")
            assert found.equals(expected.sort("position")), (
                f"{line!r} is {found.rows()} among others, else {expected.rows()}"
            )
        start += len(line) + 1
    whole = merged(singly)
    assert_frame_equal(EVENT.conform(together.events), whole.events)
    assert (together.records, together.ignored) == (whole.records, whole.ignored)
    assert_counted_alike(together.unknown_fields, whole.unknown_fields)
    assert together.records >= len(lines)


def assert_counted_alike(told_apart: dict[str, int], each: dict[str, int]) -> None:
    """A block tells a bounded number of names apart, and counts as many fields as its lines one by one."""
    assert sum(told_apart.values()) == sum(each.values())
    assert len(told_apart) <= 2 * MOST_UNKNOWN + 1
    if OTHERS not in {*told_apart, *each}:
        assert told_apart == each


@every_adapter
def test_a_mutated_line_is_the_same_in_any_company(adapter: Adapter) -> None:
    assert_decoded_alike_in_any_company(adapter, mutated(fixture_lines(adapter), FEW, seed=1))


@pytest.mark.slow
@every_adapter
@pytest.mark.parametrize("seed", range(2, 4))
def test_many_mutated_lines_are_the_same_in_any_company(adapter: Adapter, seed: int) -> None:
    assert_decoded_alike_in_any_company(adapter, mutated(fixture_lines(adapter), MANY, seed))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["log_samples/litellm/generic_api_posts.jsonl", "access_logs/apache_combined_2015.log"]
)
def test_mutated_lines_of_real_logs_are_the_same_in_any_company(shared_data: Path, name: str) -> None:
    data = (shared_data / name).read_bytes()
    adapter, _, _ = choose(data[:65_536], name)
    lines = [line for line in data.split(b"\n") if line.strip()][:2_000]
    assert_decoded_alike_in_any_company(adapter, mutated(lines, MANY, seed=11))


@every_adapter
def test_a_mutated_line_costs_no_more_than_many_times_a_clean_one(adapter: Adapter) -> None:
    lines = fixture_lines(adapter)
    usual = max(cost(adapter, line) for line in lines)  # the fixture's own damaged and longest lines among them
    for line in mutated(lines, 100, seed=7):
        scale = max(1.0, len(line) / min(len(clean) for clean in lines))
        most = MOST_TIMES * usual * scale
        assert cost(adapter, line, most) <= most, line


MOST_TIMES = 8
"""A mutant may be odder than every line of the fixtures, and the clock is coarse; a search without end takes thousands of times."""


def cost(adapter: Adapter, line: bytes, enough: float = 0.0) -> float:
    """Processor seconds to decode one line: the least of three, because others use the processor too, or the first that is enough."""
    least = math.inf
    for _ in range(3):
        began = time.process_time()
        adapter.decode(Block(line + b"\n", 0, 1), context())
        least = min(least, time.process_time() - began)
        if least <= enough:
            break
    return least


REPEATED = (b'"', b"\\", b"[", b'{"a":', b" ", b"9", b'"a" ', b"[1,", b'{"time":1},', b"- ", b"\xff", "\u0661".encode())


@every_adapter
@pytest.mark.parametrize("text", REPEATED, ids=repr)
def test_the_cost_of_a_hostile_line_grows_no_faster_than_its_length(adapter: Adapter, text: bytes) -> None:
    head = fixture_lines(adapter)[0][:60]
    short = cost(adapter, head + text * (60_000 // len(text)))
    most = 24 * max(short, 0.002)
    assert cost(adapter, head + text * (480_000 // len(text)), most) <= most, (
        "eight times the length: three times that is noise, 64 times is a square"
    )
