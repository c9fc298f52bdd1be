"""The page of goals says met only where the counted value meets the goal, and nothing where nothing was counted."""

from typing import Any

from judging.attacks import ATTACKS
from judging.page import degradation_table, detector, evaluation_page, goals, measured_line
from judging.worlds import REREAD

DETECTORS = ("logit_sweep", "handle_replay", "bypass_search", "bulk_download", "enumeration")


def said(name: str, kind: str, named: int, wrong: int = 0) -> dict[str, Any]:
    thieves = {kind: {"accounts": 4, "spoke": named, "named": named}}
    counts = {"days": 1000, "spoke_days": 5, "named_days": wrong, "named_days_upper": 0.003}
    return {"detector": name, **counts, "thieves": thieves, "others": {}, "right": named, "wrong": wrong}


def attack(named: int, wrong: int = 0) -> dict[str, Any]:
    return {"accounts": 4, "named": named, "missed": [39] * (4 - named), "right": named, "wrong": wrong}


NAMED = {name: attack(4) for name in ATTACKS}


def row(axis: str, value: float = 0, seed: int = 1, **changes: Any) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "campaigns": 10,
        "campaigns_found": 10,
        "honest_days": 1000,
        "honest_days_flagged": 0,
        "honest_days_to_act_on": 0,
    }
    counts |= {"taken_median": 900, "at_once": [19, 20], "variant": "everything", "calls": 1000, "processor": 0.5}
    counts |= {"campaigns_false": 0, "heads": 100, "heads_found": 90, "alone": 10, "alone_found": 4}
    counts |= {"others": {"B-SHARE": {"accounts": 9, "flagged": 0, "days": 90, "flagged_days": 0}}}
    kinds = {"logit_sweep": "T-LOGIT", "handle_replay": "T-SIG", "bypass_search": "T-PROBE"}
    counts |= {"detectors": [said(name, kinds.get(name, "T-WALK"), 4) for name in DETECTORS]}
    counts |= {"attacks": NAMED}
    return {"axis": axis, "value": value, "seed": seed, **counts, **changes}


EVERYTHING = [row("attack share", 0.25), row("low and slow"), row("large pool"), row("detectors")]


def met(rows: list[dict[str, Any]]) -> dict[str, bool | None]:
    return {goal.what: goal.met for goal in goals(rows)}


def test_heads_named_for_answers_of_others_are_told_by_share() -> None:
    rows = [row(REREAD, share, reused={"heads": named, "honest_days": 0}) for share, named in ((0.0, 0), (0.5, 40))]
    page = "\n".join(degradation_table(rows))
    assert "0 of 100 where it is 0%; 40 of 100 where it is 50%; honest account-days: 0." in page


def test_without_measurements_no_goal_is_met_or_missed() -> None:
    assert set(met([]).values()) == {None}
    assert measured_line([], "logit_sweep") == "not yet"


def test_where_every_count_suffices_every_goal_is_met() -> None:
    assert set(met(EVERYTHING).values()) == {True}


def test_each_goal_is_missed_by_its_own_count() -> None:
    worse = {
        "campaigns found at 25": (0, {"campaigns_found": 9}),
        "campaigns found at 10": (1, {"campaigns_found": 8}),
        "exchanges gone": (2, {"taken_median": 10_000}),
        "harvests from one account": (3, {"at_once": [18, 20]}),
        "honest account-days": (3, {"honest_days_flagged": 2}),
        "honest account-days to act on": (3, {"honest_days_to_act_on": 1}),
        "look-alike B-SHARE": (3, {"others": {"B-SHARE": {"days": 90, "flagged_days": 1}}}),
        "logit sweep": (3, {"attacks": NAMED | {"logit sweep": attack(4, wrong=1)}}),
        "handle replay": (3, {"attacks": NAMED | {"handle replay": attack(3)}}),
    }
    for start, (place, change) in worse.items():
        rows = [*EVERYTHING[:place], EVERYTHING[place] | change, *EVERYTHING[place + 1 :]]
        missed = [what for what, is_met in met(rows).items() if is_met is False]
        assert len(missed) == 1, (start, missed)
        assert missed[0].startswith(start)


def test_a_small_attack_share_does_not_count_for_the_large_one() -> None:
    poor = row("attack share", 0.05, campaigns_found=0)
    assert met([*EVERYTHING, poor])["campaigns found at 25 to 100 % attack share"] is True


def test_counts_of_seeds_add_up_and_the_world_is_named() -> None:
    one = detector([row("detectors"), row("detectors", seed=2)], "logit_sweep")
    assert one is not None
    assert (one.days, one.right, one.caught) == (2000, 8, ("T-LOGIT 8 of 8",))
    assert one.world == "`detectors`, seeds 1, 2"
    assert round(one.upper * 2000, 2) == 3.0


def test_the_page_says_what_each_harvest_loses_without_one_kind_of_evidence() -> None:
    harvests = {"T-COT": {"pools": 1, "found": 1, "heads": 30, "listed": 12}}
    more = row("without", 1, variant="turns", harvests=harvests, campaigns_false=2)
    page = evaluation_page([*EVERYTHING, more], "made")
    assert "| without | T-COT | campaigns found | false |" in page
    assert "| turns | 12 of 30 | 10 of 10 | 2 | 0.0% |" in page
    assert "12 of 30" not in evaluation_page(EVERYTHING, "made")


def test_the_page_says_what_is_found_as_one_thing_changes() -> None:
    few, many = row("background", 1), [row("background", 100, seed, campaigns_found=5) for seed in (1, 2)]
    page = evaluation_page([*EVERYTHING, few, *many], "made")
    assert "| background | 1 times | 1 | 100.0% (10 of 10; 72.2% to 100.0%) | 0 |" in page
    assert "| background | 100 times | 2 | 50.0% (10 of 20;" in page
    assert "| low and slow | everything | 1 |" in page
    assert "| 0 of 1,000 | 900 | 500 |" in page


def test_the_page_has_a_row_a_goal_and_a_row_a_detector() -> None:
    page = evaluation_page(EVERYTHING, "made")
    assert page.count("| yes |") == len(goals(EVERYTHING))
    assert all(f"[`{name}`]" in page for name in DETECTORS)


def test_each_goal_that_is_missed_says_why_and_what_would_be_needed() -> None:
    bad = {
        "taken_median": 20_000,
        "at_once": [1, 20],
        "attacks": {name: attack(1) for name in ATTACKS if name != "handle replay"},
    }
    bad["attacks"]["handle replay"] = attack(4)
    bad |= {"others": {"B-EVAL": {"accounts": 9, "flagged": 9, "days": 9, "flagged_days": 9}}}
    page = evaluation_page([row(each["axis"], each["value"]) | bad for each in EVERYTHING], "made")
    told = page.partition("### Why goals are missed")[2].partition("##")[0]
    missed = [
        goal.what
        for goal in goals([row(each["axis"], each["value"]) | bad for each in EVERYTHING])
        if goal.met is False
    ]
    assert len(missed) > 5
    assert all(f"| {what} | " in told for what in missed)
    assert "### Why" not in evaluation_page(EVERYTHING, "made")
