"""Learning what a harvester's day looks like."""

import polars as pl

from judging.leaning import features, fitted
from schemas.window import WINDOW


def days(**columns: list[float | None]) -> pl.DataFrame:
    """Windows with these features, the others null; the second half of them are thieves'."""
    rows = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
    missing = [pl.lit(None, WINDOW.polars[name]).alias(name) for name in features() if name not in columns]
    return rows.with_columns(missing).with_columns(is_thief=pl.int_range(pl.len()) >= pl.len() // 2)


def test_the_more_of_what_thieves_have_the_more_points() -> None:
    edges, points, unknown = fitted(days(languages_24h=[1.0] * 99 + [9.0] * 100))["languages_24h"]
    assert edges == [1.0, 9.0]
    assert points[1] < 0 < points[2]
    assert unknown == 0


def test_a_feature_that_says_nothing_is_left_out() -> None:
    assert set(fitted(days(languages_24h=[1.0] * 50 + [9.0] * 50))) == {"languages_24h"}


def test_that_a_value_is_not_known_may_tell_too() -> None:
    _, _, unknown = fitted(days(cache_miss_24h=[0.5] * 50 + [None] * 50))["cache_miss_24h"]
    assert unknown > 0
