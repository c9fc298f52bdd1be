"""Shared sketch algorithms over text: words, mixed hashes, minhash; arrays in, arrays out, none of our frames."""

from transforms.sketches.alphabet import code_points
from transforms.sketches.minhash import SLOTS, minhash, slot_of
from transforms.sketches.mix import combine, mix
from transforms.sketches.words import PAD, Lines, Words, split, utf8

__all__ = ["PAD", "SLOTS", "Lines", "Words", "code_points", "combine", "minhash", "mix", "slot_of", "split", "utf8"]
