"""What a call owes to the calls before it, on the borders of each memory, within one run and across runs."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from given_events import DAY, framed
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.order import OrderState, step
from transforms.order.memory import REFUSALS_A_TICK, SHAPES_A_TICK

US = timedelta(microseconds=1)
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TICK = timedelta(minutes=5)


def _log(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"source": "a", "account_id": "acct", "account_basis": "account", "operation": "chat", "presence": 0}
    return framed([base | {"position": n, "event_id": f"e{n:05d}", "time": DAY} | row for n, row in enumerate(rows)])


def _tick_before(moment: datetime) -> datetime:
    return moment - (moment - DAY) % TICK


def _total(column: str, events: pl.DataFrame, *, cut: bool) -> int:
    """The sum of a tally column, in one run or with a border before the last call's tick."""
    end = DAY + timedelta(days=4)
    if not cut:
        return int(step(OrderState.empty(), events, REGISTRY.empty(), end, Policy())[1].tallies[column].sum())
    border = _tick_before(events["time"].max())
    state, first = step(OrderState.empty(), events.filter(pl.col("time") < border), REGISTRY.empty(), border, Policy())
    state = OrderState.from_bytes(state.to_bytes())
    _, second = step(state, events.filter(pl.col("time") >= border), REGISTRY.empty(), end, Policy())
    return int(first.tallies[column].sum() + second.tallies[column].sum())


cut_or_not = pytest.mark.parametrize("cut", [False, True], ids=["one run", "two runs"])


@cut_or_not
@pytest.mark.parametrize(("gap", "known"), [(HOUR - US, 1), (HOUR, 1), (HOUR + US, 0), (HOUR + MS / 2, 0)])
def test_a_gap_is_known_up_to_exactly_an_hour(gap: timedelta, known: int, cut: bool) -> None:
    before = DAY + TICK - timedelta(microseconds=200)
    assert _total("gaps_known", _log({"time": before}, {"time": before + gap}), cut=cut) == known


@cut_or_not
def test_a_gap_is_counted_in_whole_milliseconds(cut: bool) -> None:
    events = _log({"time": DAY + TICK - US}, {"time": DAY + TICK + timedelta(microseconds=1998)})
    assert _total("gap_ms", events, cut=cut) == 1


def test_gaps_of_other_accounts_do_not_mix() -> None:
    events = _log({"account_id": "a"}, {"account_id": "b", "time": DAY + US}, {"account_id": "a", "time": DAY + MINUTE})
    assert _total("gap_ms", events, cut=False) == 60_000


_REFUSED = {"prompt_digest": 5, "is_refused": True}
_ANSWERED = {"prompt_digest": 5, "is_refused": False}


@cut_or_not
@pytest.mark.parametrize(("later", "answers"), [(US, 1), (24 * HOUR, 1), (24 * HOUR + US, 0), (timedelta(), 0)])
def test_an_answer_counts_up_to_exactly_a_day_after_the_refusal(later: timedelta, answers: int, cut: bool) -> None:
    refused = DAY + TICK - US
    events = _log(_REFUSED | {"time": refused}, _ANSWERED | {"time": refused + later})
    assert _total("answered_after_refusal", events, cut=cut) == answers


@cut_or_not
@pytest.mark.parametrize(
    "other",
    [{"prompt_digest": 6}, {"account_id": "other"}, {"is_refused": None}, {"is_refused": True}, {"http_status": 500}],
)
def test_no_answer_is_another_prompt_account_or_a_failure(other: dict[str, Any], cut: bool) -> None:
    events = _log(_REFUSED, _ANSWERED | {"time": DAY + HOUR} | other)
    assert _total("answered_after_refusal", events, cut=cut) == 0


@cut_or_not
def test_of_a_flood_of_refusals_as_many_are_remembered_as_the_bound_says(cut: bool) -> None:
    flood = [_REFUSED | {"prompt_digest": n} for n in range(300)]
    later = [_ANSWERED | {"prompt_digest": n, "time": DAY + HOUR} for n in range(300)]
    assert _total("answered_after_refusal", _log(*flood, *later), cut=cut) == REFUSALS_A_TICK


def _download(name: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {"operation": "download", "object": name, "time": DAY + minutes * MINUTE} | more


@cut_or_not
@pytest.mark.parametrize(
    ("names", "sequential"),
    [
        (["f-1", "f-2"], 1),
        (["f-1", "f-3"], 0),
        (["f-2", "f-1"], 0),
        (["f-9", "f-10"], 1),
        (["f-099", "f-100"], 1),
        (["f-1/content", "f-2"], 0),
        (["f-1", "f-1/content", "f-2", "f-2/content"], 2),
        (["f", "g"], 0),
        (["f-٣", "f-٤"], 0),
        (["a\n1", "a\n2"], 1),
        (["f-99999999999999999999998", "f-99999999999999999999999"], 1),
    ],
)
def test_a_walk_is_followed_by_shape_and_last_number(names: list[str], sequential: int, cut: bool) -> None:
    events = _log(*[_download(name, 4 * place) for place, name in enumerate(names)])
    assert _total("sequential", events, cut=cut) == sequential


@cut_or_not
@pytest.mark.parametrize(("later", "sequential"), [(HOUR, 1), (HOUR + US, 0), (30 * HOUR, 0)])
def test_a_walk_is_followed_up_to_exactly_an_hour(later: timedelta, sequential: int, cut: bool) -> None:
    first = _download("f-1", 0) | {"time": DAY + TICK - US}
    events = _log(first, first | {"object": "f-2", "time": first["time"] + later})
    assert _total("sequential", events, cut=cut) == sequential


@cut_or_not
def test_of_a_flood_of_shapes_the_most_used_are_remembered(cut: bool) -> None:
    shapes = [f"/{letter}/" for letter in "abcdefghijklmnopqrstuvwxyz"]
    flood = [_download(f"{shape}{n}", 0) for place, shape in enumerate(shapes) for n in range(30 - place)]
    later = [_download(f"{shape}{30 - place}", 30) for place, shape in enumerate(shapes)]
    without = _total("sequential", _log(*flood), cut=False)
    assert _total("sequential", _log(*flood, *later), cut=cut) == without + SHAPES_A_TICK


def test_what_is_too_old_is_forgotten() -> None:
    events = _log(_REFUSED, _download("f-1", 1))
    state, _ = step(OrderState.empty(), events, REGISTRY.empty(), DAY + TICK, Policy())
    assert [state.calls.height, state.refusals.height, state.walks.height] == [1, 1, 1]
    for until, left in ((DAY + HOUR + TICK, [0, 1, 0]), (DAY + 25 * HOUR, [0, 0, 0])):
        state, _ = step(state, events.clear(), REGISTRY.empty(), until, Policy())
        assert [state.calls.height, state.refusals.height, state.walks.height] == left


def test_bytes_of_another_state_are_refused() -> None:
    with pytest.raises(ValueError, match="state of order"):
        OrderState.from_bytes(b"nothing of ours")
