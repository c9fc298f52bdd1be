"""How far accounts lie from their peers: nulls that hold, both directions, and reasons where nothing can be said."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_calls import calls
from schemas.policy import Distribution, Policy
from schemas.snapshot import CENTRE, NULL, RANK_STEPS, Snapshot
from schemas.tested import TESTED
from transforms.distribution import measured, pooled, references
from transforms.distribution.embedding import embed, table
from transforms.sketches.percentile import quantiles
from transforms.sketches.whitening import Centre

POLICY = Policy(distribution=Distribution(least_accounts=30))
CHANCE = np.random.default_rng(8)


def _account(name: str, count: int, spread: float = 0.5, **said: object) -> pl.DataFrame:
    """One hour of an account with habits of its own."""
    sent, made = CHANCE.lognormal(6, 0.7), CHANCE.lognormal(4, 0.7)
    return embed(
        calls(
            {
                "account_id": name,
                "input_tokens": int(sent * CHANCE.lognormal(0, spread)),
                "output_tokens": int(made * CHANCE.lognormal(0, spread)),
                "head_key": int(CHANCE.integers(2**62)),
            }
            | said
            for _ in range(count)
        )
    )


def _accounts(prefix: str, number: int, count: int) -> pl.DataFrame:
    return pl.concat([_account(f"{prefix}{n}", count) for n in range(number)])


def _snapshot(inside: pl.DataFrame, outside: pl.DataFrame) -> Snapshot:
    centre = Centre.of(table(inside), inside["calls"].to_numpy(), 0.3)
    far = centre.distances(table(outside), outside["calls"].to_numpy())
    said = {
        "peer_group": "*",
        "map": "prompt",
        "accounts": 150,
        "mean": centre.mean.tolist(),
        "whitener": centre.whitener.reshape(-1).tolist(),
        "scale": centre.scale,
        "alike": 0.4,
    }
    null = {"peer_group": "*", "map": "prompt", "size": 150}
    steps = quantiles(far, RANK_STEPS)
    rows = [
        null | {"heads": 1, "calls": 20, "quantiles": (2.0 * steps).tolist()},
        null | {"heads": 1, "calls": 60, "quantiles": steps.tolist()},
        null | {"heads": 3, "calls": 20, "quantiles": (steps / 3).tolist()},
    ]
    empty = Snapshot.empty()
    parts = {
        "centres": CENTRE.conform(pl.DataFrame([said], schema=CENTRE.polars)),
        "nulls": NULL.conform(pl.DataFrame(rows, schema=NULL.polars)),
    }
    return replace(empty, parts=empty.parts | parts)


@dataclass(frozen=True)
class World:
    """Accounts that nobody has seen yet, and a snapshot of what others of their kind do."""

    fresh: pl.DataFrame
    snapshot: Snapshot


@pytest.fixture(scope="module")
def world() -> World:
    inside, outside, fresh = _accounts("in", 150, 60), _accounts("out", 150, 60), _accounts("new", 150, 60)
    return World(fresh, _snapshot(inside, outside))


def _tested(embeddings: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    windows = embeddings.select("account_id", "window_end", peer_group=pl.lit("pro/chat")).unique()
    found = measured(embeddings, windows, snapshot, POLICY)
    TESTED.check(found)
    return found


def test_accounts_like_those_of_the_null_exceed_it_as_often_as_it_says(world: World) -> None:
    found = _tested(world.fresh, world.snapshot)
    assert 0.01 <= (found["excess"] > 1.0).mean() <= 0.11
    assert 0.38 <= (found["tail"] < 0.5).mean() <= 0.62


@pytest.mark.parametrize(
    "said",
    [
        {"input_tokens": 40, "output_tokens": 4000, "head_key": 5},  # one narrow template
        {"elicits_reasoning": True, "temperature": 0.0},
        {"language": "zh", "tool_count": 9, "message_count": 60},
    ],
)
def test_an_account_unlike_its_peers_is_far(world: World, said: dict[str, object]) -> None:
    found = _tested(_account("thief", 60, **said), world.snapshot)
    assert found["tail"].item() <= 0.02
    assert found["excess"].item() > 1.0


def test_an_account_that_is_everything_at_once_is_far_as_well(world: World) -> None:
    tongues = ["en", "zh", "ar", "ru", "fr", "de", "ja", "ko"] * 8
    broad = calls(
        {"account_id": "broad", "language": tongue, "input_tokens": 4 ** (n % 10), "tool_count": n % 2, "head_key": n}
        for n, tongue in enumerate(tongues)
    )
    found = _tested(embed(broad), world.snapshot)
    assert found["tail"].item() <= 0.02
    assert found["alike"].item() < _tested(world.fresh, world.snapshot)["alike"].median()


def test_the_null_lies_between_two_numbers_of_calls_by_the_logarithm(world: World) -> None:
    reference = references(world.snapshot)["*", "prompt"]
    distance = np.full(4, 3.0)
    _, median, excess = reference.judged(distance, np.array([5, 20, 35, 5000]))
    low, high = reference.alone[20].at(0.5), reference.alone[60].at(0.5)
    share = np.log(35 / 20) / np.log(3)
    assert median.tolist() == pytest.approx([low, low, (1 - share) * low + share * high, high], rel=1e-5)
    assert excess[1] == pytest.approx(3.0 / reference.alone[20].at(0.95), abs=1e-5)


def test_a_window_is_judged_the_same_alone_and_in_company(world: World) -> None:
    together = _tested(world.fresh, world.snapshot)
    alone = pl.concat([_tested(world.fresh[row : row + 1], world.snapshot) for row in range(0, world.fresh.height, 10)])
    assert_frame_equal(alone.sort("account_id"), together.join(alone.select("account_id"), on="account_id", how="semi"))


def test_without_a_reference_it_abstains_and_says_what_it_takes(world: World) -> None:
    found = _tested(world.fresh[:1], Snapshot.empty())
    assert found["excess"].item() is None
    assert found["abstained_because"].item().endswith("that takes 60 accounts with 20 calls in a day")


def test_with_few_calls_it_abstains_and_says_so(world: World) -> None:
    found = _tested(_account("few", 19), world.snapshot)
    assert found["abstained_because"].item() == "fewer than 20 calls whose distribution could be compared"


def test_accounts_together_are_compared_with_groups_of_at_most_as_many(world: World) -> None:
    reference = references(world.snapshot)["*", "prompt"]
    rows = world.fresh[:5]
    distance, tail = pooled(table(rows), rows["calls"].to_numpy(), reference)
    assert distance < _tested(rows, world.snapshot)["distance"].median()
    assert tail == reference.together[3].tails(np.array([distance]))[0]
    one, alone = pooled(table(rows[:1]), rows["calls"].to_numpy()[:1], reference)
    assert (one, alone) == (
        _tested(rows[:1], world.snapshot)["distance"].item(),
        _tested(rows[:1], world.snapshot)["tail"].item(),
    )


def test_a_pool_whose_heads_share_one_habit_lies_further_than_any_of_them(world: World) -> None:
    reference = references(world.snapshot)["*", "prompt"]
    habit = {"elicits_reasoning": True, "head_key": 7}
    heads = [pl.concat([_account(f"h{n}", 15, **habit), _account(f"h{n}", 45)]) for n in range(20)]
    sums = np.stack([table(head).sum(axis=0) for head in heads])
    counts = np.array([head["calls"].sum() for head in heads])
    _, tail = pooled(sums, counts, reference)
    alone = [pooled(sums[n : n + 1], counts[n : n + 1], reference)[1] for n in range(20)]
    assert tail < np.median(alone)
