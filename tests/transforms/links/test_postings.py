"""The index of shared keys: who is passed on, when, and the same however traits are cut, grouped and sharded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import oracle_links
from given_accounts import DAY, TICK, account_hash, at, traits
from schemas.policy import Links, Policy
from schemas.shared import SHARED
from schemas.trait import TRAIT_KINDS
from transforms.links import Compact, Names, PostingState, Segment, Table
from transforms.links.compact import COME_BACK, KINDS
from transforms.links.postings import step
from transforms.links.segments import find

SMALL = replace(Policy(), links=Links(memory_days=2, most_holders=3))
LAST = DAY + timedelta(days=12)
OF_PIECE = {"postings": Table, "segments": Segment, "names": Names}


def through_bytes(state: PostingState) -> PostingState:
    """The state as it is when it was stored and read."""
    pieces = state.pieces()
    return PostingState.of({name: OF_PIECE[name.split("-")[0]].from_bytes(p.to_bytes()) for name, p in pieces.items()})


def run(
    rows: pl.DataFrame, borders: Sequence[datetime] = (LAST,), policy: Policy = SMALL, groups: int = 1, shards: int = 1
) -> pl.DataFrame:
    """What all runs give together: accounts spread over groups, keys over shards, states through bytes."""
    states, since, out = [PostingState.empty()] * shards, DAY - timedelta(days=1), [SHARED.empty()]
    for until in borders:
        mine = rows.filter((pl.col("tick") >= since) & (pl.col("tick") < until))
        parts = [Compact.of(mine.filter(pl.col("account_hash") % groups == number)) for number in range(groups)]
        split = [list(part.shards(shards)) for part in parts]
        for shard in range(shards):
            given_rows = Compact.together([part[shard].rows for part in split], [part[shard].names for part in split])
            states[shard], shared = step(states[shard], given_rows, until, policy)
            states[shard] = through_bytes(states[shard])
            out.append(shared)
        since = until
    return SHARED.conform(pl.concat(out))


def shows(account: str, key: int, minute: float, kind: str = "system", **more: Any) -> dict[str, Any]:
    return {"account_id": account, "kind": kind, "key": key, "minute": minute, "second": minute % 5 * 60} | more


def passed(*rows: dict[str, Any], policy: Policy = SMALL) -> list[tuple[str, int, int, bool]]:
    """Account, minute of the tick, holders, is_new."""
    found = run(traits(rows), policy=policy)
    minutes = (pl.col("tick") - DAY).dt.total_minutes()
    return found.select("account_id", minutes, "holders", "is_new").rows()


def test_a_key_of_one_account_is_not_passed_on() -> None:
    assert passed(shows("a", 1, 0), shows("a", 1, 5), shows("b", 2, 0)) == []


def test_two_accounts_that_come_in_one_tick_are_both_passed_on() -> None:
    assert passed(shows("a", 1, 0), shows("b", 1, 0)) == [("a", 0, 2, True), ("b", 0, 2, True)]


def test_who_held_a_key_alone_is_passed_on_when_it_becomes_shared() -> None:
    rows = [shows("a", 1, 0, count=7), shows("a", 1, 5, count=9), shows("b", 1, 10, count=2)]
    assert passed(*rows) == [("a", 10, 2, True), ("b", 10, 2, True)]
    first = run(traits(rows)).filter(account_id="a")
    assert first.select("count", "first_time").row(0) == (7, DAY)


def test_what_a_holder_shows_later_is_passed_on_as_no_longer_new() -> None:
    rows = [shows("a", 1, 0), shows("b", 1, 0), shows("a", 1, 5)]
    assert passed(*rows)[-1] == ("a", 5, 2, False)


def test_the_earlier_holder_can_show_the_key_in_the_same_tick() -> None:
    rows = [shows("a", 1, 0), shows("a", 1, 10), shows("b", 1, 10)]
    assert passed(*rows) == [("a", 10, 2, True), ("a", 10, 2, False), ("b", 10, 2, True)]


def test_kinds_are_not_mixed_up() -> None:
    assert passed(shows("a", 1, 0, "head"), shows("b", 1, 0, "tail")) == []


def test_who_redeems_a_handle_shares_it_with_whom_it_was_issued_to() -> None:
    rows = [shows("a", 1, 0, "handle_issued"), shows("b", 1, 5, "handle_used")]
    assert passed(*rows) == [("a", 5, 2, True), ("b", 5, 2, True)]


def test_kinds_that_tie_nobody_are_not_passed_on() -> None:
    assert passed(shows("a", 1, 0, "model"), shows("b", 1, 0, "model")) == []


def test_an_account_holds_a_key_for_days_after_it_last_showed_it() -> None:
    day = 24 * 60
    assert passed(shows("a", 1, 0), shows("b", 1, 3 * day - 5)) != []
    assert passed(shows("a", 1, 0), shows("b", 1, 3 * day)) == []
    assert passed(shows("a", 1, 0), shows("a", 1, 2 * day), shows("b", 1, 4 * day)) != []


def test_of_a_key_shown_for_longer_than_remembered_the_first_row_remembered_is_passed_on() -> None:
    days = [shows("a", 1, day * 1440, count=day + 1) for day in range(5)]
    found = run(traits([*days, shows("b", 1, 5 * 1440)])).filter(account_id="a")
    assert found["count"].to_list() == [4]  # of day 3; on day 5 two days are remembered


def test_a_key_of_too_many_accounts_is_marked_once_and_never_passed_on_again() -> None:
    rows = [shows(name, 1, 5 * place) for place, name in enumerate("abcdefg")]
    found = run(traits(rows))
    assert found["holders"].max() == 4
    assert found.filter("is_capped").select("account_id", "holders").rows() == [("d", 4)]
    assert found.filter(~pl.col("is_capped"))["account_id"].unique().sort().to_list() == ["a", "b", "c"]


def test_a_capped_key_is_passed_on_again_when_nobody_has_shown_it_for_days() -> None:
    crowd = [shows(name, 1, 0) for name in "abcdefg"]
    later = [shows("a", 1, 3 * 1440), shows("b", 1, 3 * 1440)]
    assert run(traits(crowd + later)).filter(~pl.col("is_capped"))["account_id"].to_list() == ["a", "b"]
    between = [shows("x", 1, 1440)]
    assert run(traits(crowd + between + later)).filter(~pl.col("is_capped")).is_empty()


def test_every_kind_that_ties_accounts_has_its_place_in_what_is_stored() -> None:
    assert {*KINDS} - {*COME_BACK} == {kind.name for kind in TRAIT_KINDS if kind.links}


_NAMES = st.sampled_from(["a", "b", "c", "d", "e", "zoë"])
_ROWS = st.fixed_dictionaries(
    {
        "account_id": _NAMES,
        "kind": st.sampled_from(["head", "tail", "handle_issued", "handle_used", "payment", "model"]),
        "key": st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]),
        "minute": st.builds(
            lambda day, tick: day * 1440 + tick * 5, st.integers(0, 9), st.sampled_from([0, 1, 2, 144, 287])
        ),
        "second": st.sampled_from([0, 7.25, 299.999999]),
        "count": st.integers(1, 3) | st.just(70_000),
        "refused": st.integers(0, 1),
        "elicited": st.none() | st.integers(0, 300),
        "output_tokens": st.none() | st.integers(0, 2**40),
    }
)
_LOGS = st.lists(
    _ROWS, max_size=40, unique_by=lambda row: (row["account_id"], row["kind"], row["key"], row["minute"])
).map(traits)
_BORDERS = st.lists(st.integers(1, 10 * 288), max_size=8, unique=True).map(
    lambda ticks: [*[DAY + TICK * tick for tick in sorted(ticks)], LAST]
)


@given(_LOGS)
@settings(max_examples=60)
def test_shared_keys_equal_the_oracle(rows: pl.DataFrame) -> None:
    found = run(rows)
    SHARED.check(found)
    assert_frame_equal(found, oracle_links.shared(rows, SMALL.links))


@given(_LOGS, _BORDERS, st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=40)
def test_any_cut_and_any_number_of_groups_and_shards_give_the_same(
    rows: pl.DataFrame, borders: list[datetime], groups: int, shards: int
) -> None:
    assert_frame_equal(run(rows, borders, groups=groups, shards=shards), oracle_links.shared(rows, SMALL.links))


@pytest.mark.slow
@given(_LOGS, _BORDERS, st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=10 * settings.default.max_examples)
def test_any_cut_of_many_more_logs_gives_the_same(
    rows: pl.DataFrame, borders: list[datetime], groups: int, shards: int
) -> None:
    assert_frame_equal(run(rows, borders, groups=groups, shards=shards), oracle_links.shared(rows, SMALL.links))


def crowd(seed: int, rows: int, accounts: int, keys: int, days: int) -> pl.DataFrame:
    """TRAIT rows: some keys of nearly everybody, many of one account."""
    rng = np.random.default_rng(seed)
    spread = rng.integers(-(2**63), 2**63 - 1, keys)
    frame = pl.DataFrame(
        {
            "account_id": [f"acct-{n}" for n in rng.integers(0, accounts, rows)],
            "kind": rng.choice(["head", "system", "agent", "payment"], rows).tolist(),
            "key": spread[(keys * rng.random(rows) ** 3).astype(np.int64)].tolist(),
            "minute": (rng.integers(0, days * 288, rows) * 5).tolist(),
        }
    )
    return traits(frame.unique(maintain_order=True).to_dicts())


def test_a_run_for_every_tick_around_midnight_gives_the_same_as_one_run() -> None:
    rows = crowd(3, 3_000, 60, 700, 2)
    policy = replace(Policy(), links=Links(memory_days=1, most_holders=15))
    expected = oracle_links.shared(rows, policy.links)
    assert expected["is_capped"].sum() > 3
    assert_frame_equal(run(rows, policy=policy), expected)
    ticks = [DAY + TICK * number for number in (*range(144, 252, 9), *range(252, 324), *range(324, 432, 9), 576)]
    assert_frame_equal(run(rows, ticks, policy=policy, groups=2, shards=2), expected)


def test_words_are_found_with_and_without_the_map_of_all_words() -> None:
    rng = np.random.default_rng(5)
    segments = []
    words = np.unique(rng.integers(0, 2**64 - 1, 5_000, dtype=np.uint64))
    for day in range(3):
        rows = Compact.of(traits([shows("a", 0, 0)])).rows[[0] * 2_000]
        chosen = words[np.sort(rng.choice(5_000, 2_000, replace=False))]
        segments.append(Segment.of(day, rows.with_columns(pl.Series("word", chosen))))
    has = [set(segment.words.tolist()) for segment in segments]
    for asked in (words[::50], words):
        for latest in (True, False):
            found = find(segments, asked, latest=latest)
            order = [2, 1, 0] if latest else [0, 1, 2]
            expected = [next((n for n in order if word in has[n]), -1) for word in asked.tolist()]
            assert found.segment.tolist() == expected
            there = [segments[n].words[row] for n, row in zip(found.segment, found.row, strict=True) if n >= 0]
            assert there == [word for word, n in zip(asked, expected, strict=True) if n >= 0]


def test_a_run_without_traits_changes_no_piece() -> None:
    state, _ = step(PostingState.empty(), Compact.of(traits([shows("a", 1, 0), shows("b", 1, 0)])), at(5), SMALL)
    after, _ = step(state, Compact.of(traits([])), at(10), SMALL)
    before = state.pieces()
    assert all(piece is before[name] for name, piece in after.pieces().items())


def test_few_new_keys_write_little() -> None:
    state = PostingState.empty()
    for tick in range(40):
        rows = traits([shows(f"acct-{tick}", tick * 100 + key, tick * 5) for key in range(1000 if tick == 0 else 20)])
        before = state.pieces()
        state, _ = step(state, Compact.of(rows), at(tick * 5 + 5), SMALL)
    pieces = state.pieces()
    written = sum(len(piece.to_bytes()) for name, piece in pieces.items() if piece is not before.get(name))
    assert written < 0.3 * sum(len(piece.to_bytes()) for piece in pieces.values())
    assert len(state.segments) <= 7


def test_days_of_many_runs_leave_one_piece_each() -> None:
    def after(runs_a_day: int) -> tuple[PostingState, pl.DataFrame]:
        state, found = PostingState.empty(), []
        for day in range(3):
            for tick in range(0, 288, 288 // runs_a_day):
                rows = traits(
                    [shows(f"acct-{tick}", tick * 100 + key % 40, day * 1440 + tick * 5) for key in range(60)]
                )
                state, shared = step(state, Compact.of(rows), at(day * 1440 + tick * 5 + 5), SMALL)
                found.append(shared)
        return state, pl.concat(found)

    state, found = after(36)
    days = [segment.day for segment in state.segments]
    assert [days.count(day) for day in sorted(set(days))[:-1]] == [1, 1]
    assert sum(segment.rows.height for segment in state.segments) == 3 * 36 * 40
    assert found.is_empty()


def test_a_name_outlives_the_rows_that_need_it() -> None:
    policy = replace(Policy(), links=Links(memory_days=40))
    rows = traits([shows("a", 1, 0), shows("b", 2, 20 * 1440), shows("b", 1, 39 * 1440)])
    borders = [DAY + timedelta(days=day) for day in range(1, 41)]
    assert run(rows, borders, policy)["account_id"].to_list() == ["a", "b"]


def test_accounts_are_named_with_their_hash() -> None:
    found = run(traits([shows("a", 1, 0), shows("b", 1, 0)]))
    assert found["account_hash"].to_list() == [account_hash("a"), account_hash("b")]


@pytest.mark.parametrize("piece", [Table, Segment, Names])
def test_bytes_of_another_state_are_refused(piece: type[Table | Segment | Names]) -> None:
    with pytest.raises(ValueError, match="not a state"):
        piece.from_bytes(b"nothing of ours")
