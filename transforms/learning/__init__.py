"""Learning: at a day's border, from its windows, scores and findings to the snapshot that the next day is scored with.

`learn` does all of it in one process; `plan`, `learn_group`, `drifts_after` and `assemble` are its parts, for hosts that
spread peer groups over workers. Models (ranks, trees, drifts) never learn from accounts in the guards; the reference leaves
accounts out only for reasons that do not depend on the score it calibrates.
"""

from transforms.learning.drifts import drifts_after
from transforms.learning.group import GroupModel, learn_group
from transforms.learning.guards import Marks
from transforms.learning.learn import Plan, Work, assemble, learn, learn_late, plan, republish, unguarded

__all__ = [
    "GroupModel",
    "Marks",
    "Plan",
    "Work",
    "assemble",
    "drifts_after",
    "learn",
    "learn_group",
    "learn_late",
    "plan",
    "republish",
    "unguarded",
]
