"""One-permutation minhash of three-word shingles: sixteen small samples of a text that survive edits elsewhere in it."""

import numpy as np

from transforms.sketches.mix import I64, U64, mix
from transforms.sketches.words import Words

SLOTS = 16
SHINGLE_WORDS = 3
_SLOT_SHIFT = np.uint64(60)
_EMPTY = np.uint64(2**64 - 1)


def minhash(words: Words, groups: I64, count: int, multipliers: U64) -> tuple[I64, I64]:
    """The smallest shingle hash in each of sixteen slots, for each group of segments.

    One hash serves all slots: a shingle falls into the slot that its top four bits name (Li, Owen, Zhang 2012). Two
    texts share a slot's key with a chance equal to the Jaccard similarity of their shingles, so a fixed instruction
    inside a varying payload keeps about its share of the slots. Shingles never reach over two segments.

    Args:
        words: the split texts.
        groups: group of each segment, from 0; a text read in two windows is one group of two segments.
        count: number of groups.
        multipliers: four odd values: the seed, then one a word of the shingle.

    Returns:
        offsets, shape (count + 1,), and keys: group g has keys[offsets[g]:offsets[g + 1]], at most sixteen, in the order of
        their slots, empty slots left out. A key is the shingle's hash as a signed integer; its top four bits are its slot.
    """
    smallest = np.full(count * SLOTS, _EMPTY, dtype=np.uint64)
    hashes = words.hashes
    if len(hashes) >= SHINGLE_WORDS:
        segments = np.repeat(np.arange(len(groups)), np.diff(words.offsets))
        whole = segments[:-2] == segments[2:]
        shingles = hashes[:-2] * multipliers[1]
        shingles += hashes[1:-1] * multipliers[2]
        shingles += hashes[2:] * multipliers[3]
        shingles += multipliers[0]
        shingles = mix(shingles)[whole]
        cells = groups[segments[:-2][whole]] * SLOTS + (shingles >> _SLOT_SHIFT).astype(np.int64)
        np.minimum.at(smallest, cells, shingles)
    filled = smallest != _EMPTY
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(filled.reshape(count, SLOTS).sum(axis=1), out=offsets[1:])
    return offsets, smallest[filled].view(np.int64)
