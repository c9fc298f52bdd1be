"""What a bottom-k sample of keys says of all keys shown in 24 hours.

A tick keeps the k smallest keys, an hour the k smallest of its ticks'. Up to the largest key of an hour that is full,
nothing is missing from it: of the 24 hours up to a window's end, every key up to the smallest such *limit* is there with
all its calls. Keys are hashes spread evenly over 2^64, so they are a fair sample of all, and d of them up to a limit that
covers a share u of the hashes are (d - 1) / u in all (Bar-Yossef et al., "Counting distinct elements in a data stream",
2002). Where no hour is full, everything is exact.
"""

from dataclasses import dataclass

import numpy as np

from transforms.features.hours import Hours
from transforms.features.keys import Keys
from transforms.features.trailing import distinct, places, smallest, sums_by_hour
from transforms.sketches.grouping import changes, lengths_of, order_of, starts_of
from transforms.sketches.mix import I64

_EVERYTHING = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Sample:
    """The keys of a window's 24 hours up to its limit.

    Attributes:
        keys: distinct keys.
        calls: calls that showed them.
        refused: distinct keys that were refused at least once.
        all_keys: distinct keys there were in all, estimated where some hour was full.
        all_refused: the same of refused ones.
    """

    keys: I64
    calls: I64
    refused: I64
    all_keys: I64
    all_refused: I64


def sampled(keys: Keys, hours: Hours) -> Sample:
    """The sample of each window's 24 hours, for a kind of which the smallest keys are kept."""
    limit = _limits(keys, hours)
    series, rows = _up_to(keys, hours.account, limit)
    asked = np.cumsum(changes(hours.account, limit)) - 1 if len(limit) else limit
    account, key, hour = series, keys.key[rows], keys.hour[rows]
    found = distinct(account, key, hour, asked, hours.hour)
    shown = np.flatnonzero(keys.refused[rows] > 0)
    refused = distinct(account[shown], key[shown], hour[shown], asked, hours.hour)
    calls = sums_by_hour(account, hour, keys.count[rows], asked, hours.hour)
    return Sample(found, calls, refused, _scaled(found, limit), _scaled(refused, limit))


def _limits(keys: Keys, hours: Hours) -> I64:
    """The largest key up to which nothing is missing from any of a window's 24 hours."""
    limits = np.full(len(hours.hour), _EVERYTHING)
    if lengths_of(starts_of(keys.account), len(keys.account)).max(initial=0) < keys.kind.per_tick:
        return limits
    by_hour = order_of(keys.account, keys.hour)  # of one hour by key: rows are
    account, hour, key = keys.account[by_hour], keys.hour[by_hour], keys.key[by_hour]
    starts = starts_of(account, hour)
    sizes = lengths_of(starts, len(key))
    largest = np.where(sizes >= keys.kind.per_tick, key[starts + sizes - 1], _EVERYTHING)
    spots = places(account[starts], hour[starts])
    wanted = places(hours.account, hours.hour)
    last = np.searchsorted(spots, wanted, side="right") - 1
    first = np.searchsorted(spots, np.maximum(wanted - 23, places(hours.account, np.zeros_like(hours.hour))))
    some = np.flatnonzero(last >= first)
    limits[some] = smallest(largest, first[some], last[some])
    return limits


def _up_to(keys: Keys, account: I64, limit: I64) -> tuple[I64, I64]:
    """For each run of windows of one account and limit, numbered from 0: the run, and the rows of keys up to the limit."""
    runs = starts_of(account, limit)
    begin = np.searchsorted(keys.account, account[runs])
    low, high = begin, np.searchsorted(keys.account, account[runs], side="right")
    while np.any(low < high):  # one binary search a run, all at once
        middle = (low + high) // 2
        searching = low < high
        inside = keys.key[np.minimum(middle, len(keys.key) - 1)] <= limit[runs]
        low, high = np.where(searching & inside, middle + 1, low), np.where(searching & ~inside, middle, high)
    reach = low - begin
    within = np.arange(reach.sum()) - np.repeat(np.cumsum(reach) - reach, reach)
    return np.repeat(np.arange(len(runs)), reach), np.repeat(begin, reach) + within


def _scaled(found: I64, limit: I64) -> I64:
    covered = (limit.astype(np.float64) + 2.0**63 + 1.0) / 2.0**64
    estimate = np.floor(np.minimum((found - 1) / covered, 2.0**40)).astype(np.int64)
    return np.where(limit == _EVERYTHING, found, np.maximum(found, estimate))
