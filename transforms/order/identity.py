"""What accounts are paid with and how they were created: as the operator's registry says, else as logged; once a UTC day.

These hardly change, so that an account shows each key in one tick a day only: the first with a call that carries it. Instruments
that pay for several accounts on file are shown by every call too: whether those are driven as one is to be seen.
"""

from datetime import datetime

import numpy as np
import polars as pl

from transforms.order.shown import Shown, hashed
from transforms.order.ticks import Ticks, moments
from transforms.sketches.grouping import changes, order_of, starts_of
from transforms.sketches.mix import I64, combine, mix

LAYOUT = pl.Schema({"account_id": pl.String(), "kind": pl.String(), "key": pl.Int64(), "day": pl.Datetime("us", "UTC")})

COLUMNS = ("payment_id", "account_created_at", "signup_path")
"""EVENT columns that are read here."""

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_ODD = mix(np.arange(1, 4, dtype=np.uint64)) | np.uint64(1)


def identities(ticks: Ticks, registry: pl.DataFrame, told: pl.DataFrame) -> dict[str, Shown]:
    """Keys of the kinds `payment` and `signup` that calls carry in the first tick of the day with the key.

    Args:
        ticks: the calls.
        registry: REGISTRY rows, at most one an account; a field that it fills counts before what is logged.
        told: what was shown earlier on the day (`LAYOUT`).
    """
    fields = registry.select("account_id", "payment_id", "signup_path", account_created_at="created_at")
    filed = ticks.accounts.select("account_id").join(fields, on="account_id", how="left", maintain_order="left")
    payment, created, path = (_of_calls(ticks, filed[name], name) for name in COLUMNS)
    shown = {"payment": Shown(*_first_of_day(ticks, hashed(payment), "payment", told))}
    hours = created.to_physical() // _HOUR
    rows, keys = _first_of_day(ticks, _bursts(hours, path), "signup", told)
    hour = moments(hours.gather(rows).to_numpy() * _HOUR).dt.strftime("%Y-%m-%dT%HZ ")
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(path))
    return shown | {"signup": Shown(rows, keys, nothing.scatter(rows, hour + path.gather(rows)))}


def payers(ticks: Ticks, registry: pl.DataFrame, least: int) -> dict[str, Shown]:
    """Keys of the kind `payer`: of every call whose account is paid with what pays for so many accounts on file.

    Args:
        ticks: the calls.
        registry: REGISTRY rows, at most one an account; all accounts, not only those of the calls.
        least: accounts on file (`campaigns.least_accounts`).
    """
    mine = registry.select("account_id", "payment_id").drop_nulls()
    mine = mine.join(ticks.accounts.select("account_id"), on="account_id", how="semi")
    several = (
        registry.select("payment_id")
        .join(mine.select("payment_id").unique(), on="payment_id", how="semi")
        .group_by("payment_id")
        .len()
        .filter(pl.col("len") >= least)
    )
    if several.is_empty():
        return {}
    paid = mine.join(several.select("payment_id"), on="payment_id", how="semi")
    filed = ticks.accounts.select("account_id").join(paid, on="account_id", how="left", maintain_order="left")
    keys = hashed(filed["payment_id"])
    rows = np.flatnonzero(keys.is_not_null().to_numpy()[ticks.account])
    return {"payer": Shown(rows, keys.fill_null(0).to_numpy()[ticks.account[rows]])}


def told_until(ticks: Ticks, shown: dict[str, Shown], told: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """What was shown on the day that `until` lies in (`LAYOUT`); of days that have ended nothing is remembered."""
    parts = [told]
    for kind, of in shown.items():
        rows = pl.DataFrame(
            {
                "account_id": ticks.accounts["account_id"].gather(ticks.account[of.rows]),
                "kind": pl.Series([kind]).new_from_index(0, len(of.rows)),
                "key": of.keys,
                "day": moments(ticks.time[of.rows] // _DAY * _DAY),
            },
            schema=LAYOUT,
        )
        parts.append(rows.unique())
    return still_told(pl.concat(parts), until).sort("account_id", "kind", "key")


def still_told(told: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """What was shown on the day that `until` lies in (`LAYOUT`), in the order it has."""
    today = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return told if told.is_empty() else told.filter(pl.col("day") >= today)


def _of_calls(ticks: Ticks, filed: pl.Series, name: str) -> pl.Series:
    """What is known of each call's account."""
    logged = ticks.calls[name]
    if filed.null_count() == len(filed):
        return logged
    return pl.select(pl.coalesce(filed.gather(ticks.account), logged)).to_series()


def _bursts(hours: pl.Series, path: pl.Series) -> pl.Series:
    """One key an hour and path; null where either is not known."""
    known = hours.is_not_null() & path.is_not_null()
    if not known.any():
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(path))
    words = np.stack([hashed(path).fill_null(0).to_numpy(), hours.fill_null(0).to_numpy()], axis=1)
    return pl.Series(combine(words.view(np.uint64), _ODD).view(np.int64)).set(~known, None)


def _first_of_day(ticks: Ticks, keys: pl.Series, kind: str, told: pl.DataFrame) -> tuple[I64, I64]:
    """The calls in the first tick of the day with their key, and the keys; those told of earlier left out.

    Only cells in which the key of an account's calls changes can be such ticks, so that little has to be sorted.
    """
    known = keys.is_not_null().to_numpy()
    if not known.any():
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    values, day = keys.fill_null(0).to_numpy(), ticks.time // _DAY
    news = np.zeros(len(ticks.starts), dtype=np.bool_)
    news[ticks.cell[changes(ticks.account, day, values, known)]] = True
    rows = np.flatnonzero(news[ticks.cell] & known)
    of_day = starts_of(ticks.account, day)
    numbers = np.searchsorted(of_day, rows, side="right")  # of the account's day each call belongs to
    order = order_of(numbers, values[rows])  # of one key by time: rows are
    rows, numbers = rows[order], numbers[order]
    starts = starts_of(numbers, values[rows])
    first = np.repeat(ticks.cell[rows[starts]], np.diff(starts, append=len(rows)))
    rows = np.sort(rows[ticks.cell[rows] == first])
    if not told.is_empty():
        accounts = ticks.accounts["account_id"].gather(ticks.account[rows])
        carried = pl.DataFrame({"account_id": accounts, "key": values[rows], "day": moments(day[rows] * _DAY)})
        mine = told.filter(pl.col("kind") == kind)
        is_told = carried.join(
            mine.with_columns(is_told=True), on=["account_id", "key", "day"], how="left", maintain_order="left"
        )
        rows = rows[is_told["is_told"].is_null().to_numpy()]
    return rows, values[rows]
