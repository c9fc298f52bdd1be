"""What baselines read of a lake, and what they give."""

from dataclasses import dataclass

import polars as pl

SCORED = pl.Schema({"account_id": pl.String(), "window_end": pl.Datetime("us", "UTC"), "score": pl.Float64()})
"""One row is one account's score as of a moment; higher is worse, no row where the method cannot look."""

CALL_COLUMNS = ("account_id", "time", "event_id", "input_tokens", "output_tokens", "prompt_chars", "shingle_keys")


@dataclass(frozen=True)
class Tables:
    """A lake's tables, as far as baselines read them.

    Attributes:
        windows: WINDOW rows, definite ones.
        prefixes: account_id, tick, key of TRAIT rows of kind `prefix`.
        calls: CALL_COLUMNS of the EVENT rows.
    """

    windows: pl.DataFrame
    prefixes: pl.DataFrame
    calls: pl.LazyFrame

    def first_calls(self, most: int) -> pl.DataFrame:
        """Each account's first calls of each day with known tokens, in order of time, with `day`."""
        day = pl.col("time").dt.truncate("1d").alias("day")
        known = self.calls.filter(pl.col("input_tokens").is_not_null()).select(*CALL_COLUMNS, day)
        ordered = known.sort("account_id", "time", "event_id")
        return ordered.filter(pl.int_range(pl.len()).over("account_id", "day") < most).collect()


def scored(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as SCORED, without unknown scores, sorted."""
    kept = rows.select(list(SCORED)).cast(SCORED)
    return kept.filter(pl.col("score").is_not_null() & pl.col("score").is_not_nan()).sort("account_id", "window_end")
