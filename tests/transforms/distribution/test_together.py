"""A campaign's calls together: further away than any head alone, the map with most calls, and reasons where nothing can be said."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_calls import calls
from schemas.campaign_test import CAMPAIGN_TEST
from schemas.policy import Distribution, Policy
from schemas.snapshot import Snapshot
from transforms.distribution import campaigns_tested
from transforms.distribution.embedding import embed
from transforms.learning.distributions import candidates, learn_distributions

DAY = datetime(2026, 3, 20, tzinfo=UTC)
POLICY = Policy(distribution=Distribution(least_accounts=30))
CHANCE = np.random.default_rng(18)


def _account(name: str, count: int, **said: object) -> pl.DataFrame:
    """One hour of an account with habits of its own."""
    sent, made = CHANCE.lognormal(6, 0.7), CHANCE.lognormal(4, 0.7)
    own = (
        {"account_id": name, "head_key": int(CHANCE.integers(2**62))}
        | {"input_tokens": int(sent * CHANCE.lognormal(0, 0.5)), "output_tokens": int(made * CHANCE.lognormal(0, 0.5))}
        | said
        for _ in range(count)
    )
    return embed(calls(own))


def _campaigns(**accounts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"campaign_id": list(accounts), "account_ids": list(accounts.values())})


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """What LEARN makes of 300 honest accounts."""
    honest = pl.concat([_account(f"a{n}", 60) for n in range(300)])
    names = honest.select("account_id", peer_group=pl.lit("pro/chat")).unique()
    offered = candidates(honest, names, names.clear(), DAY, POLICY)
    empty = Snapshot.empty()
    return replace(empty, snapshot_id="day-1", parts=empty.parts | learn_distributions(empty, DAY, [offered], POLICY))


HABIT = {"elicits_reasoning": True, "head_key": 7}
HEADS = [pl.concat([_account(f"h{n:02d}", 15, **HABIT), _account(f"h{n:02d}", 45)]) for n in range(20)]
NAMES = [f"h{n:02d}" for n in range(20)]


def _tested(campaigns: pl.DataFrame, embeddings: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    found = campaigns_tested(campaigns, embeddings, snapshot, DAY, POLICY)
    CAMPAIGN_TEST.check(found)
    return found


def test_a_campaign_lies_further_than_half_of_its_heads_would_alone(snapshot: Snapshot) -> None:
    together = _tested(_campaigns(c=NAMES), pl.concat(HEADS), snapshot).row(0, named=True)
    alone = _tested(_campaigns(**{name: [name] for name in NAMES}), pl.concat(HEADS), snapshot)
    assert (together["accounts"], together["calls"], together["snapshot_id"]) == (20, 1200, "day-1")
    assert together["tail"] <= 0.05
    assert together["tail"] < alone["tail"].median()


def test_honest_accounts_together_are_not_far(snapshot: Snapshot) -> None:
    honest = pl.concat([_account(f"n{n}", 60) for n in range(60)])
    groups = {f"c{n}": [f"n{n * 10 + head}" for head in range(10)] for n in range(6)}
    assert _tested(_campaigns(**groups), honest, snapshot)["tail"].median() > 0.05


def test_accounts_of_others_and_the_order_of_rows_change_nothing(snapshot: Snapshot) -> None:
    own = pl.concat(HEADS)
    more = pl.concat([own, _account("stranger", 60)]).sample(fraction=1.0, shuffle=True, seed=3)
    assert_frame_equal(_tested(_campaigns(c=NAMES), own, snapshot), _tested(_campaigns(c=NAMES), more, snapshot))


def test_without_a_reference_it_abstains_and_says_what_it_takes() -> None:
    found = _tested(_campaigns(c=NAMES), pl.concat(HEADS), Snapshot.empty())
    assert found["tail"].item() is None
    assert found["abstained_because"].item().endswith("that takes 60 accounts with 20 calls in a day")


def test_with_few_calls_it_abstains_and_says_so(snapshot: Snapshot) -> None:
    found = _tested(_campaigns(c=["f1", "f2"]), pl.concat([_account("f1", 9), _account("f2", 9)]), snapshot)
    assert found["abstained_because"].item() == "fewer than 20 calls whose distribution could be compared"


def test_a_campaign_without_calls_on_the_day_has_no_row(snapshot: Snapshot) -> None:
    assert _tested(_campaigns(c=["gone"]), HEADS[0], snapshot).is_empty()
