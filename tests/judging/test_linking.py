"""Campaigns alone over a world's traits: what is counted as found."""

from datetime import timedelta

import polars as pl

from given_accounts import DAY
from judging.linking import Shown, judged, linked, shown, wanted
from schemas.campaign import CAMPAIGN
from schemas.hit import HIT
from schemas.policy import Policy
from transforms.simulate import Options, Pool

HEADS = [f"head-{number}" for number in range(5)]
WORLD = Shown(
    pl.DataFrame(),
    pl.DataFrame(),
    pl.DataFrame(
        {
            "account_id": [*HEADS, "honest"],
            "campaign_id": [*["pool-1"] * 5, None],
            "label": [*["extraction"] * 5, "benign"],
        }
    ),
    pl.DataFrame(
        {"account_id": HEADS, "tick": [DAY + timedelta(hours=hour) for hour in range(5)], "attack_calls": [10] * 5}
    ),
)


def campaign(*accounts: str, hours: int = 2) -> pl.DataFrame:
    row = dict.fromkeys(CAMPAIGN.columns) | {
        "campaign_id": "c-1", "account_ids": list(accounts), "accounts": len(accounts), "flagged_at": DAY + timedelta(hours=hours),
    }  # fmt: skip
    return pl.DataFrame([row], schema=CAMPAIGN.polars)


def test_a_campaign_of_a_pools_heads_has_found_it() -> None:
    told = judged(WORLD, HIT.empty(), campaign(*HEADS[:4]))
    assert (told["pools"], told["pools_found"], told["campaigns_of_nobody"]) == (1, 1, 0)
    assert told["gone_before"] == {"pool-1": 20}


def test_a_campaign_with_too_many_others_has_not_found_the_pool() -> None:
    assert judged(WORLD, HIT.empty(), campaign(*HEADS[:3], "honest"))["gone_before"] == {"pool-1": None}


def test_a_campaign_without_any_head_is_of_nobody() -> None:
    assert judged(WORLD, HIT.empty(), campaign("honest"))["campaigns_of_nobody"] == 1


def test_worlds_are_those_of_the_grid_but_web_logs() -> None:
    assert [point.variant for point in wanted(["log"], [3])] == ["everything", "no registry", "no text", "neither"]


def test_a_world_of_one_pool_goes_through_linkage() -> None:
    pool = Pool("T-HYDRA", 12, 60.0, attack_share=1.0, harvest="T-COT")
    options = Options(seed=5, days=1, accounts=6, lookalikes=0, crowd=0, teams=0, attackers=0, pools=(pool,), words=8)
    world = shown(options)
    hits, campaigns, _ = linked(world.traits, world.registry, Policy())
    told = judged(world, hits, campaigns)
    assert told["pools_found"] == 1
    assert told["honest_flagged"] == 0
