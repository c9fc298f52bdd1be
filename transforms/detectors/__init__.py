"""Detectors: deterministic rules at every tick and shapes of a harvest at every hour (L0) and the score of account windows (L1), one file each, with its card.

`rules.step`, `shapes.step` and `replays.step` give HIT rows (`givers.step` says whom else redeemed handles speak against), `score` gives SCORED rows, `cards` all cards by id.
"""

from transforms.detectors import givers, replays, rules, shapes
from transforms.detectors.activity import RulesState
from transforms.detectors.givers import GiverState
from transforms.detectors.registry import cards
from transforms.detectors.replays import ReplayState
from transforms.detectors.scoring import score

__all__ = ["GiverState", "ReplayState", "RulesState", "cards", "givers", "replays", "rules", "score", "shapes"]
