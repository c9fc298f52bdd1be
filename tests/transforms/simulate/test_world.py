"""A world is a pure function of its options, and its truth tells of its calls what is so."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from schemas.errors import StillwatchError
from schemas.registry import REGISTRY
from schemas.truth import TRUTH
from transforms.simulate import Options, World, preset, simulate, within, world
from transforms.simulate.record import RECORD

TINY = Options(days=1, accounts=12, lookalikes=1, attackers=1, cap_per_day=40.0, loud_cap=60.0, words=12)


def test_equal_options_make_equal_worlds() -> None:
    first, second = simulate(TINY), simulate(TINY)
    assert_frame_equal(first.events, second.events)
    assert_frame_equal(first.registry, second.registry)
    assert_frame_equal(first.truth, second.truth)


def test_another_seed_makes_another_world() -> None:
    assert set(simulate(TINY).account_ids).isdisjoint(simulate(Options(seed=2, accounts=12)).account_ids)


def test_the_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(TINY).events
    monkeypatch.setattr(world, "BLOCK", 97)
    assert_frame_equal(simulate(TINY).events.sort("event_id"), whole.sort("event_id"))


def test_thieves_change_nothing_about_the_honest() -> None:
    honest = simulate(Options(days=1, accounts=30, words=12))
    with_thieves = simulate(Options(days=1, accounts=30, words=12, attackers=1, loud_cap=60.0))
    same = with_thieves.events.filter(pl.col("account_id").is_in(honest.account_ids.to_list()))
    assert_frame_equal(same.sort("event_id"), honest.events.sort("event_id"))


def test_records_have_the_promised_columns_and_unique_ids(world: World) -> None:
    assert world.events.schema == RECORD
    assert world.events["event_id"].is_unique().all()


def test_truth_and_registry_keep_their_contracts(world: World) -> None:
    TRUTH.check(world.truth)
    REGISTRY.check(world.registry)
    assert world.registry["account_id"].to_list() == world.truth["account_id"].to_list()


def test_truth_counts_the_calls_of_each_account(world: World) -> None:
    counted = world.events.group_by("account_id").agg(counted=pl.len().cast(pl.Int64))
    joined = world.truth.join(counted, on="account_id", how="left").with_columns(pl.col("counted").fill_null(0))
    assert joined["calls"].to_list() == joined["counted"].to_list()


def test_attacks_belong_to_thieves_only(world: World) -> None:
    truth = world.truth
    assert (truth["attack_calls"] <= truth["calls"]).all()
    assert truth.filter(pl.col("label") != "extraction")["attack_calls"].sum() == 0
    assert truth.filter(pl.col("attack_calls") > 0)["attack_start"].null_count() == 0
    assert truth.filter(pl.col("attack_calls") == 0)["attack_start"].null_count() == (truth["attack_calls"] == 0).sum()


def test_an_attack_starts_with_a_call_of_its_account(world: World) -> None:
    started = world.truth.drop_nulls("attack_start").select("account_id", time="attack_start")
    assert started.join(world.events, on=["account_id", "time"], how="anti").is_empty()


def test_calls_lie_within_the_days_of_the_world(world: World) -> None:
    for start, blocks in world.days():
        for block in blocks:
            assert (block["time"].dt.date() == start.date()).all()


def test_accounts_are_older_than_their_first_call(world: World) -> None:
    first = world.events.group_by("account_id").agg(first=pl.col("time").min())
    joined = world.registry.join(first, on="account_id")
    assert (joined["created_at"] <= joined["first"]).all()


def test_the_share_of_an_attack_is_as_asked_for() -> None:
    options = Options(
        accounts=0, attackers=12, archetypes=("T-BULK", "T-COT"), attack_share=0.25, loud_cap=400.0, words=0
    )
    truth = simulate(options).truth
    assert truth["attack_calls"].sum() / truth["calls"].sum() == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("budget", [30_000, 90_000])
def test_a_budget_of_events_is_kept_by_fewer_accounts_at_the_same_rates(budget: int) -> None:
    full = preset("pools_small", words=0)
    some = within(full, budget)
    assert len(simulate(some)) == pytest.approx(budget, rel=0.35)
    assert [pool.per_head for pool in some.pools] == [pool.per_head for pool in full.pools]
    assert (some.cap_per_day, some.loud_cap) == (full.cap_per_day, full.loud_cap)


def test_a_wider_background_leaves_thieves_as_they_are() -> None:
    base = preset("pools_small")
    wide = base.amid(3)
    assert (wide.accounts, wide.teams, wide.crowd) == (3 * base.accounts, 3 * base.teams, 3 * base.crowd)
    assert wide.pools == base.pools


def test_pools_can_be_given_another_size() -> None:
    assert {pool.heads for pool in preset("pools_small").with_heads(9).pools} == {9}


def test_a_preset_can_be_changed_in_one_thing() -> None:
    assert (preset("demo", seed=9).seed, preset("demo", seed=9).accounts) == (9, preset("demo").accounts)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(StillwatchError, match="use one of demo, small, standard, pools"):
        preset("huge")


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"days": 0}, "days = 0"), ({"paraphrase": 1.5}, "no share"), ({"attack_share": 0.0}, "leaves no attack")],
)
def test_an_impossible_option_is_refused(change: dict[str, float], problem: str) -> None:
    with pytest.raises(StillwatchError, match=problem):
        Options(**change)  # type: ignore[arg-type]
