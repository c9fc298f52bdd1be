"""What is carried of a reference judges as the reference itself did, and is compared with nothing else."""

from dataclasses import replace

import polars as pl
from polars.testing import assert_frame_equal

from given_calls import DAY, population
from schemas.embedding import EMBEDDING
from schemas.policy import Distribution, Policy
from schemas.snapshot import EVERYONE, PEER, Snapshot
from schemas.window import WINDOW
from transforms.distribution import carried_by, fault_of, measured, pinned, recipe
from transforms.learning.distributions import candidates, learn_distributions

POLICY = Policy(distribution=Distribution(least_accounts=30, reference_size=400))


def learned(seed: int) -> Snapshot:
    hours = population(seed, accounts=120, most=60)
    members = hours.select("account_id", "account_hash").unique()
    peers = PEER.conform(members.with_columns(peer_group=pl.lit("pro/chat"), last_day=pl.lit(DAY)))
    nobody = pl.DataFrame(schema={"account_id": pl.String, "peer_group": pl.String})
    offered = candidates(hours, nobody, peers, DAY, POLICY)
    parts = Snapshot.empty().parts | learn_distributions(Snapshot.empty(), DAY, [offered], POLICY)
    return Snapshot("day-2026-03-02", DAY, parts)


OWN, OTHER = learned(1), learned(2)


def judged(snapshot: Snapshot) -> pl.DataFrame:
    hours = EMBEDDING.conform(population(3, accounts=40, most=60))
    day = hours.group_by("account_id", "account_hash", "map").agg(pl.col("calls").sum(), pl.col("vector").last())
    asked = EMBEDDING.conform(day.with_columns(window_end=pl.lit(DAY)))
    windows = WINDOW.empty().select("account_id", "window_end", "peer_group")
    known = asked.select("account_id", "window_end", peer_group=pl.lit("pro/chat"))
    return measured(asked, pl.concat([windows, known]), snapshot, POLICY)


def test_it_judges_as_the_snapshot_that_it_comes_from() -> None:
    carried = carried_by(OWN)
    assert carried is not None
    there, here = judged(OWN), judged(pinned(OTHER, carried, "name"))
    assert there["excess"].drop_nulls().len() > 0
    assert_frame_equal(here.drop("regime", "origin"), there.drop("regime", "origin"))
    assert set(here["origin"]) == {"name"}
    assert set(here["regime"]) == {f"name/{regime}" for regime in there["regime"]}
    assert not judged(OTHER)["excess"].equals(there["excess"])


def test_everything_else_of_a_snapshot_stays() -> None:
    carried = carried_by(OWN)
    assert carried is not None
    after = pinned(OTHER, carried, "name")
    assert (after.snapshot_id, after.day) == (OTHER.snapshot_id, OTHER.day)
    changed = {name for name, frame in after.parts.items() if not frame.equals(OTHER.parts[name])}
    assert changed == {"centres", "nulls"}


def test_day_maxima_go_along_where_they_were_made_with_centres_like_these() -> None:
    regime = f"{EVERYONE}:{OWN['centres'].filter(pl.col('peer_group') == EVERYONE)['accounts'].item().bit_length()}"
    rows = [(EVERYONE, DAY, f"a{n}", n, 1.0 + n, r) for n, r in enumerate((regime, "other/*:7", None, regime))]
    distances = pl.DataFrame(rows, schema=OWN["distances"].schema, orient="row")
    carried = carried_by(replace(OWN, parts=OWN.parts | {"distances": distances}))
    assert carried is not None
    assert carried.parts["distances"]["day_maximum"].to_list() == [1.0, 4.0]
    assert "a0" not in carried.parts["distances"]["account_id"].to_list()
    assert fault_of(carried) is None
    assert set(pinned(OTHER, carried, "name")["distances"]["regime"]) == {f"name/{regime}"}


def test_where_nothing_was_learned_there_is_nothing_to_carry() -> None:
    assert carried_by(Snapshot.empty()) is None


def test_the_recipe_is_that_of_the_maps_and_the_sample_and_of_nothing_else() -> None:
    assert recipe(POLICY) == recipe(Policy())
    assert recipe(replace(POLICY, distribution=replace(POLICY.distribution, sampled_calls=9))) != recipe(POLICY)
