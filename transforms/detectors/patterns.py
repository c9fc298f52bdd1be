"""Which kind of extraction a window's evidence has the shape of.

Rare is not stolen. A pattern asks that the families an extraction cannot avoid stand out themselves, each by
`evidence.core_decades`, in what the shipped priors and the peers both support:

- distillation: two of these: one template around payloads that never repeat; long answers; elicited reasoning or grading.
  An instruction in the system prompt leaves no template in the prompts. Evaluations repeat their prompts, batch jobs
  answer in a few tokens: neither has two (threats.md 1.2);
- reverse engineering: log-probabilities, biased tokens, or a search through refusals;
- bulk download: objects fetched in a breadth or order that few accounts show;
- relay: many languages behind an account that names no users of its own (a gateway forwards their ids).
"""

import numpy as np
import numpy.typing as npt

from schemas.feature import FAMILIES
from schemas.policy import Policy

F64 = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

HARVEST = ("structure", "tokens", "elicitation", "rhythm", "volume", "account")
"""Families in which a harvest shows; the sum over them decides while no reference is large enough."""

COUNTS_FROM = 0.5
"""Decades from which a family is counted as one that points the same way: rarer than one account in three."""

_NAMED_USERS = 1.0


def harvest(points: F64) -> tuple[F64, npt.NDArray[np.int32]]:
    """Sum of prior points over the families of a harvest, and how many of them point that way."""
    total, families = np.zeros(len(points)), np.zeros(len(points), dtype=np.int32)
    for name in HARVEST:
        column = points[:, FAMILIES.index(name)]
        total, families = total + column, families + (column >= COUNTS_FROM)
    return total, families


def patterns(points: F64, end_users: F64, policy: Policy) -> Texts:
    """Kind (schemas.finding.KINDS) of each window, None where no pattern holds; of several the one with most points.

    Args:
        points: prior points, one column a family of FAMILIES.
        end_users: end users named in 24 hours, NaN where the source names none.
        policy: evidence.core_decades.
    """
    core = policy.evidence.core_decades
    of = {name: points[:, place] for place, name in enumerate(FAMILIES)}
    harvested = np.sort(np.stack([of["structure"], of["tokens"], of["elicitation"]]), axis=0)
    hides_users = np.isnan(end_users) | (end_users <= _NAMED_USERS)
    strengths = {
        "distillation": np.where(harvested[1] >= core, harvested[1] + harvested[2], 0.0),
        "reverse_engineering": _from(core, np.maximum(of["parameters"], of["outcome"])),
        "bulk_download": _from(core, of["download"]),
        "relay": np.where(hides_users, _from(core, of["diversity"]), 0.0),
    }
    kinds = np.array([None, *strengths], dtype=object)
    table = np.stack([np.zeros(len(points)), *strengths.values()])
    return np.asarray(kinds[table.argmax(axis=0)])


def _from(core: float, points: F64) -> F64:
    return np.asarray(np.where(points >= core, points, 0.0))
