"""One account's calls in one order, each of them once."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.event import EVENT
from transforms.sketches.grouping import changes, order_of
from transforms.sketches.mix import I64

_POSITION = ("source", "position")
_CONTENT = tuple(name for name in EVENT.columns if name not in _POSITION)


@dataclass(frozen=True)
class Sequenced:
    """The order of the events and what became of each source's records.

    Attributes:
        accounts: account_id, account_hash; unique, sorted by account_id.
        rows: numbers of the events that stay, sorted by account_id, time and event_id; these three are then unique.
        account: row of `accounts` that each of them belongs to.
        time: microseconds since 1970 of each of them.
        counts: source, accepted, duplicates (Int64), one row a source, sorted.
    """

    accounts: pl.DataFrame
    rows: I64
    account: I64
    time: I64
    counts: pl.DataFrame


def in_order(events: pl.DataFrame) -> Sequenced:
    """The order of events by account, time and id, each call once.

    A call is logged twice if account_id, time and event_id are equal; equal times lie in one tick, so no memory beyond
    it is needed. Of several records of one call the one with the smaller digest of its content stays, then the smaller
    (source, position): which one stays does not depend on the order of arrival.

    Args:
        events: EVENT rows in any order.
    """
    accounts = events.group_by("account_id").agg(pl.col("account_hash").min()).sort("account_id")
    numbers = accounts.select("account_id", number=pl.int_range(pl.len()))
    account = events.select("account_id").join(numbers, on="account_id", how="left", maintain_order="left")
    code, time = account["number"].to_numpy(), events["time"].to_physical().to_numpy()
    order = order_of(code, time)
    together = ~changes(code[order], time[order])
    kept = _resolved(events, order, together) if together.any() else order
    counts = (
        _per_source(events["source"], "read")
        .join(_per_source(events["source"].gather(kept), "accepted"), on="source", how="left")
        .with_columns(pl.col("accepted").fill_null(0))
        .select("source", "accepted", duplicates=pl.col("read") - pl.col("accepted"))
        .sort("source")
    )
    return Sequenced(accounts, kept, code[kept], time[kept], counts)


def content_digests(events: pl.DataFrame) -> pl.Series:
    """128-bit digest, as hex, of each row's content: every column of EVENT but source and position.

    Returns:
        String. About 20 us a row: only records of one call that differ in content need it.
    """
    rows = events.select(_CONTENT).with_columns(pl.col(pl.Datetime).cast(pl.Int64))
    digests = [hashlib.blake2b(repr(row).encode(), digest_size=16).hexdigest() for row in rows.iter_rows()]
    return pl.Series("digest", digests, pl.String)


def _resolved(events: pl.DataFrame, order: I64, together: npt.NDArray[np.bool_]) -> I64:
    """The order with calls of one account and moment sorted by id, and the second record of each call left out.

    Args:
        events: the events.
        order: row numbers by account and time.
        together: whether the account and time at a place are those of the place before.
    """
    shared = together | np.append(together[1:], np.False_)
    places, moments = np.flatnonzero(shared), np.cumsum(~together)[shared]
    found = (
        events.select("event_id", *_POSITION)[order[places]]
        .with_columns(pl.Series("moment", moments), pl.Series("row", order[places]), digest=pl.lit(""))
        .sort("moment", "event_id", *_POSITION)
    )
    same = (pl.col("moment") == pl.col("moment").shift(1)) & (pl.col("event_id") == pl.col("event_id").shift(1))
    is_repeat = found.select(same.fill_null(value=False)).to_series()
    if is_repeat.any():
        found = _disputes_settled(events, found, is_repeat)
        is_repeat = found.select(same.fill_null(value=False)).to_series()
    resolved = order.copy()
    resolved[places] = found["row"].to_numpy()
    stays = np.ones(len(order), dtype=np.bool_)
    stays[places] = ~is_repeat.to_numpy()
    return resolved[stays]


def _disputes_settled(events: pl.DataFrame, found: pl.DataFrame, is_repeat: pl.Series) -> pl.DataFrame:
    """The rows sorted so that of the records of one call the one that stays is first.

    Args:
        events: the events.
        found: moment, event_id, source, position, row, digest, sorted by the first four.
        is_repeat: whether a row is the same call as the row before.
    """
    is_twin = is_repeat | is_repeat.shift(-1, fill_value=False)
    twins, others = found.filter(is_twin), found.filter(~is_twin)
    content = events.select(_CONTENT)[twins["row"].to_numpy()]
    is_other = content.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _CONTENT))
    call = pl.Series("call", (~is_repeat.filter(is_twin)).cum_sum())
    marked = twins.with_columns(call, differs=is_other.to_series() & is_repeat.filter(is_twin))
    disputed = marked.select(pl.col("differs").any().over("call")).to_series()
    if disputed.any():
        digests = content_digests(content.filter(disputed))
        quarrels = marked.filter(disputed).with_columns(digests)
        marked = pl.concat([marked.filter(~disputed), quarrels])
    return pl.concat([others, marked.drop("call", "differs")]).sort("moment", "event_id", "digest", *_POSITION)


def _per_source(sources: pl.Series, name: str) -> pl.DataFrame:
    return sources.to_frame().group_by("source").agg(pl.len().cast(pl.Int64).alias(name))
