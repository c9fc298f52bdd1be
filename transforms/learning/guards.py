"""Whom models must not learn from, and whom the reference may leave out (DESIGN invariant 7).

Models leave out every account that was flagged, linked, hit by a rule or judged a true positive, for `guard_days` after the
last time. The reference calibrates L1's score, so it leaves out accounts only for reasons that do not depend on that score:
rules, links, verdicts. Leaving out whom the score flagged would truncate it and raise the false-positive rate from day to day.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from schemas.policy import Policy
from schemas.snapshot import GUARD
from schemas.verdict import VERDICT

CLEARED = ("false_positive", "benign")
"""Verdicts that let an account back into the models, whatever flagged it."""


@dataclass(frozen=True)
class Marks:
    """Accounts of which something was found by the end of a day.

    Attributes:
        flagged: ids with an open finding.
        linked: ids that belong to a flagged campaign or share a hit.
        hit: ids for which a rule held on that day.
        verdicts: VERDICT rows; those that hold from a later border are ignored.
    """

    flagged: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    hit: frozenset[str] = frozenset()
    verdicts: pl.DataFrame = field(default_factory=VERDICT.empty)

    def judged(self, border: datetime) -> dict[str, str]:
        """The latest verdict of each account, as known at a border."""
        known = self.verdicts.filter(pl.col("holds_from") <= border).sort("account_id", "given_at")
        return dict(zip(known["account_id"], known["verdict"], strict=True))


def guards_after(previous: pl.DataFrame, day: datetime, marks: Marks, policy: Policy) -> pl.DataFrame:
    """GUARD rows as of the border after `day`: last marked at most `learning.guard_days` ago, and not cleared since.

    Args:
        previous: GUARD rows of the border before.
        day: start of the day.
        marks: what was found by its end.
        policy: learning.guard_days.
    """
    verdicts = marks.judged(day + timedelta(days=1))
    stolen = {account for account, verdict in verdicts.items() if verdict == "true_positive"}
    cleared = {account for account, verdict in verdicts.items() if verdict in CLEARED}
    since = dict(zip(previous["account_id"], previous["last_flagged"], strict=True))
    since |= dict.fromkeys(marks.flagged | marks.linked | marks.hit | stolen, day)
    oldest = day - timedelta(days=policy.learning.guard_days)
    kept = [(account, last) for account, last in since.items() if last > oldest and account not in cleared]
    return GUARD.conform(pl.DataFrame(kept, schema=GUARD.polars, orient="row"))


def left_out_of_reference(day: datetime, marks: Marks) -> frozenset[str]:
    """Ids whose day must not calibrate L1, for reasons that do not depend on L1's score."""
    verdicts = marks.judged(day + timedelta(days=1))
    return marks.linked | marks.hit | {account for account, verdict in verdicts.items() if verdict == "true_positive"}
