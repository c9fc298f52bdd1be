"""What LEARN makes of vectors: who is in, which half says what, and the same whatever the parts."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from given_calls import DAY, calls, population
from schemas.policy import Distribution, Policy
from schemas.snapshot import CENTRE, EVERYONE, NEWCOMERS, NULL, PEER, VECTOR, Snapshot
from transforms.distribution.embedding import embed
from transforms.learning.distributions import HEADS, RUNGS, candidates, kept, learn_distributions

POLICY = Policy(distribution=Distribution(least_accounts=30, reference_size=400))


def members(embeddings: pl.DataFrame) -> pl.DataFrame:
    rows = embeddings.select("account_id", "account_hash").unique()
    return PEER.conform(rows.with_columns(peer_group=pl.lit("pro/chat"), last_day=pl.lit(DAY)))


def learned(embeddings: pl.DataFrame, policy: Policy = POLICY, previous: Snapshot | None = None) -> Snapshot:
    """The snapshot after a day of these hours."""
    before = Snapshot.empty() if previous is None else previous
    offered = candidates(embeddings, _windows(), members(embeddings), DAY, policy)
    return replace(before, parts=before.parts | learn_distributions(before, DAY, [offered], policy))


def _windows() -> pl.DataFrame:
    return pl.DataFrame(schema={"account_id": pl.String, "peer_group": pl.String})


def test_a_group_and_everyone_get_a_centre_and_nulls_by_calls_and_heads() -> None:
    snapshot = learned(population(1))
    for contract in (CENTRE, NULL, VECTOR):
        contract.check(snapshot[contract.name])
    assert snapshot["centres"]["peer_group"].to_list() == [EVERYONE, "pro/chat"]
    alone = snapshot["nulls"].filter((pl.col("heads") == 1) & (pl.col("peer_group") == EVERYONE))
    assert alone["calls"].to_list() == [rung for rung in RUNGS if rung <= 100]
    together = snapshot["nulls"].filter((pl.col("heads") > 1) & (pl.col("peer_group") == EVERYONE))
    least = int(together["size"][0])
    assert together["heads"].to_list() == [heads for heads in HEADS if heads <= least]
    medians = together["quantiles"].list.get(512).to_list()
    assert medians == sorted(medians, reverse=True), "the more accounts, the nearer they lie together"


def test_the_accounts_of_the_null_are_not_those_of_the_centre() -> None:
    snapshot = learned(population(1))
    everyone = snapshot["vectors"].filter((pl.col("peer_group") == EVERYONE) & (pl.col("rung") == 20))
    centre = snapshot["centres"].filter(pl.col("peer_group") == EVERYONE)["accounts"].item()
    null = snapshot["nulls"].filter((pl.col("peer_group") == EVERYONE) & (pl.col("heads") == 1))
    assert centre == (everyone["sample"] % 2 == 0).sum()
    assert null.filter(pl.col("calls") == 20)["size"].item() == everyone.height - centre


def test_too_few_accounts_give_no_centre() -> None:
    assert learned(population(1, accounts=40))["centres"].is_empty()


def test_a_vector_of_a_rung_is_that_of_the_hours_until_it_was_reached() -> None:
    hours = embed(calls({"second": 600 * n, "input_tokens": n} for n in range(140)))
    found = candidates(hours, _windows(), members(hours), DAY, POLICY).filter(pl.col("peer_group") == EVERYONE)
    assert found["rung"].to_list() == [20, 50, 100]
    assert found["calls"].to_list() == [24, 54, 102]
    table = np.array(hours["vector"].to_list())
    assert found["vector"].to_list() == [table[:n].sum(axis=0).tolist() for n in (4, 9, 17)]


def test_newcomers_are_learned_as_newcomers_too() -> None:
    hours = population(1, accounts=5)
    new = pl.DataFrame({"account_id": ["s1-0", "s1-0", "s1-1"], "peer_group": [NEWCOMERS, NEWCOMERS, "pro/chat"]})
    found = candidates(hours, new, members(hours), DAY, POLICY).filter(pl.col("peer_group") == NEWCOMERS)
    assert set(found["account_id"]) == {"s1-0"}


def test_what_is_learned_does_not_depend_on_the_parts_or_their_order() -> None:
    hours = population(1)
    whole = learned(hours, replace(POLICY, distribution=replace(POLICY.distribution, reference_size=150)))
    policy = replace(POLICY, distribution=replace(POLICY.distribution, reference_size=150))
    thirds = [hours.filter(pl.col("account_hash") % 3 == rest) for rest in range(-2, 3)]
    offered = [candidates(part, _windows(), members(hours), DAY, policy) for part in reversed(thirds)]
    parts = learn_distributions(Snapshot.empty(), DAY, offered, policy)
    for name, frame in parts.items():
        assert_frame_equal(frame, whole[name])
    assert parts["vectors"].group_by("peer_group", "map", "rung").len()["len"].max() == 150


def test_account_days_that_are_too_old_are_forgotten() -> None:
    snapshot = learned(population(1))
    later = DAY + timedelta(days=POLICY.learning.reference_days)
    after = learn_distributions(snapshot, later, [kept([], POLICY)], POLICY)
    assert after["vectors"].is_empty()
    assert after["centres"].is_empty()
