"""Which days of a lake are learned, and which are to be."""

from datetime import datetime, timedelta

import polars as pl

from pipelines.lake.checkpoints import standing
from pipelines.lake.lake import Lake

_DAY = timedelta(days=1)


def has_windows(lake: Lake, day: datetime) -> bool:
    """Whether a day has anything to learn from."""
    moment = timedelta(microseconds=1)
    rows = lake.scan("account_windows", None, ("window_end", day + moment, day + _DAY + moment))
    one = rows.filter(~pl.col("provisional")).select("account_id").head(1)
    return not lake.collect("account_windows", one).is_empty()


def is_learned(lake: Lake, day: datetime) -> bool:
    """Whether a snapshot was published for a day."""
    learned = (pl.col("pipeline") == "learn") & (pl.col("closed_until") == day + _DAY)
    return not standing(lake.read("runs")).filter(learned).is_empty()


def released_for(lake: Lake, border: datetime) -> list[datetime]:
    """Quarantined days whose release holds from a border, or from one at which nothing was learned since; sorted."""
    learned = standing(lake.read("runs")).filter(pl.col("pipeline") == "learn")
    before = learned.filter(pl.col("closed_until") < border)["closed_until"].max()
    due = lake.read("releases").filter(pl.col("holds_from") <= border)
    due = due if before is None else due.filter(pl.col("holds_from") > before)
    quarantined = lake.scan("models").filter("quarantined").select("day").unique()
    models = lake.collect("models", quarantined)
    return due.join(models, on="day", how="semi")["day"].sort().to_list()
