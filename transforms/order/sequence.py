"""One account's calls in one order, each of them once."""

import hashlib
from dataclasses import dataclass

import polars as pl

from schemas.event import EVENT

IDENTITY = ("account_id", "time", "event_id")
"""A call is logged twice if all three are equal; equal times lie in one tick, so no memory beyond it is needed."""

_POSITION = ("source", "position")
_CONTENT = tuple(name for name in EVENT.columns if name not in _POSITION)
_ORDER = ("account_hash", *IDENTITY)


@dataclass(frozen=True)
class Sequenced:
    """Ordered events and what became of each source's records.

    Attributes:
        events: EVENT rows, unique by (account_id, time, event_id), sorted by account_hash and that.
        counts: source, accepted, duplicates (Int64), one row a source, sorted.
    """

    events: pl.DataFrame
    counts: pl.DataFrame


def in_order(events: pl.DataFrame) -> Sequenced:
    """The events sorted and without duplicates.

    Of several records of one call the one with the smaller digest of its content stays, then the smaller (source,
    position): which one stays does not depend on the order of arrival.

    Args:
        events: EVENT rows in any order.
    """
    ordered = events.sort(_ORDER)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in IDENTITY).fill_null(value=False)
    repeats = ordered.select(same).to_series()
    if repeats.any():
        suspects = repeats | repeats.shift(-1, fill_value=False)
        kept = _first_of_each(ordered.filter(suspects))
        unique = pl.concat([ordered.filter(~suspects), kept]).sort(_ORDER)
    else:
        unique = ordered
    read = ordered.group_by("source").agg(read=pl.len().cast(pl.Int64))
    accepted = unique.group_by("source").agg(accepted=pl.len().cast(pl.Int64))
    counts = (
        read.join(accepted, on="source", how="left")
        .with_columns(pl.col("accepted").fill_null(0))
        .select("source", "accepted", duplicates=pl.col("read") - pl.col("accepted"))
        .sort("source")
    )
    return Sequenced(unique.rechunk(), counts)


def content_digests(events: pl.DataFrame) -> pl.Series:
    """128-bit digest, as hex, of each row's content: every column but source and position."""
    rows = events.select(_CONTENT).with_columns(pl.col(pl.Datetime).cast(pl.Int64))
    return pl.Series(
        "digest",
        [hashlib.blake2b(repr(row).encode(), digest_size=16).hexdigest() for row in rows.iter_rows()],
        pl.String,
    )


def _first_of_each(suspects: pl.DataFrame) -> pl.DataFrame:
    return (
        suspects.with_columns(content_digests(suspects))
        .sort(*_ORDER, "digest", *_POSITION)
        .unique(IDENTITY, keep="first", maintain_order=True)
        .drop("digest")
    )
