"""The distribution test by itself: what the protocol counts, on calls whose answer is known."""

from pathlib import Path

import numpy as np

from judging.distances import SHARES, embedded, measured, pairs
from schemas.policy import Policy
from transforms.sketches.whitening import I64

CHANCE = np.random.default_rng(3)


def calls(number: int, centre: int) -> I64:
    return np.asarray(CHANCE.integers(centre - 40, centre + 40, size=(number, 32)))


def test_an_attacker_far_from_everyone_is_found_at_every_share() -> None:
    told = measured(calls(400, 0), calls(50, 100), 500, Policy())
    assert told["found"] == dict.fromkeys(SHARES, 1.0)
    assert told["false"] < 0.02


def test_an_attacker_who_asks_what_everyone_asks_is_not_found() -> None:
    told = measured(calls(400, 0), calls(400, 0), 100, Policy())
    assert told["found"][0.05] < 0.05


def test_calls_are_embedded_in_the_order_of_their_prompts() -> None:
    once, twice = "What is the capital of France?", "def add(a, b):\n    return a + b"
    one, other, again = embedded([once, twice, once])
    assert (one == again).all()
    assert (one != other).any()


def test_there_is_a_pair_for_every_attacker(shared_data: Path) -> None:
    attackers = [pair.attacker for pair in pairs(shared_data)]
    assert [attackers.count(name) for name in ("generator", "judge", "reasoning", "humaneval")] == [3, 3, 3, 2]
