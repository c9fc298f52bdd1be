"""Hours scored, accounts flagged, findings revised; once a day or once a tick."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, EVERYTHING, HOUR, TICK, at, hits, scored, tallies
from schemas.event import Presence
from schemas.finding import FINDING
from schemas.hit import HIT
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.scored import SCORED
from schemas.tally import TALLY
from transforms.detectors import cards
from transforms.findings import COLUMNS, Calibration, FindingsState, Inputs, Judge, step, still_open
from transforms.findings.together import worth

POLICY = Policy()
CARDS = cards()
MIDNIGHT = DAY + timedelta(days=1)
NOTHING = Inputs(SCORED.empty(), HIT.empty(), TALLY.empty())
HARVEST = {"pattern": "distillation", "l1_score": 6.0, "prior_points": 6.0, "harvest_points": 6.0}


def judge(maxima: dict[tuple[str, str], np.ndarray] | None = None, policy: Policy = POLICY, **registry: str) -> Judge:
    known = [{"account_id": name, "holds_from": DAY, "contract": value} for name, value in registry.items()]
    filed = REGISTRY.conform(pl.DataFrame(known, schema=REGISTRY.polars))
    return Judge(Calibration(maxima or {}), filed, CARDS, policy, "day-2026-03-01")


JUDGE = judge()


def run(
    score_rows: list[dict[str, Any]],
    hit_rows: list[dict[str, Any]] = (),  # type: ignore[assignment]
    tally_rows: list[dict[str, Any]] | None = None,
    *,
    by: Judge = JUDGE,
    until: datetime = MIDNIGHT,
    state: FindingsState | None = None,
) -> tuple[FindingsState, pl.DataFrame, pl.DataFrame]:
    made = tallies(tally_rows if tally_rows is not None else [{"minute": m, "calls": 10} for m in range(0, 1440, 5)])
    return step(state or FindingsState.empty(), Inputs(scored(score_rows), hits(hit_rows), made), by, until)


def own(decades: float) -> float:
    """What an account's own evidence is worth."""
    return float(worth(np.array([decades]), POLICY.evidence.kinds)[0])


def test_the_score_is_what_the_layers_that_could_look_are_worth() -> None:
    _, scores, _ = run(
        [
            {"hour": 1, "l1_score": 2.0},
            {"hour": 2, "l1_score": None},
            {"hour": 3, "l1_score": 1.0, "presence": 0},
            {"hour": 4, "l1_score": None, "presence": 0},
        ],
        [{"minute": 65, "rule": "logit_sweep"}],
    )
    assert scores["l0_score"].to_list() == [0.0, 3.0, None, None]
    assert scores["l1_score"].to_list() == [2.0, None, 1.0, None]
    assert scores["score"].to_list() == pytest.approx([own(2.0), 3.0, own(1.0), None], abs=1e-6)


def test_a_rule_that_holds_all_hour_counts_once_with_its_strongest_hit() -> None:
    _, scores, _ = run(
        [{"hour": 1, "l1_score": 1.5}],
        [{"minute": 5 * t, "rule": "enumeration", "observed": 500.0 + t} for t in range(12)],
    )
    signals = scores["signals"][0].to_list()
    assert [signal["signal"] for signal in signals] == ["enumeration", "templated_novelty_24h"]
    assert signals[0]["observed"] == 511.0
    assert scores["score"][0] == pytest.approx(sum(signal["points"] for signal in signals))


def test_hits_of_an_hour_reach_its_score_though_they_came_in_an_earlier_run() -> None:
    state, scores, _ = run([], [{"minute": 5, "rule": "logit_sweep"}], until=at(30))
    assert scores.is_empty()
    _, scores, _ = run([{"hour": 1, "l1_score": 1.0}], state=state, until=at(60))
    assert scores["l0_score"].to_list() == [3.0]


