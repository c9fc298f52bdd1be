"""Passages as keyed fingerprints: the same in an answer, and in what somebody sends in of it later.

A passage is a line told by its first sixteen words, after a short label ("Answer: ..."). Of an answer, its opening counts: its first line of
so many words. What greets before it ("Sure, here it is:") is shorter. Of a prompt the lines at both ends count, in which an answer
that was pasted opens if it is there, and on its first line what follows the first sentences, as an instruction may stand before it.
Like template keys they are keyed sums of word hashes, versioned by `transforms.ingest.key.ALGORITHM`.
"""

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.ingest.key import FingerprintKey
from transforms.sketches import Words, combine, split
from transforms.sketches.grouping import order_of
from transforms.sketches.mix import I64, U64

LOOK = 16
"""Words of a passage: some ninety characters of English. Equal ones of two accounts are one text, public or copied, as a rule (decision 0185)."""

OPENING = 320
"""Characters of an answer in which its first line of so many words is looked for."""

LABEL = 24
"""Bytes from a line's start within which the last colon ends a label."""

AT_EACH_END = 2

SENTENCES = 4
"""Sentences of a prompt's first line behind each of which an answer may open: an instruction has one to three as a rule [J]."""

_NEWLINE, _COLON, _SPACE = 10, 58, 32
_BEYOND_ASCII = 0x80
_IS_STOP = np.isin(np.arange(256), [ord(mark) for mark in ".:?!"])
_WIDE_STOPS = tuple(mark.encode() for mark in "。：？！")
"""Behind these no space is put."""

_BLOCK_ROWS = 1600  # half a megabyte of openings: their words and hashes stay in the cache


def multipliers(key: FingerprintKey) -> U64:
    """What the words of a passage are summed with."""
    return key.multipliers("passages", LOOK + 1)


def opening_key(texts: pl.Series, key: FingerprintKey) -> pl.Series:
    """The passage that each answer opens with, as a keyed fingerprint.

    Args:
        texts: String; null stays null.
        key: the deployment's key.

    Returns:
        Int64, named as `texts`; null where no line that begins in the first 320 characters has sixteen words in them. About 2 us a text.
    """
    blocks = [
        _opening_keys(texts.slice(start, _BLOCK_ROWS), key) for start in range(0, max(len(texts), 1), _BLOCK_ROWS)
    ]
    return pl.concat(blocks, rechunk=True).alias(texts.name)


def _opening_keys(texts: pl.Series, key: FingerprintKey) -> pl.Series:
    words = split(texts.str.head(OPENING), key.multipliers("words", 4))
    is_cut = (texts.str.len_chars() > OPENING).fill_null(value=False).to_numpy()
    segment, first = _telling(words, is_cut, np.zeros(len(texts), dtype=np.bool_))
    is_first = np.diff(segment, prepend=-1) > 0
    rows = segment[is_first]
    found, is_null = np.zeros(len(texts), dtype=np.int64), np.ones(len(texts), dtype=np.bool_)
    found[rows] = _keys(words, first[is_first], multipliers(key))
    is_null[rows] = False
    return pl.Series(pl.from_arrow(pa.array(found, mask=is_null)))


def passage_keys(words: Words, groups: I64, tails: I64, key: FingerprintKey) -> tuple[I64, I64]:
    """Offsets and keys of the passages of each prompt: of its first two telling lines and its last two, and behind the first line's first sentences.

    Args:
        words: those of the windows in which prompts are read.
        groups: the row that each window (a segment of `words`) is of.
        tails: the last window of each row; its first one is the segment of the row's own number.
        key: the deployment's key.
    """
    rows = len(tails)
    has_tail = tails != np.arange(rows)
    is_cut = np.concatenate([has_tail, np.zeros(len(groups) - rows, dtype=np.bool_)])
    segment, first = _telling(words, is_cut, np.arange(len(groups)) >= rows)
    group = groups[segment]
    order = np.argsort(group, kind="stable")
    group, first = group[order], first[order]
    from_start = np.arange(len(group)) - np.searchsorted(group, group)
    from_end = np.searchsorted(group, group, side="right") - 1 - np.arange(len(group))
    chosen = np.flatnonzero((from_start < AT_EACH_END) | (from_end < AT_EACH_END))
    led_group, led = _led(words, is_cut[:rows])
    group, first = np.concatenate([group[chosen], led_group]), np.concatenate([first[chosen], led])
    order = order_of(group, first)
    keys, group = _keys(words, first[order], multipliers(key)), group[order]
    fresh = np.ones(len(keys), dtype=np.bool_)
    for back in range(1, 2 * AT_EACH_END + SENTENCES):
        fresh[back:] &= (keys[back:] != keys[:-back]) | (group[back:] != group[:-back])
    offsets = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(group[fresh], minlength=rows), out=offsets[1:])
    return offsets, keys[fresh]


