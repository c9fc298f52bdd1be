"""Whom redeemed handles speak against beside who redeems them."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from given_accounts import DAY, TICK, Row, foreign, registry
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.detectors import GiverState, givers

POLICY = Policy()
END = DAY + timedelta(days=3)
NOBODY = REGISTRY.empty()


def run(rows: list[Row], known: pl.DataFrame = NOBODY, until: datetime = END) -> pl.DataFrame:
    return givers.step(GiverState.empty(), foreign(rows), known, until, POLICY)[1].sort("tick", "key")


def taken(issuers: list[str], *, minute: float = 0, apart: float = 5) -> list[Row]:
    """A thief redeems one handle of each after the other."""
    return [
        {"minute": minute + apart * k, "key": 1000 * minute + k, "account_id": "thief", "issuer": name}
        for k, name in enumerate(issuers)
    ]


@pytest.mark.parametrize("kind", ["answer_carried", "answer_pasted"])
def test_whose_answers_are_sent_in_is_no_giver(kind: str) -> None:
    assert run([row | {"kind": kind} for row in taken(["a"] * 30)]).is_empty()


def test_who_takes_from_one_has_a_partner_from_the_third_handle_on() -> None:
    assert run(taken(["a"] * 10)).height == 8


def test_who_takes_from_two_may_have_a_stock() -> None:
    assert run(taken(["a", "a", "a", "b", "a", "b"]))["issuer"].to_list() == ["a"]


def test_of_one_tick_everything_is_seen_at_once() -> None:
    assert run(taken(["a", "a", "a", "b"], apart=0)).is_empty()


def test_a_day_later_they_are_forgotten() -> None:
    rows = taken(["a", "b", "c", "d"]) + taken(["e"] * 3, minute=25 * 60)
    assert run(rows)["issuer"].to_list() == ["e"]


def test_a_colleague_who_goes_on_with_one_conversation_makes_nobody_a_giver() -> None:
    rows = [{"minute": 10 * k, "key": k, "account_id": f"colleague-{k}", "issuer": "a"} for k in range(5)]
    assert run(rows).is_empty()


def test_a_young_account_is_told_however_many_there_are() -> None:
    known = registry([{"account_id": "c", "age_days": 3.0}, {"account_id": "d", "age_days": 300.0}])
    assert run(taken(["a", "b", "c", "d", "e"]), known)["issuer"].to_list() == ["c"]


def test_youth_ends_while_the_log_goes_on() -> None:
    known = registry([{"account_id": "d", "age_days": POLICY.campaigns.fresh_days - 1.0}])
    rows = taken(["a", "b", "c", "d"]) + taken(["a", "b", "c", "d"], minute=1440)
    assert run(rows, known)["issuer"].to_list() == ["d"]


def test_redemptions_of_another_account_are_another_matter() -> None:
    rows = taken(["a", "b", "c", "d"], apart=0)
    rows += [{"minute": 5, "key": 90 + k, "account_id": "partner", "issuer": "a"} for k in range(3)]
    assert run(rows)["account_id"].unique().to_list() == ["partner"]


def test_handles_of_its_own_and_of_nobody_speak_against_nobody() -> None:
    own = foreign([{"key": 1, "account_id": "a", "issuer": "a"}])
    unknown = foreign(taken(["a"])).with_columns(issuer_hash=pl.lit(None, pl.Int64))
    for rows in (own, unknown):
        assert givers.step(GiverState.empty(), rows, NOBODY, END, POLICY)[1].is_empty()


def test_a_run_without_redemptions_forgets_what_is_a_day_old() -> None:
    state, _ = givers.step(GiverState.empty(), foreign(taken(["a"])), NOBODY, DAY + TICK, POLICY)
    kept, _ = givers.step(state, foreign([]), NOBODY, DAY + timedelta(hours=23), POLICY)
    gone, _ = givers.step(state, foreign([]), NOBODY, DAY + timedelta(hours=25), POLICY)
    assert kept is state
    assert gone.taken.is_empty()


redemptions = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from("ab"), st.sampled_from("abf"), st.integers(0, 9)), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(drawn=redemptions, cuts=st.lists(st.integers(0, 600), max_size=6))
def test_any_cut_into_runs_and_a_slow_reading_tell_the_same(
    drawn: list[tuple[int, str, str, int]], cuts: list[int]
) -> None:
    rows = [
        {"minute": 5 * tick, "account_id": taker, "issuer": issuer, "key": key}
        for tick, taker, issuer, key in sorted({row[:3]: row for row in drawn}.values())
    ]
    known = registry([{"account_id": "f", "age_days": 29.0}])
    whole = run(rows, known)
    state, parts, since = GiverState.empty(), [], DAY - timedelta(days=1)
    for border in [*sorted({DAY + 5 * cut * timedelta(minutes=1) for cut in cuts}), END]:
        part = foreign(rows).filter((pl.col("tick") >= since) & (pl.col("tick") < border))
        state, told = givers.step(GiverState.from_bytes(state.to_bytes()), part, known, border, POLICY)
        parts.append(told)
        since = border
    order = ["tick", "account_id", "issuer", "key"]
    assert_frame_equal(pl.concat(parts).sort(order), whole.sort(order))
    expected = [row for row in rows if row["account_id"] != row["issuer"] and _speaks(row, rows)]
    assert whole.select("account_id", "issuer").sort("account_id", "issuer").rows() == sorted(
        (row["account_id"], row["issuer"]) for row in expected
    )


def _speaks(row: Row, rows: list[Row]) -> bool:
    hour = row["minute"] // 60
    seen = [
        other
        for other in rows
        if other["account_id"] == row["account_id"] != other["issuer"]
        and other["minute"] <= row["minute"]
        and other["minute"] // 60 > hour - 24
    ]
    is_young = row["issuer"] == "f" and row["minute"] < 1440
    is_partner = len({other["issuer"] for other in seen}) <= POLICY.rules.handle_partners
    return len({other["key"] for other in seen}) >= POLICY.rules.handle_replays and (is_partner or is_young)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_rows_does_not_matter(order: int) -> None:
    rows = foreign(taken(["a"] * 4 + ["b", "a", "d"]))[::order]
    _, told = givers.step(GiverState.empty(), rows, NOBODY, END, POLICY)
    assert told["key"].sort().to_list() == [2, 3]