def test_the_day_maximum_grows_within_a_utc_day_and_starts_anew_after_it() -> None:
    _, scores, _ = run(
        [{"hour": h, "l1_score": value} for h, value in [(1, 1.0), (2, 3.0), (3, 2.0), (24, None), (25, 0.5)]],
        until=DAY + timedelta(days=2),
    )
    assert scores["day_maximum"].to_list() == [1.0, 3.0, 3.0, 3.0, 0.5]


def test_the_p_value_counts_the_reference_at_least_as_high() -> None:
    by = judge({("pro/chat", "r"): np.arange(10.0)})
    _, scores, _ = run([{"l1_score": 7.0}, {"hour": 2, "l1_score": 100.0}], by=by)
    assert scores["p_value"].to_list() == [pytest.approx(4 / 11), pytest.approx(1 / 11)]
    assert scores["reference_size"].to_list() == [10, 10]


def test_scores_made_otherwise_are_not_compared() -> None:
    by = judge({("pro/chat", "other"): np.arange(10.0)})
    _, scores, _ = run([{"l1_score": 7.0}], by=by)
    assert scores["p_value"].to_list() == [None]
    assert scores["reference_size"].to_list() == [0]


def test_everyones_reference_is_used_where_the_groups_own_cannot_reach_the_review_rate() -> None:
    everyone = {("*", "r"): np.arange(5000.0)}
    _, scores, _ = run([{"l1_score": 7.0}], by=judge(everyone | {("pro/chat", "r"): np.zeros(998)}))
    assert scores["reference_size"].to_list() == [5000]
    _, scores, _ = run([{"l1_score": 7.0}], by=judge(everyone | {("pro/chat", "r"): np.zeros(999)}))
    assert scores["reference_size"].to_list() == [999]


LARGE = {("pro/chat", "r"): np.linspace(0.0, 6.0, 20_000)}


@pytest.mark.parametrize(
    ("score", "tier"),
    [(5.9, None), (5.9949, "review"), (5.9996, "review"), (6.0, "act")],
    ids=["no", "review", "three in 20,001", "two in 20,001"],
)
def test_the_calibrated_rate_decides_the_tier(score: float, tier: str | None) -> None:
    row = HARVEST | {"l1_score": score, "prior_points": 3.0, "harvest_points": 3.0}
    _, _, found = run([row], by=judge(LARGE))
    assert found["tier"].to_list() == ([] if tier is None else [tier])
    assert not found["uncalibrated"].any()


@pytest.mark.parametrize("missing", [{"pattern": None}, {"prior_points": 2.99}])
def test_a_rare_account_without_the_shape_or_weight_of_an_extraction_is_not_flagged(missing: dict[str, Any]) -> None:
    assert run([HARVEST | {"l1_score": 9.0} | missing], by=judge(LARGE))[2].is_empty()


@pytest.mark.parametrize(
    "missing",
    [
        {"pattern": "relay"},
        {"pattern": None},
        {"harvest_points": POLICY.evidence.review_decades - 0.01},
        {"families": 2},
        {"calls_24h": 99},
    ],
    ids=lambda missing: next(iter(missing)),
)
def test_without_a_reference_every_part_of_the_conjunction_is_needed(missing: dict[str, Any]) -> None:
    enough = HARVEST | {"harvest_points": POLICY.evidence.review_decades, "families": 3, "calls_24h": 100}
    assert run([enough])[2]["uncalibrated"].to_list() == [True]
    assert run([enough | missing])[2].is_empty()


def test_without_a_reference_nobody_is_flagged_for_being_far_out_alone() -> None:
    assert run([HARVEST | {"l1_score": 15.0, "pattern": None, "harvest_points": 0.0, "calls_24h": 100}])[2].is_empty()


def test_where_a_reference_is_large_enough_the_conjunction_decides_nothing() -> None:
    assert run([HARVEST | {"l1_score": 5.0}], by=judge(LARGE))[2].is_empty()


