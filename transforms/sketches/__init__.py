"""Shared sketch algorithms over text: words, mixed hashes, minhash; arrays in, arrays out, none of our frames."""

from transforms.sketches.minhash import SLOTS, minhash, slot_of
from transforms.sketches.mix import combine, mix
from transforms.sketches.words import Lines, Words, split

__all__ = ["SLOTS", "Lines", "Words", "combine", "minhash", "mix", "slot_of", "split"]
