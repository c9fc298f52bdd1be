"""A world of real arrivals, lengths and prompts with planted pools: nothing of the simulator is in it, nothing was tuned on it."""

from pathlib import Path

import polars as pl
import pytest

from judging.measuring import judged_lake
from pipelines.judgement import Judgement
from real_pools import POOLS, RealWorld, real_world
from transforms.simulate.phrases import VOICES


@pytest.fixture(scope="module")
def made(shared_data: Path) -> RealWorld:
    return real_world(shared_data)


@pytest.fixture(scope="module")
def judgement(made: RealWorld, tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    folder = tmp_path_factory.mktemp("real")
    made.write(folder / "world")
    return judged_lake(folder, (str(folder / "world" / "logs"),), folder / "world" / "accounts.csv")


def test_pools_are_as_large_and_as_diluted_as_planned(made: RealWorld) -> None:
    for plan in POOLS:
        heads = made.truth.filter(pl.col("campaign_id") == plan.name)
        assert heads.height == plan.heads
        assert heads["calls"].sum() == pytest.approx(plan.heads * plan.per_day * 2, rel=0.01)
        assert heads["attack_calls"].sum() / heads["calls"].sum() == pytest.approx(plan.share, abs=0.05)


def test_when_attacks_are_made_adds_up_to_the_truth(made: RealWorld) -> None:
    assert made.attacks["attack_calls"].sum() == made.truth["attack_calls"].sum()
    assert made.truth["calls"].sum() == len(made.calls)


def test_no_sentence_of_the_simulator_is_in_it(made: RealWorld) -> None:
    sentences = {sentence for parts in VOICES.values() for part in parts for sentence in part if len(sentence) > 40}
    written = "\n".join({call.prompt for call in made.calls} | {call.system or "" for call in made.calls})
    assert [sentence for sentence in sentences if sentence in written] == []


@pytest.mark.slow
def test_nobody_honest_is_flagged_beyond_the_budget(judgement: Judgement) -> None:
    honest = judgement.found.filter(pl.col("label") == "benign")
    flagged = honest.filter(pl.col("tier").is_not_null())
    # 0.1 % of some 700 account-days is none; the upper bound of what one flagged account would mean is far above that.
    assert flagged["account_id"].to_list() == []
    assert honest["days"].sum() > 500


@pytest.mark.slow
def test_no_campaign_is_made_of_honest_accounts(judgement: Judgement) -> None:
    assert judgement.matches.filter(pl.col("verdict") == "false").height == 0
