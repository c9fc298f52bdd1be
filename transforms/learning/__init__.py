"""Learning: at a day's border, from its windows, scores and findings to the snapshot that the next day is scored with.

`Seen` is what a day's rows come to, made part by part; `learn_parts` then takes the hours once more, part by part.
Models (ranks, trees, drifts, centres) never learn from accounts in the guards; the references leave accounts out only for reasons that do not depend on the score it calibrates.
"""

from transforms.learning.guards import Marks
from transforms.learning.hours_called import CALLED, hours_of, nights_after
from transforms.learning.learn import Hours, learn, learn_late, learn_parts, republish, unguarded
from transforms.learning.moves import NETWORK, SHOWN, moves_after, networks_of
from transforms.learning.seen import Seen

__all__ = [
    "CALLED",
    "NETWORK",
    "SHOWN",
    "Hours",
    "Marks",
    "Seen",
    "hours_of",
    "learn",
    "learn_late",
    "learn_parts",
    "moves_after",
    "networks_of",
    "nights_after",
    "republish",
    "unguarded",
]
