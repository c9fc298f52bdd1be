"""Rows brought together by pairs of integers: a group and a 64-bit key within it."""

import numpy as np
import numpy.typing as npt

from transforms.sketches.mix import I64

_SIGN = np.uint64(2**63)


def order_of(groups: I64, keys: I64) -> I64:
    """Row numbers that sort by (group, key, row number).

    Group and key are packed into one 64-bit word and sorted at once: 20-40 ns a row where numpy has AVX, against 150-200
    of `np.lexsort`. Where the word is too short it holds the key's upper bits; the few rows that then look equal and are
    not are sorted once more.

    Args:
        groups: not negative, Int64.
        keys: any, Int64. At most 2**32 of them.

    >>> order_of(np.array([1, 0, 0, 0]), np.array([5, 7, -2, 7])).tolist()
    [2, 1, 3, 0]
    """
    if len(keys) == 0:
        return np.empty(0, dtype=np.int64)
    low, high = int(keys.min()), int(keys.max())
    room = 64 - int(groups.max()).bit_length()
    needed = (high - low).bit_length()
    lost = np.uint64(max(needed - room, 0))
    words = (keys - low).view(np.uint64) if needed < 64 else keys.view(np.uint64) ^ _SIGN
    if lost:
        words = words >> lost
    if room < 64:
        words |= groups.view(np.uint64) << np.uint64(min(needed, room))
    order = np.argsort(words)
    words = words[order]
    twins = np.flatnonzero(words[1:] == words[:-1])
    if len(twins) == 0:
        return order
    if lost and np.any(keys[order[twins]] != keys[order[twins + 1]]):
        return _exact(order, words, keys)
    return _by_row(order, words)


def starts_of(*sorted_columns: I64) -> I64:
    """Row numbers at which a run of equal rows begins."""
    return np.flatnonzero(changes(*sorted_columns))


def changes(*sorted_columns: I64) -> npt.NDArray[np.bool_]:
    """Whether a row differs from the one before it; the first does."""
    out = np.ones(len(sorted_columns[0]), dtype=np.bool_)
    if len(out):
        out[1:] = sorted_columns[0][1:] != sorted_columns[0][:-1]
        for column in sorted_columns[1:]:
            out[1:] |= column[1:] != column[:-1]
    return out


def lengths_of(starts: I64, rows: int) -> I64:
    """Lengths of the runs that begin at `starts`."""
    return np.diff(starts, append=rows)


def ranks_of(starts: I64, rows: int) -> I64:
    """Place of each row within its run, from 0."""
    return np.arange(rows, dtype=np.int64) - np.repeat(starts, lengths_of(starts, rows))


def _by_row(order: I64, words: npt.NDArray[np.uint64]) -> I64:
    """Ascending row numbers within runs of equal words."""
    run = np.cumsum(changes(words.view(np.int64)), dtype=np.uint64)
    run <<= np.uint64(32)
    run |= order.view(np.uint64)
    run.sort()
    run &= np.uint64(0xFFFF_FFFF)
    return run.view(np.int64)


def _exact(order: I64, words: npt.NDArray[np.uint64], keys: I64) -> I64:
    """Rows whose words are equal though their keys need not be, by key and row number."""
    starts = starts_of(words.view(np.int64))
    runs = np.repeat(np.arange(len(starts)), lengths_of(starts, len(order)))
    sorted_within = np.lexsort((order, keys[order], runs))
    return order[sorted_within]
