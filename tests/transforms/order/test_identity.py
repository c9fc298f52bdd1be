"""What an account is paid with and how it was created: once a day, as the operator says, else as logged."""

from datetime import timedelta
from typing import Any

import polars as pl

from given_events import DAY, EVERYTHING, framed
from oracle_order import label_key
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.order import OrderState, step

TICK = timedelta(minutes=5)
HOUR = timedelta(hours=1)
NEXT = DAY + timedelta(days=1)


def call(number: int, after: timedelta, account: str = "a", **logged: Any) -> dict[str, Any]:
    base = {"source": "s", "position": number, "event_id": f"e{number}", "account_basis": "account"}
    carried = {"operation": "chat", "presence": EVERYTHING, "time": DAY + after, "account_id": account}
    return base | carried | logged


def filed(*rows: dict[str, Any]) -> pl.DataFrame:
    return REGISTRY.conform(pl.DataFrame([{"holds_from": DAY} | row for row in rows]))


def shown(kind: str, *rows: dict[str, Any], registry: pl.DataFrame | None = None) -> pl.DataFrame:
    known = REGISTRY.empty() if registry is None else registry
    _, made = step(OrderState.empty(), framed(list(rows)), known, NEXT + timedelta(days=1), Policy())
    return made.traits.filter(kind=kind)


def test_a_payment_is_told_of_in_the_first_tick_of_each_day() -> None:
    calls = [call(n, after, payment_id="card") for n, after in enumerate([0 * TICK, 1 * TICK, 9 * HOUR, 24 * HOUR])]
    found = shown("payment", *calls)
    assert found.select("tick", "key", "count").rows() == [(DAY, label_key("card"), 1), (NEXT, label_key("card"), 1)]


def test_all_calls_of_that_tick_count() -> None:
    found = shown("payment", *[call(n, timedelta(seconds=n), payment_id="card") for n in range(3)])
    assert found["count"].to_list() == [3]


def test_another_payment_on_the_same_day_is_told_of_when_it_comes() -> None:
    found = shown("payment", call(1, 0 * TICK, payment_id="card"), call(2, 2 * TICK, payment_id="other"))
    assert found.select("tick", "key").rows() == [(DAY, label_key("card")), (DAY + 2 * TICK, label_key("other"))]


def test_a_payment_told_of_in_an_earlier_run_of_the_day_is_not_told_of_again() -> None:
    one, two = framed([call(1, 0 * TICK, payment_id="card")]), framed([call(2, 2 * TICK, payment_id="card")])
    state, _ = step(OrderState.empty(), one, REGISTRY.empty(), DAY + TICK, Policy())
    state = OrderState.from_bytes(state.to_bytes())
    assert step(state, two, REGISTRY.empty(), DAY + 3 * TICK, Policy())[1].traits.filter(kind="payment").is_empty()


def test_at_midnight_nothing_told_of_is_remembered() -> None:
    state, _ = step(
        OrderState.empty(), framed([call(1, 0 * TICK, payment_id="card")]), REGISTRY.empty(), NEXT, Policy()
    )
    assert state.told.is_empty()


def test_the_registry_counts_before_what_is_logged() -> None:
    registry = filed({"account_id": "a", "payment_id": "filed"})
    found = shown("payment", call(1, 0 * TICK, payment_id="logged"), registry=registry)
    assert found["key"].to_list() == [label_key("filed")]


def test_what_the_registry_does_not_say_is_taken_from_the_log() -> None:
    registry = filed({"account_id": "a", "plan": "pro"})
    found = shown("payment", call(1, 0 * TICK, payment_id="logged"), registry=registry)
    assert found["key"].to_list() == [label_key("logged")]


def test_a_card_that_pays_for_five_accounts_on_file_is_shown_in_every_tick() -> None:
    registry = filed(*({"account_id": name, "payment_id": "card"} for name in "abcde"))
    found = shown("payer", call(1, 0 * TICK), call(2, 1 * TICK), call(3, 1 * TICK, "b"), registry=registry)
    key = label_key("card")
    expected = [("a", DAY, key, 1), ("a", DAY + TICK, key, 1), ("b", DAY + TICK, key, 1)]
    assert found.select("account_id", "tick", "key", "count").rows() == expected


def test_a_card_that_pays_for_four_on_file_or_is_only_logged_is_not() -> None:
    registry = filed(*({"account_id": name, "payment_id": "card"} for name in "abcd"))
    calls = [call(n, 0 * TICK, name, payment_id="card") for n, name in enumerate("abcdefg")]
    assert shown("payer", *calls, registry=registry).is_empty()


def test_accounts_created_in_one_hour_by_one_path_share_a_key() -> None:
    registry = filed(
        {"account_id": "a", "created_at": DAY + timedelta(minutes=1), "signup_path": "edu"},
        {"account_id": "b", "created_at": DAY + timedelta(minutes=59), "signup_path": "edu"},
        {"account_id": "c", "created_at": DAY + timedelta(minutes=60), "signup_path": "edu"},
        {"account_id": "d", "created_at": DAY + timedelta(minutes=1), "signup_path": "web"},
    )
    calls = [call(n, 3 * HOUR, account) for n, account in enumerate("abcd")]
    found = shown("signup", *calls, registry=registry)
    keys = dict(found.select("account_id", "key").rows())
    assert keys["a"] == keys["b"]
    assert len(set(keys.values())) == 3
    assert found["label"][0] == "2026-03-02T00Z edu"


def test_an_account_of_which_the_path_is_not_known_has_no_burst() -> None:
    assert shown("signup", call(1, 0 * TICK, account_created_at=DAY)).is_empty()


def test_claims_and_tokens_of_the_calls_that_show_a_key_are_added_up() -> None:
    found = shown(
        "head",
        call(1, timedelta(seconds=1), head_key=7, elicits_reasoning=True, has_rubric=True, output_tokens=10),
        call(2, timedelta(seconds=2), head_key=7, elicits_reasoning=False, output_tokens=5),
        call(3, timedelta(seconds=3), head_key=7, has_reasoning_tags=True),
        call(4, timedelta(seconds=4), head_key=8, has_rubric=True, output_tokens=90),
    )
    assert found.select("key", "elicited", "output_tokens").rows() == [(7, 2, 15), (8, 1, 90)]


def test_claims_and_tokens_that_no_call_carries_are_null() -> None:
    found = shown("agent", call(1, 0 * TICK, user_agent="curl"))
    assert found.select("elicited", "output_tokens").rows() == [(None, None)]


def test_calls_that_were_turned_away_are_counted_where_a_status_is_known() -> None:
    found = shown(
        "head",
        call(1, timedelta(seconds=1), head_key=7, http_status=429),
        call(2, timedelta(seconds=2), head_key=7, http_status=403),
        call(3, timedelta(seconds=3), head_key=7, http_status=500),
        call(4, timedelta(seconds=4), head_key=7, http_status=None),
        call(5, timedelta(seconds=5), head_key=8, http_status=200),
        call(6, timedelta(seconds=6), head_key=9, http_status=None),
    )
    assert found.select("key", "blocked").rows() == [(7, 2), (8, 0), (9, None)]
