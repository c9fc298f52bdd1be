"""One step of findings: hours are scored, accounts flagged, findings revised."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import polars as pl

from schemas.card import Card
from schemas.finding import FINDING, FLAGGED_ACCOUNT
from schemas.policy import Policy
from schemas.score import SCORE
from schemas.tested import TESTED
from transforms.findings.calibration import Calibration
from transforms.findings.deciding import decided_by_models
from transforms.findings.distributed import distribution_scores
from transforms.findings.hourly import HOUR, hourly_scores, hours_without_calls, with_day_maxima
from transforms.findings.observing import Observation, observations
from transforms.findings.revising import Context, revise
from transforms.findings.state import OPEN, FindingsState

COLUMNS = ("account_id", "tick", "first_time", "calls", "output_tokens", "tokens_known", "presence")
"""TALLY columns that are read here."""


@dataclass(frozen=True)
class Inputs:
    """What a run found out about an account group; ticks and hours that ended by `until` and were not given before.

    Attributes:
        scored: SCORED rows.
        hits: HIT rows of all rules.
        tallies: COLUMNS of TALLY rows; others may be there.
        tested: TESTED rows of the hours of `scored`, as far as their distribution was looked at.
    """

    scored: pl.DataFrame
    hits: pl.DataFrame
    tallies: pl.DataFrame
    tested: pl.DataFrame = field(default_factory=TESTED.empty)

    def is_empty(self) -> bool:
        """Whether nothing was found out."""
        return all(frame.is_empty() for frame in (self.scored, self.hits, self.tallies, self.tested))


@dataclass(frozen=True)
class Judge:
    """What it is judged by; the same for all runs between two feedback borders.

    Attributes:
        calibration: of the snapshot's references.
        registry: REGISTRY, one row an account.
        cards: cards by detector id.
        policy: the policy.
        snapshot_id: the snapshot's id, None before the first.
        distances: calibration of the distribution test, of the snapshot's distances.
    """

    calibration: Calibration
    registry: pl.DataFrame
    cards: Mapping[str, Card]
    policy: Policy
    snapshot_id: str | None
    distances: Calibration = field(default_factory=lambda: Calibration({}))


def step(
    state: FindingsState, inputs: Inputs, judge: Judge, until: datetime
) -> tuple[FindingsState, pl.DataFrame, pl.DataFrame]:
    """Findings after more ticks; once over a day gives what once a tick gives.

    Args:
        state: totals, open hour and open findings before.
        inputs: new ticks and hours, in any order.
        judge: what they are judged by.
        until: border up to which ticks are closed; accounts without rows are stepped to it too.

    Returns:
        The state, SCORE rows of the hours given and of those in which something else than calls changed a score, FINDING rows of the
        revisions made.
    """
    policy, cards = judge.policy, judge.cards
    if state.pending.is_empty() and inputs.is_empty():
        opened, revisions = _revise_all(state.open, [], judge, until)
        return replace(state, open=opened), SCORE.empty(), FINDING.conform(revisions)
    tallies = inputs.tallies.with_columns(day=pl.col("tick").dt.truncate("1d"))
    hits = pl.concat([state.pending, inputs.hits])
    silent = hours_without_calls(hits, inputs.scored, until)
    maxima = with_day_maxima(pl.concat([inputs.scored, silent]), state, policy)
    told = distribution_scores(inputs.tested, inputs.scored, judge.distances, policy)
    hours = hourly_scores(maxima, hits, told, judge.calibration, cards, policy)
    flagged = decided_by_models(hours, policy)
    totals = _totals(state, tallies, inputs.hits, flagged, policy)
    seen = observations(inputs.hits, flagged, totals, judge.snapshot_id, cards, policy)
    opened, revisions = _revise_all(state.open, seen, judge, until)
    counted = state.add(tallies).remember(
        maxima.filter(pl.col("day_maximum").is_not_null())
        .sort("account_id", "window_end")
        .unique("account_id", keep="last", maintain_order=True)
        .select("account_id", maximum_day="day", day_maximum="day_maximum")
    )
    pending = hits.filter(pl.col("tick").dt.truncate("1h") + HOUR > until).sort("account_id", "tick", "rule")
    return replace(counted, pending=pending, open=opened), SCORE.conform(hours), FINDING.conform(revisions)


def still_open(
    state: FindingsState, inputs: Inputs, judge: Judge, until: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the open hour would add if it ended with what is known of it; nothing is remembered.

    Args:
        state: as of the last closed tick.
        inputs: the ticks and hours still open, evaluated with the same rules and models.
        judge: what they are judged by.
        until: end of the open hour.

    Returns:
        SCORE rows of the hours given, and FLAGGED_ACCOUNT rows, provisional and without a uid, of accounts that would be
        flagged and have no open finding: those have a definite row.
    """
    _, scores, revisions = step(state, inputs, judge, until)
    fresh = revisions.filter(pl.col("activity") == "created").sort("account_id", "tick")
    first = fresh.unique("account_id", keep="first", maintain_order=True)
    unknown = first.filter(~pl.col("account_id").is_in(state.open["account_id"].implode()))
    flagged = unknown.with_columns(
        finding_uid=pl.lit(None, pl.String),
        campaign_ids=pl.col("campaign_ids").fill_null([]),
        status=pl.lit("new"),
        provisional=pl.lit(value=True),
    )
    return scores, FLAGGED_ACCOUNT.conform(flagged)


