"""Worlds with known truth: what an AI API's log looks like while honest people, look-alikes and thieves use it.

A world is made of activities (activity.py): rows of parameters that say when an account calls, what it asks and what it
carries. Populations (benign.py, lookalikes.py, teams.py, harvests.py, probes.py, pools.py) say how these vary among accounts; everything after
that is one way for all, so a new kind of thief is a new row of draws. Nothing here reads a detector, and no detector
reads anything here.
"""

from transforms.simulate.activity import Population
from transforms.simulate.canonical import canonical_frame, canonical_lines
from transforms.simulate.litellm import litellm_lines
from transforms.simulate.options import PRESETS, Options, preset
from transforms.simulate.pools import Pool
from transforms.simulate.record import RECORD
from transforms.simulate.world import World, simulate, within

__all__ = [
    "PRESETS",
    "RECORD",
    "Options",
    "Pool",
    "Population",
    "World",
    "canonical_frame",
    "canonical_lines",
    "litellm_lines",
    "preset",
    "simulate",
    "within",
]
