"""One thing that is wrong."""

from dataclasses import dataclass
from typing import Self

from schemas.errors import StillwatchError

SEVERITIES = ("error", "warning")
"""error: rows or states are lost, wrong or unreadable; warning: nothing is lost, but it wants mending."""


@dataclass(frozen=True)
class Symptom:
    """What one check found.

    Attributes:
        severity: one of SEVERITIES.
        where: table, file, source or day.
        problem: what is wrong, as one clause.
        mend: the command, or the instruction, that mends it.
    """

    severity: str
    where: str
    problem: str
    mend: str

    @classmethod
    def of(cls, error: StillwatchError) -> Self:
        """What an error of ours says, as a symptom."""
        return cls("error", error.where, error.problem, error.fix)
