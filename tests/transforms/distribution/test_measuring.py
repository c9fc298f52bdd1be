"""How far accounts lie from their peers: nulls that hold, both directions, and reasons where nothing can be said."""

from dataclasses import replace

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


INSIDE, OUTSIDE, FRESH = _accounts("in", 150, 60), _accounts("out", 150, 60), _accounts("new", 150, 60)


def _snapshot() -> Snapshot:
    centre = Centre.of(table(INSIDE), INSIDE["calls"].to_numpy(), 0.3)
    far = centre.distances(table(OUTSIDE), OUTSIDE["calls"].to_numpy())
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


SNAPSHOT = _snapshot()


def _tested(embeddings: pl.DataFrame, snapshot: Snapshot = SNAPSHOT) -> pl.DataFrame:
    windows = embeddings.select("account_id", "window_end", peer_group=pl.lit("pro/chat")).unique()
    found = measured(embeddings, windows, snapshot, POLICY)
    TESTED.check(found)
    return found


def test_accounts_like_those_of_the_null_exceed_it_as_often_as_it_says() -> None:
    found = _tested(FRESH)
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
def test_an_account_unlike_its_peers_is_far(said: dict[str, object]) -> None:
    found = _tested(_account("thief", 60, **said))
    assert found["tail"].item() <= 0.02
    assert found["excess"].item() > 1.0


def test_an_account_that_is_everything_at_once_is_far_as_well() -> None:
    tongues = ["en", "zh", "ar", "ru", "fr", "de", "ja", "ko"] * 8
    broad = calls(
        {"account_id": "broad", "language": tongue, "input_tokens": 4 ** (n % 10), "tool_count": n % 2, "head_key": n}
        for n, tongue in enumerate(tongues)
    )
    found = _tested(embed(broad))
    assert found["tail"].item() <= 0.02
    assert found["alike"].item() < FRESH_ALIKE


FRESH_ALIKE = _tested(FRESH)["alike"].median()


def test_the_null_lies_between_two_numbers_of_calls_by_the_logarithm() -> None:
    reference = references(SNAPSHOT)["*", "prompt"]
    distance = np.full(4, 3.0)
    _, median, excess = reference.judged(distance, np.array([5, 20, 35, 5000]))
    low, high = reference.alone[20].at(0.5), reference.alone[60].at(0.5)
    share = np.log(35 / 20) / np.log(3)
    assert median.tolist() == pytest.approx([low, low, (1 - share) * low + share * high, high], rel=1e-5)
    assert excess[1] == pytest.approx(3.0 / reference.alone[20].at(0.95), abs=1e-5)


def test_a_window_is_judged_the_same_alone_and_in_company() -> None:
    together = _tested(FRESH)
    alone = pl.concat([_tested(FRESH[row : row + 1]) for row in range(0, FRESH.height, 10)])
    assert_frame_equal(alone.sort("account_id"), together.join(alone.select("account_id"), on="account_id", how="semi"))


def test_without_a_reference_it_abstains_and_says_what_it_takes() -> None:
    found = _tested(FRESH[:1], Snapshot.empty())
    assert found["excess"].item() is None
    assert found["abstained_because"].item().endswith("that takes 60 accounts with 20 calls in a day")


def test_with_few_calls_it_abstains_and_says_so() -> None:
    found = _tested(_account("few", 19))
    assert found["abstained_because"].item() == "fewer than 20 calls whose distribution could be compared"


def test_accounts_together_are_compared_with_groups_of_at_most_as_many() -> None:
    reference = references(SNAPSHOT)["*", "prompt"]
    rows = FRESH[:5]
    distance, tail = pooled(table(rows), rows["calls"].to_numpy(), reference)
    assert distance < _tested(rows)["distance"].median()
    assert tail == reference.together[3].tails(np.array([distance]))[0]
    one, alone = pooled(table(rows[:1]), rows["calls"].to_numpy()[:1], reference)
    assert (one, alone) == (_tested(rows[:1])["distance"].item(), _tested(rows[:1])["tail"].item())


def test_a_pool_whose_heads_share_one_habit_lies_further_than_any_of_them() -> None:
    reference = references(SNAPSHOT)["*", "prompt"]
    habit = {"elicits_reasoning": True, "head_key": 7}
    heads = [pl.concat([_account(f"h{n}", 15, **habit), _account(f"h{n}", 45)]) for n in range(20)]
    sums = np.stack([table(head).sum(axis=0) for head in heads])
    counts = np.array([head["calls"].sum() for head in heads])
    _, tail = pooled(sums, counts, reference)
    alone = [pooled(sums[n : n + 1], counts[n : n + 1], reference)[1] for n in range(20)]
    assert tail < np.median(alone)
