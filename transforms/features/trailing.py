"""Sums and counts over the 24 hours up to an hour's end, over rows sorted by series and hour.

Sums are differences of a running total of integers: exact whatever the chunks, and wrapping around cancels out.
"""

import numpy as np

from transforms.sketches.grouping import changes
from transforms.sketches.mix import I64

HOURS = 24
HOUR_US = 3_600_000_000
_SERIES = np.int64(2**32)
"""Hours since 1970 lie below it for half a million years."""


def places(series: I64, hours: I64) -> I64:
    """Series and hour as one number that sorts like the pair."""
    return series * _SERIES + hours


def first_within(series: I64, hours: I64, of: I64) -> I64:
    """The first row of the same series within the 24 hours up to the hour of each row in `of`.

    Args:
        series: ascending, from 0.
        hours: hours since 1970, ascending within a series.
        of: row numbers.
    """
    spots = places(series, hours)
    return np.asarray(np.searchsorted(spots, np.maximum(spots[of] - (HOURS - 1), series[of] * _SERIES)))


def sums(values: I64, first: I64, last: I64) -> I64:
    """Sums of the rows from `first` to `last`, both included."""
    total = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=total[1:])
    return np.asarray(total[last + 1] - total[first])


def smallest(values: I64, first: I64, last: I64) -> I64:
    """The smallest of the rows from `first` to `last`, both included."""
    if len(first) == 0:
        return np.empty(0, dtype=np.int64)
    padded = np.append(values, values[-1])
    return np.minimum.reduceat(padded, np.stack([first, last + 1], axis=1).reshape(-1))[::2]


def spread(hours: I64, first: I64, last: I64) -> tuple[I64, I64, I64]:
    """For each pair of a row and one of the rows up to 23 hours before it: which row, how long ago, the earlier row.

    Args:
        hours: hours since 1970 of all rows.
        first: first row within 24 hours of each row asked for.
        last: the row itself.
    """
    reach = last - first + 1
    asked = np.repeat(np.arange(len(last)), reach)
    begins = np.cumsum(reach) - reach
    rows = np.arange(reach.sum()) - np.repeat(begins - first, reach)
    return asked, np.repeat(hours[last], reach) - hours[rows], rows


def sums_by_hour(series: I64, hours: I64, values: I64, asked_series: I64, asked_hours: I64) -> I64:
    """For each series and hour asked for, the sum over its 24 hours; rows are in any order."""
    order = np.argsort(places(series, hours))
    spots = places(series, hours)[order]
    wanted = places(asked_series, asked_hours)
    last = np.searchsorted(spots, wanted, side="right") - 1
    first = np.searchsorted(spots, np.maximum(wanted - (HOURS - 1), asked_series * _SERIES))
    return sums(values[order], first, last)


def distinct(series: I64, keys: I64, hours: I64, asked_series: I64, asked_hours: I64) -> I64:
    """For each series and hour asked for, how many distinct keys were shown in its 24 hours.

    A key lives from the hour it is shown until 24 hours after it was shown last: one step up, one step down.

    Args:
        series: series of each row, from 0; rows are sorted by series, key and hour.
        keys: key of each row.
        hours: hours since 1970.
        asked_series: series asked for.
        asked_hours: hour asked for.
    """
    appears = changes(series, keys)
    appears[1:] |= np.diff(hours) >= HOURS
    vanishes = np.append(appears[1:], np.True_)[: len(appears)]
    ups = np.sort(places(series[appears], hours[appears]))
    downs = np.sort(places(series[vanishes], hours[vanishes] + HOURS))
    wanted, start = places(asked_series, asked_hours), asked_series * _SERIES
    up = np.searchsorted(ups, wanted, side="right") - np.searchsorted(ups, start)
    down = np.searchsorted(downs, wanted, side="right") - np.searchsorted(downs, start)
    return np.asarray(up - down)