def _totals(
    state: FindingsState, tallies: pl.DataFrame, hits: pl.DataFrame, flagged: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """Lifetime totals, first call of the day and presence at each deciding tick; benign accounts are not looked at.

    A campaign may speak of an account in a tick without calls of it: what the source showed is then that of its last call.
    """
    ticks = pl.concat(
        [
            hits.select("account_id", "tick"),
            flagged.select("account_id", tick=pl.col("window_end") - policy.time.tick),
        ]
    ).unique()
    summed = ["calls", "output_tokens", "tokens_known"]
    wanted = tallies.join(ticks.select("account_id").unique(), on="account_id", how="semi")
    before = state.accounts.select(
        "account_id",
        *[pl.col(name).alias(f"{name}_before") for name in [*summed, "presence"]],
        day="day",
        first_before="day_first",
    )
    running = wanted.sort("account_id", "tick").with_columns(
        *[pl.col(name).cum_sum().over("account_id") for name in summed],
        day_first=pl.col("first_time").cum_min().over("account_id", "day"),
    )
    return (
        ticks.with_columns(day=pl.col("tick").dt.truncate("1d"))
        .sort("tick")
        .join_asof(
            running.select("account_id", "tick", *summed, "presence", first_day="day", day_first="day_first").sort(
                "tick"
            ),
            on="tick",
            by="account_id",
            check_sortedness=False,
        )
        .join(before.drop("day", "first_before"), on="account_id", how="left")
        .join(before.select("account_id", "day", "first_before"), on=["account_id", "day"], how="left")
        .select(
            "account_id",
            "tick",
            *[pl.col(name).fill_null(0) + pl.col(f"{name}_before").fill_null(0) for name in summed],
            pl.min_horizontal(pl.when(pl.col("first_day") == pl.col("day")).then("day_first"), "first_before")
            .fill_null(pl.col("day"))
            .alias("day_first"),
            pl.coalesce("presence", "presence_before", 0),
        )
    )


def _revise_all(
    opened: pl.DataFrame, seen: list[Observation], judge: Judge, until: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    contracts = dict(judge.registry.select("account_id", "contract").drop_nulls().iter_rows())
    context = Context(judge.cards, contracts, judge.policy)
    current = {row["account_id"]: row for row in opened.iter_rows(named=True)}
    by_account = {account: list(rows) for account, rows in groupby(seen, key=lambda one: one.account_id)}
    still, revisions = [], []
    for account in sorted({*current, *by_account}):
        after, made = revise(current.get(account), by_account.get(account, []), until, context)
        revisions += made
        if after is not None:
            still.append(after)
    return _as_open(still), _as_open(revisions)


_NOTHING = pl.DataFrame(schema=OPEN)
"""To make it takes longer than everything else where nothing is open."""


def _as_open(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=OPEN) if rows else _NOTHING
