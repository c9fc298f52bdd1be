"""Times as sources write them, as microseconds since 1970."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Moment = datetime | int | float | None
"""A time as decoded: a datetime (without zone: UTC), or a count since 1970 whose size tells its unit."""

SECONDS_BELOW = 1e11
MILLISECONDS_BELOW = 1e14
"""Counts below 1e11 are seconds (until the year 5138), below 1e14 milliseconds (from 1973), else microseconds (from 1973).

Decided for each value by itself: within the years a policy can allow, no count is possible in two units.
"""

BEYOND = 2**62
"""Stands for any time too far from 1970 for 64 bits; outside every policy."""


def microseconds(values: Sequence[Moment]) -> pl.Series:
    """The times as Int64 microseconds since 1970, rounded to the nearest; null stays null.

    >>> microseconds([1767225601.25, 1767225601250, 1767225601250000, None]).to_list()
    [1767225601250000, 1767225601250000, 1767225601250000, None]
    """
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if kinds <= {int, float}:
        return _series(_scaled(np.array(values, dtype=np.float64)), values)
    if kinds == {datetime}:
        seconds = [None if value is None else _seconds(value) for value in values]  # type: ignore[arg-type]
        return _series(np.array(seconds, dtype=np.float64) * 1e6, values)
    single = [_one(value) for value in values]
    return _series(np.array(single, dtype=np.float64), values)


def counted(values: pl.Series) -> pl.Series:
    """Counts since 1970 (Int64) as `microseconds` reads them; null stays null."""
    return _series(_scaled(values.cast(pl.Float64).to_numpy()), values).alias(values.name)


def rfc3339(texts: pl.Series) -> pl.Series:
    """Times written `2026-03-02T12:30:00`, with up to six decimals and `Z` or an offset, as Int64 microseconds since 1970.

    Null where a text is written otherwise or says a date or time that does not exist; other spellings of RFC 3339 and years outside 1970-2199 are null as
    well: they have to be read one by one.
    """
    column = texts.to_arrow().cast(pa.large_binary())
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    moments = np.full(len(texts), -1, dtype=np.int64)
    for length in np.flatnonzero(np.bincount(lengths, minlength=1)).tolist():
        if _SHORTEST <= length <= _LONGEST:
            rows = np.flatnonzero(lengths == length)
            moments[rows] = _of_one_length(data[offsets[rows][:, None] + np.arange(length)])
    return pl.Series(texts.name, moments).set(pl.Series(moments < 0), None)


_SHORTEST, _LONGEST = len("2026-03-02T12:30:00Z"), len("2026-03-02T12:30:00.123456+00:00")
_DATE_AND_TIME = b"0000-00-00T00:00:00"
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_FIRST_YEAR, _LAST_YEAR = 1970, 2199


def _of_one_length(texts: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 of texts of one length, shape (texts, length); -1 for what is written otherwise."""
    length = texts.shape[1]
    digits = texts - np.uint8(ord("0"))  # what is no digit wraps beyond 9
    good = np.ones(len(texts), dtype=bool)
    places = [place for place, sign in enumerate(_DATE_AND_TIME) if sign == ord("0")]
    for place, sign in enumerate(_DATE_AND_TIME):
        if sign != ord("0"):
            good &= texts[:, place] == sign

    def number(*at: int) -> npt.NDArray[np.int64]:
        total = np.zeros(len(texts), dtype=np.int64)
        for place in at:
            total = total * 10 + digits[:, place]
        return total

    is_utc = texts[:, -1] == ord("Z")
    good &= is_utc == is_utc[0]
    zone = 1 if is_utc[0] else len("+00:00")
    decimals = length - len(_DATE_AND_TIME) - zone
    if decimals == 1 or not 0 <= decimals <= len(".123456"):
        return np.full(len(texts), -1, dtype=np.int64)
    fraction = list(range(len(_DATE_AND_TIME) + 1, len(_DATE_AND_TIME) + decimals))
    if decimals:
        good &= texts[:, len(_DATE_AND_TIME)] == ord(".")
    shift = np.zeros(len(texts), dtype=np.int64)
    if zone > 1:
        at = length - zone
        east = texts[:, at]
        hours, minutes = number(at + 1, at + 2), number(at + 4, at + 5)
        good &= ((east == ord("+")) | (east == ord("-"))) & (texts[:, at + 3] == ord(":"))
        good &= (hours <= 23) & (minutes <= 59)
        shift = np.where(east == ord("-"), -1, 1) * (hours * 60 + minutes) * 60
        places += [at + 1, at + 2, at + 4, at + 5]
    good &= (digits[:, places + fraction] <= 9).all(axis=1)
    year, month, day = number(0, 1, 2, 3), number(5, 6), number(8, 9)
    hour, minute, second = number(11, 12), number(14, 15), number(17, 18)
    good &= (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12)
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    good &= (day >= 1) & (day <= _DAYS[np.where(good, month, 1)] + (is_leap & (month == 2)))
    good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    seconds = _days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - shift
    parts = number(*fraction) * 10 ** (6 - len(fraction))
    return np.where(good & (seconds >= 0), seconds * 1_000_000 + parts, -1)


def _days_since_1970(
    year: npt.NDArray[np.int64], month: npt.NDArray[np.int64], day: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Days of the Gregorian calendar; a year is counted from March, so that the leap day is its last."""
    years = year - (month <= 2)
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return np.asarray(years * 365 + years // 4 - years // 100 + years // 400 + of_year - 719_468)


def is_possible(column: str, earliest: datetime, latest: datetime) -> pl.Expr:
    """Whether a column of microseconds lies in [earliest, latest)."""
    low, high = (int(edge.timestamp()) * 1_000_000 for edge in (earliest, latest))
    return pl.col(column).is_between(low, high, closed="left")


def _one(value: Moment) -> float | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return _seconds(value) * 1e6
    return float(_scaled(np.array([value], dtype=np.float64))[0])


def _seconds(value: datetime) -> float:
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()


def _scaled(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    size = np.abs(counts)
    return counts * np.where(size < SECONDS_BELOW, 1e6, np.where(size < MILLISECONDS_BELOW, 1e3, 1.0))


def _series(counts: npt.NDArray[np.float64], values: Sequence[Moment] | pl.Series) -> pl.Series:
    missing = np.isnan(counts)
    whole = np.rint(np.clip(np.where(missing, 0.0, counts), -BEYOND, BEYOND)).astype(np.int64)
    series = pl.Series(whole, dtype=pl.Int64)
    return series.set(pl.Series(missing), None) if len(values) and missing.any() else series