def test_a_finding_by_rule_is_known_at_the_end_of_its_tick_plus_the_lateness() -> None:
    _, _, found = run([], [{"minute": 125, "rule": "logit_sweep", "observed": 400.0}])
    row = found.row(0, named=True)
    assert row["tick"] == at(125)
    assert row["flagged_at"] == row["revised_at"] == at(135)
    assert (row["tier"], row["kind"], row["severity"]) == ("review", "reverse_engineering", "high")
    assert row["exchanges_before"] == 26 * 10
    assert row["example_event_ids"] == ["e1"]
    assert row["active_since"] == DAY
    assert row["p_value"] is None
    assert row["snapshot_id"] == "day-2026-03-01"


def test_what_had_left_when_it_was_flagged_stays_while_reasons_are_added() -> None:
    rows = [{"minute": m, "calls": 700, "tokens_known": 700, "output_tokens": 7000} for m in (0, 60)]
    _, _, found = run([], [{"minute": 0, "rule": "logit_sweep"}, {"minute": 60, "rule": "enumeration"}], rows)
    assert found["activity"].to_list() == ["created", "updated"]
    assert found["exchanges_before"].to_list() == [700, 700]
    assert found["output_tokens_before"].to_list() == [7000, 7000]
    assert found["damage_tier"].to_list() == [None, None]


def test_exchanges_before_count_every_call_since_the_account_was_first_seen() -> None:
    early, _, _ = run(
        [],
        tally_rows=[{"minute": m, "calls": 700, "tokens_known": 700, "output_tokens": 7000} for m in (0, 5)],
        until=at(60),
    )
    rows = [{"minute": 1500, "calls": 50, "tokens_known": 50, "output_tokens": 500}, {"minute": 1505, "calls": 9}]
    _, _, found = run([], [{"minute": 1500, "rule": "logit_sweep"}], rows, state=early, until=DAY + timedelta(days=2))
    row = found.row(0, named=True)
    assert row["exchanges_before"] == 1450
    assert row["output_tokens_before"] == 14_500
    assert row["damage_tier"] == 1000
    assert row["active_since"] == at(1500)


def test_tokens_a_source_does_not_carry_are_null_and_not_zero() -> None:
    _, _, found = run([], [{"minute": 0, "rule": "logit_sweep"}], [{"minute": 0, "calls": 5}])
    assert found["output_tokens_before"].to_list() == [None]


def test_a_rule_acts_only_from_where_its_card_justifies_it() -> None:
    assert run([], [{"rule": "logit_sweep", "observed": 1023.0}])[2]["tier"].to_list() == ["review"]
    assert run([], [{"rule": "logit_sweep", "observed": 1024.0}])[2]["tier"].to_list() == ["act"]
    assert run([], [{"rule": "enumeration", "observed": 1e9}])[2]["tier"].to_list() == ["review"]


def test_a_finding_that_goes_on_the_same_is_not_revised() -> None:
    _, _, found = run(
        [HARVEST | {"hour": h} for h in range(1, 25)], [{"minute": m, "rule": "enumeration"} for m in range(0, 1440, 5)]
    )
    assert found["activity"].to_list() == ["created", "updated"]
    assert found["tick"].to_list() == [at(0), at(55)]


def test_another_rule_a_higher_tier_and_a_damage_tier_are_each_worth_a_revision() -> None:
    made = [
        {"minute": 0, "calls": 5},
        {"minute": 60, "calls": 5},
        {"minute": 120, "calls": 5},
        {"minute": 180, "calls": 20_000},
    ]
    rows = [
        {"minute": 0, "rule": "enumeration"},
        {"minute": 60, "rule": "logit_sweep", "observed": 400.0},
        {"minute": 120, "rule": "logit_sweep", "observed": 2000.0},
        {"minute": 180, "rule": "enumeration"},
    ]
    _, _, found = run([], rows, made)
    assert found["tier"].to_list() == ["review", "review", "act"]
    assert found["severity"].to_list() == ["medium", "high", "high"]
    assert found["finding_uid"].n_unique() == 1
    assert found["flagged_at"].n_unique() == 1
    assert found["revised_at"].to_list() == [at(10), at(70), at(130)]
    assert [signal["signal"] for signal in found["signals"][2].to_list()] == ["logit_sweep", "enumeration"]


