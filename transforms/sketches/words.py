"""Texts as hashed words and lines, read straight from the Arrow string buffer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.sketches.alphabet import ASCII_FOLD, read_beyond_ascii
from transforms.sketches.mix import I64, U64, mix

_NEWLINE = 10
PAD = 8
"""Zero bytes before and after the text in `utf8`."""


@dataclass(frozen=True)
class Lines:
    """The lines of those segments that hold a newline; a segment without one has no entry.

    Attributes:
        segment: the segment of each line, ascending.
        first: index of the line's first word.
        words: how many words it has, 0 for a blank line.
    """

    segment: I64
    first: I64
    words: I64


@dataclass(frozen=True)
class Words:
    """The words of a column of texts.

    Attributes:
        hashes: one keyed hash a word, in the order of the texts.
        offsets: segment s (one value of the column) has the words hashes[offsets[s]:offsets[s + 1]].
        lines: the lines of multi-line segments.
        text: the bytes of all segments.
        bounds: segment s is text[bounds[s]:bounds[s + 1]].
        starts: where in `text` each word starts.
    """

    hashes: U64
    offsets: I64
    lines: Lines
    text: npt.NDArray[np.uint8]
    bounds: I64
    starts: I64


def split(texts: pl.Series, multipliers: U64) -> Words:
    """The words of each text, hashed.

    A word is a run of letters. ASCII letters are folded to lower case; ASCII punctuation, white space, controls and
    digits separate words, so that numbers never break a template. What lies beyond ASCII is ruled by
    `transforms.sketches.alphabet`: letters stay as they are, punctuation and digits separate, and each character of a
    script written without spaces is a word of its own. A word's hash covers its first eight bytes, its last eight bytes
    and its length, so words longer than sixteen bytes may agree without being equal.

    A text's result depends on nothing but the text and the multipliers.

    Args:
        texts: String column; null is read as an empty text.
        multipliers: four odd values: the seed, then one each for the word's beginning, end and length.
    """
    data, bounds = utf8(texts)
    size = len(data) - 2 * PAD
    folded = np.frombuffer(data.tobytes().translate(ASCII_FOLD), dtype=np.uint8)
    breaks = np.zeros(size + 1, dtype=np.bool_)
    breaks[bounds] = True
    if size and int(data.max()) >= 0x80:
        folded = read_beyond_ascii(data, folded, breaks, PAD)
    is_letter = folded[PAD - 1 : PAD + size + 1] != 0
    edges = is_letter[1:] != is_letter[:-1]
    edges |= breaks
    starts = np.flatnonzero(edges & is_letter[1:])
    ends = np.flatnonzero(edges & is_letter[:-1])
    offsets = np.searchsorted(starts, bounds)
    return Words(
        hashes=_hashes(folded, starts, ends, multipliers),
        offsets=offsets,
        lines=_lines(data[PAD : PAD + size], bounds, starts, offsets),
        text=data[PAD : PAD + size],
        bounds=bounds,
        starts=starts,
    )


def utf8(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], I64]:
    """The UTF-8 bytes of all texts, eight zeros before and after, and where each text starts and ends."""
    array = texts.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, values = array.buffers()
    bounds = np.frombuffer(offsets, dtype="<i8")[array.offset : array.offset + len(array) + 1].astype(np.int64)
    if not len(bounds):
        bounds = np.zeros(1, dtype=np.int64)
    start, end = int(bounds[0]), int(bounds[-1])
    data = np.zeros(end - start + 2 * PAD, dtype=np.uint8)
    if end > start:
        data[PAD:-PAD] = np.frombuffer(values, dtype=np.uint8)[start:end]
    return data, bounds - start


def _hashes(folded: npt.NDArray[np.uint8], starts: I64, ends: I64, multipliers: U64) -> U64:
    """A keyed hash a word from two unaligned eight-byte loads, the padding shifted out of words shorter than that."""
    eight = np.ndarray((len(folded) - 7,), dtype="<u8", buffer=folded, strides=(1,))
    lengths = ends - starts
    surplus = ((8 - np.minimum(lengths, 8)) * 8).astype(np.uint64)
    head = eight[starts + PAD] << surplus
    tail = eight[ends] >> surplus  # ends + PAD - 8
    head ^= head >> np.uint64(29)
    total = head * multipliers[1]
    total += tail * multipliers[2]
    total += lengths.astype(np.uint64) * multipliers[3]
    total += multipliers[0]
    return mix(total)


def _lines(data: npt.NDArray[np.uint8], bounds: I64, starts: I64, offsets: I64) -> Lines:
    newlines = np.flatnonzero(data == _NEWLINE)
    segments = np.repeat(np.arange(len(bounds) - 1), np.diff(np.searchsorted(newlines, bounds)))
    several = np.unique(segments)
    begins = np.concatenate([newlines + 1, bounds[several]])
    order = np.argsort(begins, kind="stable")  # an empty last line comes before the next text's first
    segment = np.concatenate([segments, several])[order]
    first = np.searchsorted(starts, begins[order])
    end = offsets[segment + 1]
    follows = segment[1:] == segment[:-1]
    end[:-1][follows] = first[1:][follows]
    return Lines(segment=segment, first=first, words=end - first)