def _keys(words: Words, first: I64, multipliers: U64) -> I64:
    return combine(words.hashes[first[:, None] + np.arange(LOOK)], multipliers).view(np.int64)


def _led(words: Words, is_cut: np.ndarray) -> tuple[I64, I64]:
    """Sixteen words or more behind the first sentences of each prompt's first line: the prompt, ascending, and the first of the words.

    Args:
        words: the words of all windows; a prompt's first one is the segment of its number.
        is_cut: whether that one's last word may be a part of one.
    """
    text, bounds, starts, rows = words.text, words.bounds, words.starts, len(is_cut)
    head = text[: bounds[rows]]
    spaces = np.flatnonzero(head[1:] == _SPACE)
    stops = spaces[_IS_STOP[head[spaces]]]
    wide = [_ends_of(head, mark) for mark in _WIDE_STOPS] if len(head) and head.max() >= _BEYOND_ASCII else []
    stops = np.sort(np.concatenate([stops, *wide]))
    newlines = np.append(np.flatnonzero(head == _NEWLINE), len(head))
    ends = np.minimum(newlines[np.searchsorted(newlines, bounds[:rows])], bounds[1 : rows + 1])
    segment = np.searchsorted(bounds[: rows + 1], stops, side="right") - 1
    rank = np.arange(len(segment)) - np.searchsorted(segment, segment)
    early = np.flatnonzero((rank < SENTENCES) & (stops < ends[segment]))
    segment, stops = segment[early], stops[early]
    first, last = np.searchsorted(starts, stops), np.searchsorted(starts, ends[segment])
    last -= is_cut[segment] & (ends[segment] == bounds[segment + 1])
    telling = np.flatnonzero(last - first >= LOOK)
    return segment[telling], first[telling]


def _ends_of(text: np.ndarray, mark: bytes) -> I64:
    """Where a character of three bytes ends."""
    one, two, three = mark
    return np.flatnonzero((text[:-2] == one) & (text[1:-1] == two) & (text[2:] == three)) + 2


def _telling(words: Words, is_cut: np.ndarray, is_tail: np.ndarray) -> tuple[I64, I64]:
    """Lines of sixteen words or more after their label: the segment of each, ascending, and its first word.

    Args:
        words: the words of all segments.
        is_cut: whether a segment's last word may be a part of one.
        is_tail: whether a segment's first line may be a part of one.
    """
    text, bounds, starts = words.text, words.bounds, words.starts
    newlines = np.flatnonzero(text == _NEWLINE)
    whole = np.flatnonzero(~is_tail)
    begins = np.concatenate([bounds[whole], newlines + 1])
    segment = np.concatenate([whole, np.searchsorted(bounds, newlines, side="right") - 1])
    order = np.lexsort((begins, segment))
    begins, segment = begins[order], segment[order]
    ends = bounds[segment + 1]
    follows = np.flatnonzero(segment[1:] == segment[:-1])
    ends[follows] = begins[follows + 1]
    colons = np.flatnonzero(text == _COLON)
    if len(colons):
        limit = np.minimum(begins + LABEL, ends)
        colon = colons[np.maximum(np.searchsorted(colons, limit) - 1, 0)]
        begins = np.where(colon < limit, np.maximum(colon, begins), begins)
    first, last = np.searchsorted(starts, begins), np.searchsorted(starts, ends)
    is_last = np.append(segment[1:] != segment[:-1], np.True_)[: len(segment)]
    last -= is_cut[segment] & is_last
    telling = np.flatnonzero(last - first >= LOOK)
    return segment[telling], first[telling]
