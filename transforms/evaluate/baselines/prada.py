"""PRADA (Juuti et al., 2019) on sketches: are the distances of a client's queries to its earlier ones normally distributed?

The original works per predicted class on numeric inputs; text has one class, and the distance of two prompts is here one
minus the share of equal minhash slots. As published: queries that are too near to the growing set are not added to it, and the
test runs at every so many queries once there are a hundred distances. The statistic is Shapiro and Francia's, the squared
correlation with normal quantiles (Royston 1993), which stands in for Shapiro and Wilk's at these sizes.
"""

from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.evaluate.baselines.tables import SCORED, Tables, scored

LEAST = 100
"""Distances before the first test (P3)."""

STEP = 50
"""Queries between tests: five of the original's steps, for speed; it can only be later by that."""

MOST = 300
"""Queries of an account and day that are looked at: the mean detection step on text was 210 (P1)."""

SLOTS = 16


def prada(tables: Tables) -> pl.DataFrame:
    """One minus the statistic, largest for the least normal distances, at each test."""
    rows = []
    for (account, _), calls in tables.first_calls(MOST).drop_nulls("shingle_keys").group_by("account_id", "day"):
        if calls.height > LEAST:
            ordered = calls.sort("time", "event_id")
            tests = _tests(by_slot(ordered["shingle_keys"]))
            rows += [(account, ordered["time"][at - 1], value) for at, value in tests]
    return scored(pl.DataFrame(rows, schema=SCORED, orient="row"))


def by_slot(keys: pl.Series) -> NDArray[np.int64]:
    """Minhash keys as a row a prompt and a column a slot (a key's top four bits), 0 where a prompt has none."""
    lengths = keys.list.len().to_numpy()
    flat = keys.explode(empty_as_null=False, keep_nulls=False).to_numpy()
    table = np.zeros((len(keys), SLOTS), dtype=np.int64)
    slot = (flat.view(np.uint64) >> np.uint64(60)).astype(np.int64)
    table[np.repeat(np.arange(len(keys)), lengths), slot] = flat
    return table


def _tests(slots: NDArray[np.int64]) -> list[tuple[int, float]]:
    """(queries so far, 1 - statistic) at each test."""
    grown = [0]
    distances: list[float] = []
    kept: list[float] = []
    found = []
    for number in range(1, len(slots)):
        nearest = _distances(slots[number], slots[grown]).min()
        distances.append(float(nearest))
        # The growing set takes what is farther than the mean less one deviation of what was taken before.
        if not kept or nearest > np.mean(kept) - np.std(kept):
            grown.append(number)
            kept.append(float(nearest))
        if len(distances) >= LEAST and len(distances) % STEP == 0:
            found.append((number + 1, 1.0 - normality(np.array(distances))))
    return found


def _distances(one: NDArray[np.int64], many: NDArray[np.int64]) -> NDArray[np.float64]:
    equal = ((many == one) & (one != 0)).sum(axis=1)
    either = ((many != 0) | (one != 0)).sum(axis=1)
    gap: NDArray[np.float64] = 1.0 - equal / np.maximum(either, 1)
    return gap


def normality(values: NDArray[np.float64]) -> float:
    """Shapiro and Francia's W': 1 for perfectly normal values; 0 where all are equal.

    >>> round(normality(np.arange(100.0)), 2)
    0.96
    """
    count = len(values)
    expected = np.array([NormalDist().inv_cdf((i - 0.375) / (count + 0.25)) for i in range(1, count + 1)])
    if np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(np.sort(values), expected)[0, 1] ** 2)