def test_rules_and_models_of_one_tick_make_one_revision() -> None:
    _, _, found = run([HARVEST], [{"minute": 55, "rule": "system_prompt_extraction"}])
    assert found.height == 1
    row = found.row(0, named=True)
    assert {signal["signal"] for signal in row["signals"]} == {"templated_novelty_24h", "system_prompt_extraction"}
    assert row["score"] == pytest.approx(own(6.0) + CARDS["system_prompt_extraction"].points, abs=1e-6)
    assert row["kind"] == "distillation"
    assert row["techniques"] == ["AML.T0024.002", "AML.T0040", "AML.T0056", "AML.T0069"]


def test_a_finding_closes_after_a_week_without_support_though_the_account_is_silent() -> None:
    state, _, found = run([], [{"minute": 0, "rule": "logit_sweep"}], [{"minute": 0}])
    last = at(5) + timedelta(days=7)
    state, _, none = step(state, NOTHING, JUDGE, last - TICK)
    assert none.is_empty()
    state, _, closed = step(state, NOTHING, JUDGE, last)
    assert closed["activity"].to_list() == ["closed"]
    assert closed["revision"].to_list() == [2]
    assert closed["finding_uid"].to_list() == found["finding_uid"].to_list()
    assert closed["revised_at"].to_list() == [last + TICK]
    assert state.open.is_empty()


def test_support_on_the_last_tick_keeps_a_finding_open_and_one_tick_later_makes_a_new_one() -> None:
    week = 7 * 1440
    for later, activities in ((week, ["created"]), (week + 5, ["closed", "created", "created"])):
        rows = [{"minute": 0, "rule": "logit_sweep"}, {"minute": later, "rule": "logit_sweep"}]
        made = [{"minute": 0}, {"minute": later}]
        _, _, found = run([], rows, made, until=at(later + 5))
        assert sorted(found["activity"]) == activities
        assert found["finding_uid"].n_unique() == len(activities) - activities.count("closed")


def test_the_uid_is_the_same_whenever_the_log_is_read_and_another_under_another_policy() -> None:
    rows = [{"minute": 0, "rule": "logit_sweep"}]
    first, again = run([], rows)[2], run([], rows)[2]
    other = run([], rows, by=judge(policy=Policy.parse("[rates]\nreview = 0.002\n")))[2]
    assert first["finding_uid"].to_list() == again["finding_uid"].to_list() != other["finding_uid"].to_list()


def test_what_the_source_cannot_show_is_said() -> None:
    made = [{"minute": 0, "presence": EVERYTHING & ~int(Presence.TOKENS | Presence.STATUS)}]
    _, _, found = run([], [{"minute": 0, "rule": "logit_sweep"}], made)
    assert [line.partition(":")[0] for line in found["could_not_see"][0]] == ["no token counts", "no status"]


def test_what_the_source_showed_last_is_what_is_said_where_an_account_is_silent() -> None:
    made = [{"minute": 0, "presence": EVERYTHING & ~int(Presence.TOKENS)}]
    before, _, _ = run([], [], made, until=DAY + HOUR)
    _, _, found = run([], [{"minute": 60, "rule": "logit_sweep"}], [], state=before)
    assert [line.partition(":")[0] for line in found["could_not_see"][0]] == ["no token counts"]


def test_a_contract_on_file_is_mentioned_without_its_words() -> None:
    rows = [{"minute": 0, "rule": "logit_sweep"}]
    for by, says in ((JUDGE, "none is on file"), (judge(acc="ordinary <b>"), "the one on file does not")):
        lines = run([], rows, by=by)[2]["would_clear"][0].to_list()
        assert any(line.endswith(says) for line in lines)
        assert not any("<b>" in line for line in lines)


