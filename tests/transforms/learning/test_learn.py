"""A day's feedback, whole and in parts."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, FEATURE_NAMES, windows
from schemas.model import MODEL
from schemas.policy import Policy
from schemas.registry import REGISTRY
from schemas.score import SCORE
from schemas.snapshot import EVERYONE, NEWCOMERS, PARTS, REFERENCE, Snapshot
from transforms.detectors import score
from transforms.learning import Hours, Marks, Seen, learn, learn_parts, republish
from transforms.learning.learn import threshold

POLICY = Policy.parse(
    "[learning]\ntree_count = 3\ntree_height = 4\ntree_window = 50\nrank_windows = 400\nlearn_windows = 300\n"
    "reference_size = 500\n[evidence]\nleast_peers = 50\n"
)


def world(accounts: int, seed: int, snapshot: Snapshot, day: int = 0, hours: tuple[int, ...] = (6, 12)) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    known = dict(snapshot["peers"].select("account_id", "peer_group").iter_rows())
    rows = [
        {
            "account_id": f"a{number}",
            "hour": 24 * day + hour,
            "peer_group": known.get(f"a{number}", NEWCOMERS),
            "calls_24h": float(chance.integers(10, 3000)),
            "template_share_24h": float(chance.beta(1, 3)),
            "out_in_ratio_24h": float(chance.lognormal(-2, 1)),
            "output_per_call_24h": float(chance.lognormal(4, 1)),
            "multi_turn_share_24h": float(number % 2),
        }
        for number in range(accounts)
        for hour in hours
    ]
    return windows(rows)


def scores_of(seen: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    return SCORE.conform(score(seen, snapshot, POLICY).with_columns(reference_size=pl.lit(0), l0_score=pl.lit(0.0)))


def days(count: int, accounts: int = 120, marks: Marks | None = None) -> tuple[Snapshot, pl.DataFrame]:
    snapshot, models = Snapshot.empty(), MODEL.empty()
    for day in range(count):
        seen = world(accounts, day, snapshot, day)
        start = DAY + timedelta(days=day)
        snapshot, models = learn(
            snapshot, start, seen, scores_of(seen, snapshot), REGISTRY.empty(), marks or Marks(), POLICY
        )
    return snapshot, models


def test_every_part_keeps_its_contract() -> None:
    snapshot, models = days(3)
    assert snapshot.snapshot_id == "day-2026-03-04"
    assert snapshot.day == DAY + timedelta(days=2)
    for contract in PARTS:
        contract.check(snapshot[contract.name])
    MODEL.check(models)
    assert set(models["peer_group"]) == {EVERYONE, NEWCOMERS, "no-plan/chat", "no-plan/single"}


def test_the_trees_speak_from_the_third_day_on() -> None:
    """Trees of the first day score the second, whose scores are what the third day's are ranked among."""
    said = []
    for count in range(4):
        snapshot, _ = days(count)
        found = score(world(120, 9, snapshot, count), snapshot, POLICY).filter(pl.col("l1_score").is_not_null())
        said.append(
            (
                found["trees"].null_count() == 0,
                any(line.startswith("no trees") for line in found["abstained_because"][0]),
            )
        )
    assert said == [(False, True), (True, True), (True, False), (True, False)]


def test_a_day_learned_in_parts_makes_the_same_snapshot() -> None:
    before, _ = days(2)
    seen = world(120, 2, before, 2)
    scored, start = scores_of(seen, before), DAY + timedelta(days=2)
    whole, whole_models = learn(before, start, seen, scored, REGISTRY.empty(), Marks(), POLICY)
    thirds = [pl.col("account_hash") % 3 == rest for rest in range(-2, 3)]
    parts = [(seen.filter(third), scored.filter(third)) for third in reversed(thirds)]
    together = Seen.together([Seen.of(*part, start) for part in parts])
    windows = (part[0] for part in parts)
    made, made_models = learn_parts(
        before, start, together, [Hours(part) for part in windows], REGISTRY.empty(), Marks(), POLICY
    )
    for contract in PARTS:
        assert_frame_equal(made[contract.name], whole[contract.name])
    assert_frame_equal(made_models, whole_models)


def test_the_order_of_rows_is_of_no_consequence() -> None:
    seen = world(120, 1, Snapshot.empty())
    made = scores_of(seen, Snapshot.empty())
    one, one_models = learn(Snapshot.empty(), DAY, seen, made, REGISTRY.empty(), Marks(), POLICY)
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in (seen, made)]
    other, other_models = learn(Snapshot.empty(), DAY, *shuffled, REGISTRY.empty(), Marks(), POLICY)
    for contract in PARTS:
        assert_frame_equal(other[contract.name], one[contract.name])
    assert_frame_equal(other_models, one_models)


