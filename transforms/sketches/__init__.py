"""Shared algorithms, none of our frames: words, mixed hashes, minhash; percentiles, half-space trees; frames as bytes."""

from transforms.sketches.alphabet import code_points
from transforms.sketches.forest import NEUTRAL, Forest, depth_first, from_rows
from transforms.sketches.minhash import SLOTS, minhash
from transforms.sketches.mix import combine, mix
from transforms.sketches.packing import pack, unpack
from transforms.sketches.percentile import at_least, at_most, middle_rank, position, quantiles
from transforms.sketches.words import PAD, Lines, Words, split, utf8

__all__ = [
    "NEUTRAL",
    "PAD",
    "SLOTS",
    "Forest",
    "Lines",
    "Words",
    "at_least",
    "at_most",
    "code_points",
    "combine",
    "depth_first",
    "from_rows",
    "middle_rank",
    "minhash",
    "mix",
    "pack",
    "position",
    "quantiles",
    "split",
    "unpack",
    "utf8",
]
