"""Which keys' sums are a tie: enough alone, enough if a key of another kind agrees, or nearly enough and tied before."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Policy
from schemas.signals import Slots, Source, lists
from transforms.campaigns.agreeing import OF_A_CLASS, is_alone, may_agree
from transforms.campaigns.base import Base
from transforms.campaigns.customers_age import WHOLE
from transforms.campaigns.evidence import NO_NIGHTS, Look, Stats, are_alike, are_sleepless, looks
from transforms.campaigns.kinds import BROUGHT, CHOSEN, PAYER, SUMS, TEXT, TURNS

_KEY = ["kind", "key"]


def judged(sums: pl.DataFrame, before: pl.DataFrame, base: Base, policy: Policy) -> pl.DataFrame:
    """TIE rows where the evidence is enough, or would be if a key of another kind agreed, or nearly is and was enough before.

    Args:
        sums: kind, key, tick, and the columns of Stats as of the tick's end, sorted.
        before: kind, key, was_tied (true) of keys that were tied before the first tick.
        base: what is ordinary.
        policy: `policy.campaigns`.
    """
    own = policy.campaigns
    rows = sums.filter(
        (pl.col("accounts") >= own.least_accounts)
        & ((pl.col("cards") >= own.least_customers) | (pl.col("kind") == PAYER))
        & (pl.col("calls") >= own.least_calls)
        & (pl.col("calls") >= own.least_calls_each * pl.col("accounts"))
    )
    columns = {name: rows[name].to_numpy().astype(np.float64) for name in SUMS}
    kinds = rows["kind"]
    is_payer = (kinds == PAYER).to_numpy()
    # What all share by definition is no evidence: a card is not for the accounts that it pays for, nor against them.
    columns["carded"] = np.where(is_payer, 0.0, columns["carded"])
    columns["aged_customers"] = np.where(is_payer, columns["aged"], columns["aged_customers"])
    columns["fresh_customers"] = np.where(is_payer, columns["fresh"], columns.pop("fresh_parts") / WHOLE)
    turns = {name: columns.pop(name) for name in TURNS}
    is_text, is_brought = kinds.is_in(TEXT).to_numpy(), kinds.is_in(BROUGHT).to_numpy()
    is_chosen = kinds.is_in(CHOSEN).to_numpy()
    stats = Stats(**columns, turns=turns, is_text=is_text, is_brought=is_brought, is_chosen=is_chosen)
    found = _of_families(_of_payers(looks(stats, base, own), is_payer))
    points = np.sum([look.points for look in found], axis=0) if len(rows) else np.empty(0)
    count = np.sum([look.points > 0 for look in found], axis=0) if len(rows) else np.empty(0)
    others = [look.points for look in found if look.family not in OF_A_CLASS]
    is_of_class = np.sum(others, axis=0) < own.beside_class if len(rows) else np.empty(0, dtype=np.bool_)
    is_tied = is_alone(rows["kind"], points, count, stats.accounts, is_of_class, own)
    is_tied |= may_agree(rows["kind"], points, found[0].points, own)
    # A company's people and devices are young, even, in turn and on the road as well: who pays ties only those known to keep no nights.
    is_tied &= are_alike(stats, own) & (are_sleepless(stats, own) | ~is_payer)
    known = rows.with_columns(is_tied=pl.Series(is_tied, dtype=pl.Boolean)).join(
        before, on=_KEY, how="left", maintain_order="left"
    )
    was_tied = known.select(
        pl.col("was_tied").fill_null(value=False) | pl.col("is_tied").cum_max().over(_KEY)
    ).to_series()
    goes_on = was_tied.to_numpy() & (points >= own.sustain_decades) & ~is_tied
    is_told = is_tied | goes_on
    signals = _signals(found, np.flatnonzero(is_told))
    return (
        rows.with_columns(
            points=pl.Series(np.round(points, 6)),
            families=pl.Series(count, dtype=pl.Int32),
            is_sustained=pl.Series(goes_on, dtype=pl.Boolean),
        )
        .filter(pl.Series(is_told, dtype=pl.Boolean))
        .with_columns(signals)
    )


def _of_payers(found: list[Look], is_payer: npt.NDArray[np.bool_]) -> list[Look]:
    """The looks; that accounts call day and night says nothing of those of one customer, whose programs do as well."""
    return [
        replace(look, points=np.where(is_payer, 0.0, look.points)) if look.signal == NO_NIGHTS else look
        for look in found
    ]


def _of_families(found: list[Look]) -> list[Look]:
    """The looks, with points only where none of their family says more; of equals the first speaks."""
    kept: list[Look] = []
    for place, look in enumerate(found):
        points = look.points
        for other_place, other in enumerate(found):
            if other_place != place and other.family == look.family:
                is_more = other.points > look.points if other_place > place else other.points >= look.points
                points = np.where(is_more, 0.0, points)
        kept.append(replace(look, points=points))
    return kept


def _signals(found: list[Look], rows: npt.NDArray[np.int64]) -> pl.Series:
    """A list of SIGNAL_TYPE for each of these rows, strongest first."""

    def columns(values: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        return np.stack(values, axis=1)[rows]

    points = columns([look.points for look in found])
    slots = Slots(
        source=np.broadcast_to(np.arange(len(found)), points.shape),
        points=points,
        tail=np.round(10.0**-points, 9),
        observed=columns([look.observed for look in found]),
        expected=columns([look.expected for look in found]),
        peers=np.full(points.shape, np.nan),
    )
    return lists(slots, [Source(look.signal, look.family, look.detail) for look in found], "L2")