def test_what_is_still_open_is_shown_without_a_uid_and_changes_nothing() -> None:
    state, _, _ = run(
        [], [{"account_id": "old", "minute": 0, "rule": "logit_sweep"}], [{"account_id": "old", "minute": 0}]
    )
    before = state.to_bytes()
    rows = [HARVEST | {"account_id": name, "hour": 25, "provisional": True} for name in ("old", "new")]
    made = tallies({"account_id": name, "minute": 1440, "calls": 300} for name in ("old", "new"))
    scores, flagged = still_open(state, Inputs(scored(rows), HIT.empty(), made), JUDGE, DAY + 25 * HOUR)
    assert state.to_bytes() == before
    assert scores["provisional"].all()
    assert flagged["account_id"].to_list() == ["new"]
    assert flagged["finding_uid"].to_list() == [None]
    assert flagged["provisional"].all()
    assert flagged["exchanges_before"].to_list() == [300]


def busy_days() -> Inputs:
    """Two days of eight accounts whose scores, hits and calls, and what the source shows of them, come and go."""
    chance = np.random.default_rng(11)
    names = [f"a{n}" for n in range(8)]
    score_rows = [
        {
            "account_id": name,
            "hour": hour,
            "l1_score": float(chance.gamma(2.0, 1.5)),
            "prior_points": float(chance.gamma(2.0, 1.5)),
            "harvest_points": float(chance.gamma(2.0, 1.5)),
            "pattern": str(chance.choice(["distillation", "relay"])) if chance.random() < 0.3 else None,
        }
        for name in names
        for hour in range(1, 49)
        if chance.random() < 0.7
    ]
    hit_rows = [
        {"account_id": name, "minute": 5 * t, "rule": rule, "observed": float(chance.integers(300, 1500))}
        for name in names[:4]
        for t in range(576)
        for rule in ("logit_sweep", "enumeration", "handle_replay")
        if chance.random() < 0.02
    ]
    tally_rows = [
        {
            "account_id": name,
            "minute": 5 * t,
            "calls": int(chance.integers(1, 90)),
            "tokens_known": 1,
            "output_tokens": 5,
            "presence": EVERYTHING & ~int(chance.choice([0, int(Presence.TOKENS), int(Presence.STATUS)])),
        }
        for name in names
        for t in range(576)
        if chance.random() < 0.3
    ]
    return Inputs(scored(score_rows), hits(hit_rows), tallies(tally_rows))


DENSE = {*range(1, 25), *range(24, 276, 12), *range(276, 312), *range(324, 577, 12)}
"""Ticks after which a step ends: each where the first day begins and ends, and one an hour."""


@pytest.mark.parametrize(
    ("ends", "patience"), [(DENSE, 7), ({144, 288, 432}, 7), (set(range(20, 576, 20)), 0), ({288}, 0)]
)
def test_one_step_over_two_days_gives_what_many_give(ends: set[int], patience: int) -> None:
    policy = Policy.parse(f"[learning]\nguard_days = {patience}\n")
    by = judge({("pro/chat", "r"): np.linspace(0.0, 8.0, 1500)}, policy)
    given = busy_days()
    end = DAY + timedelta(days=2)
    whole_state, whole_scores, whole_found = step(FindingsState.empty(), given, by, end)
    assert set(whole_found["activity"]) == ({"created", "updated"} if patience else {"created", "closed"})
    state, score_parts, found_parts, until = FindingsState.empty(), [], [], DAY
    for tick in sorted(ends | {576}):
        start, until = until, DAY + tick * TICK
        ticks = pl.col("tick").is_between(start, until, closed="left")
        hours = (pl.col("window_end") > start) & (pl.col("window_end") <= until)
        part = Inputs(given.scored.filter(hours), given.hits.filter(ticks), given.tallies.filter(ticks))
        state = FindingsState.from_bytes(state.to_bytes())
        state, scores, found = step(state, part, by, until)
        score_parts.append(scores)
        found_parts.append(found)
    assert_frame_equal(pl.concat(score_parts).sort("account_id", "window_end"), whole_scores)
    assert_frame_equal(pl.concat(found_parts).sort(FINDING.key), whole_found)
    for name in ("accounts", "pending", "open"):
        assert_frame_equal(getattr(state, name), getattr(whole_state, name))


