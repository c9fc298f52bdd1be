"""What each detector did: on how many honest account-days it spoke, and which thieves it named."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from schemas.card import CARD_OF_FAMILY, CARD_OF_LAYER
from transforms.evaluate.campaigns import poisson_upper

SAID = pl.Schema(
    {"account_id": pl.String(), "day": pl.Date(), "detector": pl.String(), "spoke": pl.Boolean(), "named": pl.Boolean()}
)
"""One row an account, UTC day and detector. `spoke`: a signal of it has points in an hour of the day; `named`: a finding that
was created or revised on the day has one."""


def said(scores: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """What detectors said on which account-days, as SAID, sorted by its first three columns.

    Args:
        scores: account_id, window_end, signals of definite SCORE rows.
        findings: account_id, tick, activity, signals of FINDING rows.
    """
    ended = pl.col("window_end") - pl.duration(microseconds=1)
    alarms = findings.filter(pl.col("activity").is_in(["created", "updated"]))
    spoke = _detectors(scores.select("account_id", "signals", day=ended.dt.date()))
    named = _detectors(alarms.select("account_id", "signals", day=pl.col("tick").dt.date()))
    by = ["account_id", "day", "detector"]
    both = spoke.with_columns(spoke=True).join(named.with_columns(named=True), on=by, how="full", coalesce=True)
    return both.with_columns(pl.col("spoke", "named").fill_null(value=False)).select(list(SAID)).cast(SAID).sort(by)


def by_detector(found: pl.DataFrame, told: pl.DataFrame, detectors: Sequence[str]) -> list[dict[str, Any]]:
    """One row a detector, as plain data, in the order given.

    Args:
        found: OUTCOME rows; accounts whose findings are suppressed are never named.
        told: SAID rows.
        detectors: ids of all detectors.

    Returns:
        detector; days (honest account-days), spoke_days and named_days (of those), named_days_upper (95 % bound of their
        share, the rule of three where there was none; null without days); thieves: archetype -> accounts, spoke, named
        (accounts); others: archetype of honest and grey accounts -> days, named_days, where any was named; right and wrong
        (thieves and honest accounts named on any day).
    """
    known = found.select("account_id", "label", "archetype", "is_suppressed")
    rows = told.join(known, on="account_id").with_columns(named=pl.col("named") & ~pl.col("is_suppressed"))
    honest = found.filter(pl.col("label") == "benign")
    thieves = dict(
        found.filter(pl.col("label") == "extraction").group_by("archetype").len().sort("archetype").iter_rows()
    )
    others = dict(
        found.filter(pl.col("label") != "extraction").group_by("archetype").agg(pl.col("days").sum()).iter_rows()
    )
    days = int(honest["days"].sum())
    table = []
    for detector in detectors:
        mine = rows.filter(pl.col("detector") == detector)
        of_honest = mine.filter(pl.col("label") == "benign")
        named_days = int(of_honest["named"].sum())
        caught = (
            mine.filter(pl.col("label") == "extraction")
            .group_by("archetype", "account_id")
            .agg(pl.col("spoke", "named").any())
        )
        counts = {
            archetype: (spoke, named)
            for archetype, spoke, named in caught.group_by("archetype").agg(pl.col("spoke", "named").sum()).iter_rows()
        }
        wrong = mine.filter((pl.col("label") != "extraction") & pl.col("named"))
        table.append(
            {
                "detector": detector,
                "days": days,
                "spoke_days": int(of_honest["spoke"].sum()),
                "named_days": named_days,
                "named_days_upper": poisson_upper(named_days) / days if days else None,
                "thieves": {
                    archetype: dict(
                        zip(("accounts", "spoke", "named"), (count, *counts.get(archetype, (0, 0))), strict=True)
                    )
                    for archetype, count in thieves.items()
                },
                "others": {
                    archetype: {"days": others[archetype], "named_days": named}
                    for archetype, named in wrong.group_by("archetype").len().sort("archetype").iter_rows()
                },
                "right": caught.filter("named").height,
                "wrong": of_honest.filter("named")["account_id"].n_unique(),
            }
        )
    return table


def _detectors(rows: pl.DataFrame) -> pl.DataFrame:
    """account_id, day, detector of signals with points, each once."""
    signal = pl.col("signals").struct
    single = rows.filter(pl.col("signals").list.len() > 0).explode("signals").filter(signal.field("points") > 0)
    layer = signal.field("layer")
    card = (
        pl.when(layer == "L0")
        .then(signal.field("signal").str.split(".").list.first())
        .otherwise(
            pl.coalesce(
                signal.field("family").replace_strict(CARD_OF_FAMILY, default=None, return_dtype=pl.String),
                layer.replace_strict(CARD_OF_LAYER, default=None, return_dtype=pl.String),
            )
        )
    )
    return single.select("account_id", "day", detector=card).unique()
