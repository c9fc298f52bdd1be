"""Campaigns against true ones of a world small enough to count by hand."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counted_world import HOUR, MOMENT, NOON
from schemas.truth import ATTACK, TRUTH
from transforms.evaluate import FLAGGED, found_campaigns, matched, outcomes, poisson_upper

POOLS = {"pool-1": ("T-HYDRA", "extraction", 10), "pool-2": ("B-RESELL", "grey", 4), None: ("B-TEAM", "benign", 10)}


def truth() -> pl.DataFrame:
    """Ten heads that steal, four that resell, ten honest ones of a team: h0.., r0.., b0.."""
    rows = [
        {
            "account_id": f"{'b' if campaign is None else 'h' if label == 'extraction' else 'r'}{n}",
            "label": label,
            "archetype": archetype,
            "campaign_id": campaign,
            "attack_start": NOON if label == "extraction" else None,
            "calls": 100,
            "attack_calls": 50 if label == "extraction" else 0,
        }
        for campaign, (archetype, label, count) in POOLS.items()
        for n in range(count)
    ]
    return TRUTH.conform(pl.DataFrame(rows, schema_overrides={"attack_start": MOMENT}))


def flagged(**members: tuple[float | None, str]) -> pl.DataFrame:
    """Campaigns: hours after noon of the flag (None: not flagged), and accounts: `c1=(2, "h0 h1")`."""
    rows = [
        {
            "campaign_id": name,
            "flagged_at": None if hours is None else NOON + hours * HOUR,
            "account_ids": accounts.split(),
        }
        for name, (hours, accounts) in members.items()
    ]
    return pl.DataFrame(rows, schema=FLAGGED)


def attacks() -> pl.DataFrame:
    """Every head makes 50 attacking calls in each of four hours."""
    rows = [
        {"account_id": f"h{n}", "tick": NOON + hour * HOUR, "attack_calls": 50} for n in range(10) for hour in range(4)
    ]
    return ATTACK.conform(pl.DataFrame(rows))


def judged(campaigns: pl.DataFrame) -> dict[str, dict[str, object]]:
    """True campaigns by id."""
    empty = {"account_id": pl.String, "tier": pl.String, "flagged_at": MOMENT, "status": pl.String}
    findings = {"account_id": pl.String, "tick": MOMENT, "activity": pl.String, "tier": pl.String}
    active = pl.DataFrame(schema={"account_id": pl.String, "window_end": MOMENT})
    found = outcomes(truth(), pl.DataFrame(schema=empty), pl.DataFrame(schema=findings), active)
    rows = found_campaigns(found, attacks(), matched(truth(), campaigns), campaigns).to_dicts()
    return {row["true_id"]: row for row in rows}


def verdicts(campaigns: pl.DataFrame) -> list[str]:
    return matched(truth(), campaigns)["verdict"].to_list()


def test_four_of_five_accounts_must_be_of_one_true_campaign() -> None:
    assert verdicts(flagged(c1=(1, "h0 h1 h2 h3 b0"))) == ["right"]
    assert verdicts(flagged(c1=(1, "h0 h1 h2 b0"))) == ["impure"]


def test_a_campaign_of_honest_accounts_is_false_and_says_what_it_is_made_of() -> None:
    row = matched(truth(), flagged(c1=(1, "b0 b1 b2 h0"))).row(0, named=True)
    assert (row["verdict"], row["archetype"], row["true_id"], row["purity"]) == ("false", "B-TEAM", "pool-1", 0.25)


def test_accounts_the_truth_does_not_know_make_a_campaign_impure_or_false() -> None:
    assert verdicts(flagged(c1=(1, "x y"), c2=(1, "h0 h1 h2 x"))) == ["false", "impure"]


def test_two_true_campaigns_in_one_are_impure_and_not_false() -> None:
    assert verdicts(flagged(c1=(1, "h0 h1 r0 r1"))) == ["impure"]


def test_what_was_not_flagged_is_not_counted() -> None:
    assert verdicts(flagged(c1=(None, "h0 h1"))) == []


def test_a_campaign_in_pieces_is_found_by_its_first_piece() -> None:
    row = judged(flagged(c1=(3, "h0 h1 h2"), c2=(2, "h2 h3 h4 h5"), c3=(1, "b0 b1")))["pool-1"]
    assert (row["is_found"], row["fragments"], row["head_recall"], row["hours"]) == (True, 2, 0.6, 2.0)
    assert row["flagged_at"] == NOON + 2 * HOUR


def test_calls_before_the_flag_are_taken_and_the_others_spared() -> None:
    row = judged(flagged(c1=(2, "h0 h1 h2 h3")))["pool-1"]
    assert (row["exchanges"], row["taken"], row["prevented"], row["damage_tier"]) == (2_000, 1_000, 0.5, 1_000)


def test_a_campaign_that_nobody_found_takes_everything() -> None:
    row = judged(flagged())["pool-1"]
    assert (row["is_found"], row["taken"], row["prevented"], row["purity"], row["hours"]) == (
        False,
        2_000,
        0.0,
        None,
        None,
    )


def test_an_impure_flag_finds_nothing() -> None:
    assert judged(flagged(c1=(2, "h0 h1 b0")))["pool-1"]["is_found"] is False


def test_a_reseller_has_nothing_to_spare() -> None:
    row = judged(flagged(c1=(2, "r0 r1 r2 r3")))["pool-2"]
    assert (row["label"], row["is_found"], row["head_recall"], row["exchanges"], row["prevented"]) == (
        "grey",
        True,
        1.0,
        0,
        None,
    )


@given(st.integers(0, 400))
def test_the_upper_bound_is_where_so_few_would_be_seen_once_in_twenty(seen: int) -> None:

    mean = poisson_upper(seen)
    at_most = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(seen + 1))
    assert at_most == pytest.approx(0.05, abs=1e-6)