def test_the_order_of_rows_is_of_no_consequence() -> None:
    given = busy_days()
    shuffled = Inputs(
        *(frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in (given.scored, given.hits, given.tallies))
    )
    one = step(FindingsState.empty(), given, JUDGE, DAY + timedelta(days=2))
    other = step(FindingsState.empty(), shuffled, JUDGE, DAY + timedelta(days=2))
    assert_frame_equal(one[1], other[1])
    assert_frame_equal(one[2], other[2])


def test_revisions_are_few_however_long_a_finding_lasts() -> None:
    _, _, found = step(FindingsState.empty(), busy_days(), JUDGE, DAY + timedelta(days=2))
    assert found.group_by("finding_uid").len()["len"].max() <= 12


def of_campaign(name: str, kind: str, points: float, minute: int, **more: Any) -> dict[str, Any]:
    signal = {"signal": "even_load", "layer": "L2", "family": "load", "observed": 0.9, "expected": 0.5, "peers": None}
    signal |= {"tail": 0.001, "points": points, "detail": "even"}
    campaign = {"campaign_id": name, "campaign_ids": [name], "kind": kind, "tier": "review", "signals": [signal]}
    return {"minute": minute, "rule": "campaign"} | campaign | more


def test_a_campaign_counts_in_the_hour_in_which_it_becomes_known_though_nobody_calls() -> None:
    _, scores, _ = run([{"hour": 1, "l1_score": 2.0}], [of_campaign("c-1", "relay", 5.5, 125)])
    assert scores.select("window_end", "score", "l2_score", "l1_score").rows() == [
        (at(60), pytest.approx(own(2.0), abs=1e-6), None, 2.0),
        (at(180), 5.5, 5.5, None),
    ]
    assert scores["day_maximum"].to_list() == [2.0, 2.0]


def test_an_hour_without_calls_counts_once_and_when_it_is_over() -> None:
    said = [of_campaign("c-1", "relay", 5.5, 125), of_campaign("c-1", "relay", 6.0, 130, observed=6.0)]
    state, first, _ = run([], said[:1], until=at(130))
    state, second, _ = run([], said[1:], until=at(180), state=state)
    _, third, _ = run([], until=at(300), state=state)
    assert [len(scores) for scores in (first, second, third)] == [0, 1, 0]
    assert second["score"].to_list() == [6.0]


def test_an_account_that_only_a_campaign_speaks_against_has_its_kind() -> None:
    said = [of_campaign("c-1", "relay", 5.5, 5), of_campaign("c-1", "distillation", 5.7, 65)]
    _, _, revisions = run([], said)
    assert revisions["kind"].to_list() == ["relay", "distillation"]


def test_a_campaign_that_already_spoke_does_not_rename_what_another_one_says() -> None:
    said = [of_campaign("c-1", "relay", 5.5, 5), of_campaign("c-2", "distillation", 5.7, 65)]
    _, _, revisions = run([], [*said, of_campaign("c-1", "relay", 5.5, 125)])
    assert revisions.select("campaign_id", "kind").rows() == [("c-1", "relay"), ("c-2", "distillation")]


def test_a_weaker_campaign_does_not_rename_what_a_stronger_one_says() -> None:
    said = [of_campaign("c-1", "distillation", 4.0, 5), of_campaign("c-2", "resale", 3.0, 65)]
    _, _, revisions = run([], said)
    assert revisions.select("kind", "campaign_ids").rows() == [
        ("distillation", ["c-1"]),
        ("distillation", ["c-1", "c-2"]),
    ]


def test_of_campaigns_with_equally_strong_signals_the_one_with_more_points_names_it() -> None:
    more = two_signals(4.0, 65) | {"campaign_id": "c-2", "campaign_ids": ["c-2"], "kind": "distillation"}
    less = of_campaign("c-1", "resale", 4.0, 5)
    _, _, revisions = run([], [less, more, less | {"minute": 125}])
    assert revisions["kind"].to_list() == ["resale", "distillation"]


