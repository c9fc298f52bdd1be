"""What features say of accounts that behave in one clear way."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from account_stages import Stages, run
from event_logs import event_log
from given_events import DAY, EVERYTHING, framed
from schemas.event import Presence
from schemas.feature import FEATURE
from schemas.registry import REGISTRY

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
END = DAY + timedelta(days=8)
Row = dict[str, Any]


def _log(rows: Iterable[Row]) -> pl.DataFrame:
    base = {
        "source": "a",
        "account_id": "acct",
        "account_basis": "account",
        "operation": "chat",
        "presence": EVERYTHING,
    }
    return framed([base | {"position": n, "event_id": f"e{n:06d}"} | row for n, row in enumerate(rows)])


def _windows(rows: Iterable[Row], **known: pl.DataFrame) -> pl.DataFrame:
    return run(_log(rows), [END], **known)["windows"]


def _last(rows: Iterable[Row], feature: str) -> float | None:
    return _windows(rows)[feature].to_list()[-1]


def _hourly(hours: Iterable[float], calls: int, make: Any) -> list[Row]:
    """`calls` calls in each hour, a second apart; `make` gives the columns of call number n."""
    moments = [DAY + hour * HOUR + second * SECOND for hour in hours for second in range(calls)]
    return [{"time": moment} | make(number) for number, moment in enumerate(moments)]


def _spread(number: int) -> int:
    """Keys as they come out of a hash: spread evenly."""
    return int(np.random.default_rng(number).integers(-(2**63), 2**63 - 1))


# -- payloads


def test_a_quiet_hour_after_busy_ones_that_repeat_their_prompts_is_not_new() -> None:
    pool = [_spread(number) for number in range(500)]
    busy = _hourly(range(6), 500, lambda n: {"prompt_digest": pool[n % 500]})
    quiet = _hourly([6], 10, lambda n: {"prompt_digest": pool[n]})
    novelty = _last(busy + quiet, "payload_novelty_24h")
    assert novelty == pytest.approx(500 / 3010, abs=0.02)


def test_prompts_that_never_repeat_are_all_new_and_cover_as_fast_as_they_come() -> None:
    rows = _hourly(range(4), 300, lambda n: {"prompt_digest": _spread(n)})
    assert _last(rows, "payload_novelty_24h") == 1.0
    assert _last(rows, "coverage_slope_24h") == pytest.approx(1.0)


def test_prompts_of_a_fixed_list_cover_nothing_new() -> None:
    rows = _hourly(range(4), 300, lambda n: {"prompt_digest": _spread(n % 300)})
    assert _last(rows, "payload_novelty_24h") == 0.25
    assert _last(rows, "coverage_slope_24h") == pytest.approx(0.0)


def test_one_template_around_ever_new_payloads_is_templated_novelty() -> None:
    harvest = _hourly([1], 100, lambda n: {"prompt_digest": _spread(n), "head_key": 3})
    job = _hourly([1], 100, lambda n: {"prompt_digest": 5, "head_key": 3})
    chats = _hourly([1], 100, lambda n: {"prompt_digest": _spread(n), "head_key": _spread(-n % 1000)})
    assert _last(harvest, "templated_novelty_24h") == 1.0
    assert _last(job, "templated_novelty_24h") == 0.01
    assert _last(chats, "templated_novelty_24h") == 0.0


def test_a_pool_that_rotates_through_templates_is_templated_all_the_same() -> None:
    rows = _hourly([1], 200, lambda n: {"prompt_digest": _spread(n), "head_key": n % 10})
    assert _last(rows, "template_share_24h") == 1.0
    assert _windows(rows).select("top_template_kind", "top_template_key").rows() == [("head", 0)]


LONG = {"prompt_chars": 200}


def _slots(*keys: int) -> list[int]:
    """Shingle keys of the slots 0, 4, 8 and 12."""
    return [((slot << 60) + key) - (2**64 if slot >= 8 else 0) for slot, key in zip((0, 4, 8, 12), keys, strict=True)]


def test_prompts_that_return_in_every_part_are_near_duplicates() -> None:
    near = _hourly(
        [1], 100, lambda n: {**LONG, "prompt_digest": _spread(n), "shingle_keys": _slots(1, 2, 3 + n % 10, 4)}
    )
    assert _last(near, "near_duplicate_share_1h") == 1.0


def test_a_fixed_instruction_around_free_payloads_makes_no_near_duplicates() -> None:
    job = _hourly(
        [1],
        100,
        lambda n: {
            **LONG,
            "prompt_digest": _spread(n),
            "shingle_keys": _slots(1, _spread(n + 1_000) % 2**59, _spread(n) % 2**59, 4),
        },
    )
    assert _last(job, "near_duplicate_share_1h") == 0.0


def test_one_slot_may_be_empty_in_near_duplicates_and_two_may_not() -> None:
    def some(most: int) -> list[Row]:
        return _hourly(
            [1], 100, lambda n: {**LONG, "prompt_digest": _spread(n), "shingle_keys": _slots(1, 2, 3, 4)[:most]}
        )

    assert _last(some(3), "near_duplicate_share_1h") == 1.0
    assert _last(some(2), "near_duplicate_share_1h") == 0.0


def test_near_duplicates_are_a_share_of_all_prompts() -> None:
    half = _hourly(
        [1],
        100,
        lambda n: {
            **LONG,
            "prompt_digest": _spread(n),
            "shingle_keys": _slots(*(4 * [1] if n % 2 else [_spread(4 * n + slot) % 2**59 for slot in range(4)])),
        },
    )
    assert _last(half, "near_duplicate_share_1h") == 0.5


def test_of_fewer_than_twenty_prompts_in_the_hour_it_is_not_known_whether_they_are_near_duplicates() -> None:
    few = _hourly([0, 1], 19, lambda n: {**LONG, "prompt_digest": _spread(n), "shingle_keys": _slots(1, 2, 3, 4)})
    assert _last(few, "near_duplicate_share_1h") is None


# -- refusals


def _tries(count: int, digest: Any, refused: Any) -> list[Row]:
    return _hourly([2], count, lambda n: {"prompt_digest": digest(n), "line_keys": [9], "is_refused": refused(n)})


def test_different_prompts_refused_around_one_payload_are_variants() -> None:
    assert _last(_tries(60, _spread, lambda n: n % 6 != 0), "refused_variants_24h") == 50.0
    assert _last(_tries(900, _spread, lambda n: n % 6 != 0), "refused_variants_24h") == pytest.approx(750, rel=0.3)


def test_one_refused_prompt_sent_again_and_again_is_one_variant() -> None:
    assert _last(_tries(90, lambda n: 5, lambda n: True), "refused_variants_24h") == 1.0


def test_refusals_under_a_template_that_is_mostly_answered_are_no_variants() -> None:
    assert _last(_tries(90, _spread, lambda n: n % 3 == 0), "refused_variants_24h") == 0.0


# -- counts of distinct keys


@pytest.mark.parametrize("objects", [40, 700, 5_000])
def test_distinct_objects_are_counted_or_estimated_closely(objects: int) -> None:
    moments = [DAY + n * SECOND for n in range(objects)]
    rows = [{"time": moment, "operation": "download", "object": f"/f/{n}"} for n, moment in enumerate(moments)]
    counted = _last(rows, "objects_24h")
    assert counted == (objects if objects < 1024 else pytest.approx(objects, rel=0.1))


def test_a_thousand_biased_tokens_over_many_hours_are_counted_once_each() -> None:
    rows = _hourly(range(5), 100, lambda n: {"logit_bias_keys": [(n * 10 + k) % 1000 for k in range(10)]})
    assert _last(rows, "biased_tokens_24h") == 1000.0


def test_a_key_counts_until_a_day_after_it_was_last_seen() -> None:
    first = {"time": DAY, "network_prefix": "10.0.0.0/24"}
    later = [{"time": DAY + hour * HOUR, "network_prefix": "10.0.1.0/24"} for hour in (23, 24)]
    assert _windows([first, *later])["prefixes_24h"].to_list() == [1.0, 2.0, 1.0]


# -- what cannot be known


def test_a_share_of_a_few_known_calls_is_null_however_many_calls_there_are() -> None:
    chats = _hourly([1], 100, lambda n: {})
    two = [{"time": DAY + HOUR, "operation": "download", "object": f"f-{n}", "event_id": f"d{n}"} for n in (1, 2)]
    assert _last(chats + two, "sequential_share_24h") is None
    walk = [{"time": DAY + HOUR + n * SECOND, "operation": "download", "object": f"f-{n}"} for n in range(20)]
    assert _last(chats + walk, "sequential_share_24h") == 0.95


def test_what_the_formats_of_a_day_carried_counts_for_the_whole_day() -> None:
    tokens = {"input_tokens": 10, "output_tokens": 40}
    rich = _hourly([1], 30, lambda n: tokens)
    poor = _hourly([2], 1, lambda n: {"presence": int(Presence.ACCOUNT)})
    made = _windows(rich + poor)
    assert made["out_in_ratio_24h"].to_list() == [4.0, 4.0]
    assert made["presence"].to_list() == [EVERYTHING, EVERYTHING]
    assert _last(_hourly([1], 30, lambda n: {"presence": int(Presence.ACCOUNT)}), "output_tokens_24h") is None


def test_how_much_was_reasoning_is_known_if_it_is_known_of_all_but_one_call_in_twenty() -> None:
    def share_where_unknown_in(unknown: int) -> float | None:
        answer = {"input_tokens": 10, "output_tokens": 100}
        calls = _hourly([1], 100, lambda n: answer | {"reasoning_tokens": None if n < unknown else 50})
        found: float | None = _last(calls, "reasoning_share_24h")
        return found

    assert share_where_unknown_in(5) == pytest.approx(0.475)
    assert share_where_unknown_in(6) is None


def test_nothing_known_of_languages_networks_or_clients_is_null_and_not_none() -> None:
    made = _windows(_hourly([1], 30, lambda n: {"prompt_digest": 1, "language": "und"}))
    assert made.select("languages_24h", "prefixes_24h", "agents_24h").row(0) == (None, None, None)
    assert made.select("biased_tokens_24h", "objects_24h", "downloads_24h").row(0) == (0.0, 0.0, 0.0)


def test_every_feature_is_known_of_some_account() -> None:
    log = event_log(3, 3000, accounts=2, hours=40).with_columns(
        pl.lit(50, pl.Int64).alias("reasoning_tokens"),
        pl.lit(11, pl.Int64).alias("response_digest"),
        pl.lit(DAY - 5 * HOUR).cast(pl.Datetime("us", "UTC")).alias("account_created_at"),
        pl.lit("sdk/1").alias("user_agent"),
        pl.lit(7, pl.Int64).alias("end_user"),
    )
    windows = run(log, [END])["windows"]
    assert [name for name in FEATURE if windows[name].null_count() == windows.height] == []


# -- rhythm and weeks


def test_use_around_the_clock_is_even_and_a_working_day_is_not() -> None:
    always = _hourly(range(24), 10, lambda n: {})
    office = _hourly(range(9, 17), 30, lambda n: {})
    assert _last(always, "quiet_6h_share_24h") == 0.25
    assert _last(always, "active_hours_24h") == 24.0
    assert _last(office, "quiet_6h_share_24h") == 0.0
    assert _last(office, "active_hours_24h") == 8.0


def test_a_fixed_interval_has_no_entropy_no_variation_and_one_gap() -> None:
    made = _windows([{"time": DAY + 30 * SECOND * n} for n in range(100)]).tail(1)
    assert made.select("gap_entropy_24h", "gap_cv_24h", "gap_modal_share_24h").row(0) == (0.0, 0.0, 1.0)


def test_the_share_of_the_week_is_unknown_on_the_first_day_and_falls_with_a_past() -> None:
    days = [*_hourly([0], 30, lambda n: {}), *_hourly([24], 30, lambda n: {}), *_hourly([8 * 24 - 2], 60, lambda n: {})]
    made = _windows(days)
    assert made["day_share_of_week"].to_list() == [None, 0.5, 60 / 90]
    assert made["calls_7d"].to_list() == [30.0, 60.0, 90.0]


# -- accounts


def _registry(created: datetime) -> pl.DataFrame:
    row = {"account_id": "acct", "holds_from": DAY, "plan": "team", "created_at": created}
    return REGISTRY.conform(pl.DataFrame([row]))


def test_age_is_the_registrys_else_the_logs_and_unknown_for_accounts_from_the_future() -> None:
    logged = [{"time": DAY, "account_created_at": DAY - 47 * HOUR, "plan": "free"}]
    assert _windows(logged).select("age_days", "plan").row(0) == (2.0, "free")
    filed = _windows(logged, registry=_registry(DAY - 23 * HOUR))
    assert filed.select("age_days", "plan").row(0) == (1.0, "team")
    assert _windows([{"time": DAY}])["age_days"].item() is None
    assert _windows([{"time": DAY}], registry=_registry(DAY + 2 * HOUR))["age_days"].item() is None


def test_a_life_goes_on_where_the_window_of_a_week_has_ended() -> None:
    rows = [
        {"time": DAY, "output_tokens": 5, "input_tokens": 1},
        {"time": DAY + 7 * 24 * HOUR, "output_tokens": 6, "input_tokens": 1},
    ]
    made = _windows(rows)
    assert made["lifetime_calls"].to_list() == [1, 2]
    assert made["lifetime_output_tokens"].to_list() == [5, 11]
    assert made["first_seen"].to_list() == [DAY, DAY]
    assert made["calls_7d"].to_list() == [1.0, 1.0]


# -- state


def test_the_state_of_a_hostile_account_is_bounded() -> None:
    stages = Stages()
    for hour in range(30):
        rows = _hourly([hour], 1500, lambda n, hour=hour: {
            "prompt_digest": _spread(hour * 1500 + n), "head_key": _spread(n), "is_refused": True,
            "logit_bias_keys": [n, n + 1500, hour * 7000 + n], "operation": "download", "object": f"{n}/{hour}",
        })  # fmt: skip
        stages.step(_log(rows), DAY + (hour + 1) * HOUR)
    kept = stages.features.closed.keys.group_by("kind").len()
    caps = {"payload": 64, "head": 32, "bias_token": 2048, "download": 1024}
    for kind, cap in caps.items():
        assert kept.filter(pl.col("kind").cast(pl.String) == kind)["len"].item() == 23 * cap
    assert stages.order.refusals.height <= 24 * 12 * 128
    assert stages.features.closed.hours.height == 23
    assert stages.features.open.hours.is_empty()


def test_within_an_hour_only_the_open_hour_of_the_state_changes() -> None:
    stages = Stages()
    stages.step(_log(_hourly([0, 1], 5, lambda n: {"head_key": n})), DAY + 2 * HOUR)
    before = stages.features
    stages.step(_log(_hourly([2], 5, lambda n: {"head_key": n})), DAY + 2 * HOUR + timedelta(minutes=5))
    after = stages.features
    assert after.closed is before.closed
    assert after.open.hours["calls"].sum() == 5


@pytest.mark.parametrize("function", [np.log, np.log2])
def test_logarithms_do_not_depend_on_where_a_value_stands(function: Any) -> None:
    values = np.random.default_rng(0).random(2003) * 1000
    whole = function(values)
    for start in range(40):
        for length in (1, 2, 3, 7, 8, 9, 31):
            assert (function(values[start : start + length]) == whole[start : start + length]).all()