def test_windows_of_guarded_accounts_are_in_no_model_but_their_days_calibrate() -> None:
    seen = world(120, 1, Snapshot.empty())
    hit = scores_of(seen, Snapshot.empty()).with_columns(
        l0_score=pl.when(pl.col("account_id") == "a7").then(3.0).otherwise(0.0)
    )
    snapshot, models = learn(Snapshot.empty(), DAY, seen, hit, REGISTRY.empty(), Marks(), POLICY)
    assert "a7" not in set(snapshot["reservoir"]["account_id"])
    assert "a7" not in set(snapshot["drifts"]["account_id"])
    assert "a7" not in set(snapshot["references"]["account_id"])  # a rule does not depend on the score
    assert "a7" in set(snapshot["peers"]["account_id"])
    everyone = models.filter(pl.col("peer_group") == EVERYONE)
    assert everyone["left_out_windows"].to_list() == [2]


def test_windows_with_few_calls_and_provisional_scores_are_not_learned() -> None:
    seen = world(120, 1, Snapshot.empty())
    seen = pl.concat([seen, windows([{"account_id": "few", "calls_24h": 19.0, "template_share_24h": 0.5}])])
    provisional = scores_of(seen, Snapshot.empty()).with_columns(provisional=pl.lit(value=True))
    snapshot, _ = learn(Snapshot.empty(), DAY, seen, provisional, REGISTRY.empty(), Marks(), POLICY)
    assert snapshot["reservoir"].height > 200
    assert snapshot["reservoir"].filter(pl.col("calls_24h") < 20).is_empty()
    assert snapshot["references"].is_empty()


def test_samples_stay_within_their_bounds_and_old_days_leave() -> None:
    snapshot, models = days(4, accounts=300)
    assert snapshot["reservoir"].group_by("peer_group").len()["len"].max() <= 400
    assert models["learned_windows"].max() <= 300
    assert snapshot["references"].group_by("peer_group").len()["len"].max() <= 500
    later = DAY + timedelta(days=40)
    nobody = windows([])
    after, _ = learn(snapshot, later, nobody, SCORE.empty(), REGISTRY.empty(), Marks(), POLICY)
    assert after["references"].is_empty()
    assert after["reservoir"].is_empty()
    assert after["ranks"].is_empty()


def test_a_quarantined_day_publishes_what_was_known_under_its_own_name() -> None:
    before, _ = days(2)
    snapshot, models = republish(before, DAY + timedelta(days=2))
    assert snapshot.snapshot_id == "day-2026-03-04"
    assert snapshot.parts == before.parts
    assert models["quarantined"].all()
    MODEL.check(models)


def test_the_digest_tells_states_apart_and_not_their_memory() -> None:
    _, models = days(2)
    _, again = days(2)
    _, other = days(3)
    assert models["state_digest"].to_list() == again["state_digest"].to_list()
    assert set(models["state_digest"]).isdisjoint(other.filter(pl.col("peer_group") != NEWCOMERS)["state_digest"])


def reference(values: list[float], regimes: list[str] | None = None) -> pl.DataFrame:
    rows = [
        {
            "peer_group": "g",
            "day": DAY,
            "account_id": f"a{n}",
            "account_hash": n,
            "day_maximum": value,
            "regime": "r" if regimes is None else regimes[n],
        }
        for n, value in enumerate(values)
    ]
    return REFERENCE.conform(pl.DataFrame(rows, schema=REFERENCE.polars))


@pytest.mark.parametrize(("size", "found"), [(8, None), (9, 8.0), (18, 17.0), (19, 17.0)])
def test_the_threshold_is_where_the_rate_begins(size: int, found: float | None) -> None:
    rows = reference([float(n) for n in range(size)])
    assert threshold(rows, 0.1) == found
    if found is not None:
        worse = sum(n > found for n in range(size))
        assert (1 + worse) / (1 + size) <= 0.1 < (1 + worse + 1) / (1 + size)


def test_the_threshold_compares_only_scores_made_alike() -> None:
    rows = reference([float(n) for n in range(20)], ["r"] * 12 + ["old"] * 8)
    assert threshold(rows, 0.1) == 11.0


def test_every_suspicious_feature_gets_ranks() -> None:
    chance = np.random.default_rng(0)
    rows = [
        {"account_id": f"a{n}"} | {name: float(chance.random()) + 20.0 for name in FEATURE_NAMES} for n in range(60)
    ]
    snapshot, _ = learn(Snapshot.empty(), DAY, windows(rows), SCORE.empty(), REGISTRY.empty(), Marks(), POLICY)
    found = score(windows(rows), snapshot, POLICY)
    assert found["trees"].null_count() == 0
    assert all("no peers" not in line for line in found["abstained_because"].explode())