def test_the_kind_that_models_saw_is_not_a_campaigns_to_change() -> None:
    said = [of_campaign("c-1", "relay", 5.5, 65)]
    _, _, revisions = run([{"hour": 1} | HARVEST], said, by=JUDGE)
    assert revisions["kind"].to_list()[-1] == "distillation"


def two_signals(points: float, minute: int) -> dict[str, Any]:
    """A hit of a campaign by two signals that together weigh more than any rule."""
    hit = of_campaign("c-1", "resale", points, minute)
    (even,) = hit["signals"]
    return hit | {"signals": [even, even | {"signal": "fresh_accounts", "family": "age", "points": 2.0}]}


@pytest.mark.parametrize("minute", [5, 65, 125])
def test_a_finding_is_of_the_kind_of_its_strongest_reason_whenever_its_campaign_speaks(minute: int) -> None:
    _, _, revisions = run([], [{"minute": 65, "rule": "bypass_search"}, two_signals(2.5, minute)])
    last = revisions.row(-1, named=True)
    assert (last["kind"], last["campaign_id"]) == ("reverse_engineering", "c-1")
    assert last["reasons"][0].startswith("bypass_search")


def test_a_campaign_renames_what_it_says_more_of_than_the_rule() -> None:
    _, _, revisions = run([], [{"minute": 5, "rule": "bypass_search"}, two_signals(4.0, 65)])
    assert revisions["kind"].to_list() == ["reverse_engineering", "resale"]
    assert revisions["reasons"].to_list()[-1][0].startswith("even_load")


def test_an_account_leaves_a_campaign_that_fell_apart() -> None:
    said = [of_campaign("c-1", "relay", 5.5, 5), of_campaign("c-2", "relay", 5.5, 65, left_campaign_ids=["c-1"])]
    _, _, revisions = run([], said)
    assert revisions["campaign_ids"].to_list() == [["c-1"], ["c-2"]]


def test_a_campaign_without_points_is_named_and_changes_nothing_else() -> None:
    ring = of_campaign("c-1", "relay", 0.0, 65, observed=0.0, sample_event_ids=[]) | {"signals": []}
    _, _, revisions = run([], [{"minute": 5, "rule": "handle_replay"}, ring])
    first, second = revisions.to_dicts()
    assert (first["campaign_id"], second["campaign_id"]) == (None, "c-1")
    same = ("score", "signals", "reasons", "kind", "tier", "severity", "example_event_ids", "would_clear")
    assert [first[name] for name in same] == [second[name] for name in same]


def test_what_a_finding_is_made_of_adds_up_to_its_score_at_every_revision() -> None:
    weaker, other = {"l1_score": 5.0, "prior_points": 5.0}, {"l1_score": 7.0, "prior_points": 7.0}
    rows = [HARVEST | {"hour": 1}, HARVEST | weaker | {"hour": 2}, HARVEST | other | {"hour": 3}]
    rules = [{"minute": 65, "rule": "enumeration"}, {"minute": 125, "rule": "logit_sweep", "observed": 400.0}]
    _, _, found = run(rows, rules)
    assert found.height > 2, "each rule is worth a revision"
    for row in found.iter_rows(named=True):
        assert row["score"] == pytest.approx(sum(signal["points"] for signal in row["signals"]))
    scores = found["score"].to_list()
    assert scores == sorted(scores), "what was once held against an account is not taken back by a quieter hour"


def test_of_tallies_nothing_is_read_but_the_columns_named() -> None:
    given = busy_days()
    lean = replace(given, tallies=given.tallies.select(COLUMNS))
    every, few = (step(FindingsState.empty(), of, JUDGE, DAY + timedelta(days=2))[1:] for of in (given, lean))
    for one, other in zip(every, few, strict=True):
        assert_frame_equal(one, other)
