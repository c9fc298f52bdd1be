"""Whom models must not learn from, and whom the reference may leave out (DESIGN invariant 7).

Models leave out every account that was flagged, linked, hit by a rule or judged a true positive, for `guard_days` after the
last time. The reference calibrates L1's score, so it leaves out accounts only for reasons that do not depend on that score:
rules, links, verdicts. Leaving out whom the score flagged would truncate it and raise the false-positive rate from day to day.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from schemas.finding import FINDING
from schemas.policy import Policy
from schemas.snapshot import GUARD
from schemas.verdict import VERDICT

CLEARED = ("false_positive", "benign")
"""Verdicts that let an account back into the models, whatever flagged it."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Marks:
    """What is known of accounts besides their scores.

    Attributes:
        findings: FINDING revisions; those made after the day's end are ignored.
        verdicts: VERDICT rows; those that hold from a later border are ignored.
    """

    findings: pl.DataFrame = field(default_factory=FINDING.empty)
    verdicts: pl.DataFrame = field(default_factory=VERDICT.empty)

    def judged(self, day: datetime) -> dict[str, str]:
        """The latest verdict of each account, as it holds from the border after a day."""
        known = self.verdicts.filter(pl.col("holds_from") <= day + _DAY).sort("account_id", "given_at")
        return dict(zip(known["account_id"], known["verdict"], strict=True))

    def latest(self, day: datetime) -> pl.DataFrame:
        """The last revision of each finding made by a day's end."""
        known = self.findings.filter(pl.col("tick") < day + _DAY).sort("finding_uid", "revision")
        return known.unique("finding_uid", keep="last", maintain_order=True)


def ruled(scores: pl.DataFrame) -> frozenset[str]:
    """Ids for which a rule held in an hour of the SCORE rows."""
    return frozenset(scores.filter(pl.col("l0_score") > 0)["account_id"])


def guards_after(
    previous: pl.DataFrame, day: datetime, marks: Marks, hit: frozenset[str], policy: Policy
) -> pl.DataFrame:
    """GUARD rows as of the border after `day`: last marked at most `learning.guard_days` ago, and not cleared since.

    A finding that is open marks its account, and those it names, every day; it closes after `guard_days` without support,
    and then the mark is that old.

    Args:
        previous: GUARD rows of the border before.
        day: start of the day.
        marks: findings and verdicts.
        hit: ids for which a rule held on the day.
        policy: learning.guard_days.
    """
    judged, latest = marks.judged(day), marks.latest(day)
    patience = timedelta(days=policy.learning.guard_days)
    is_open = pl.col("activity").is_in(["created", "updated"])
    since = dict(zip(previous["account_id"], previous["last_flagged"], strict=True))
    for account, tick in latest.filter(pl.col("activity") == "closed").select("account_id", "tick").iter_rows():
        since[account] = min(since.get(account, tick), tick - patience)
    flagged = latest.filter(is_open)
    stolen = {account for account, verdict in judged.items() if verdict == "true_positive"}
    cleared = {account for account, verdict in judged.items() if verdict in CLEARED}
    marked = {*flagged["account_id"], *_named(flagged), *hit, *stolen}
    since |= {account: max(since.get(account, day), day) for account in marked}
    kept = [(account, last) for account, last in since.items() if last > day - patience and account not in cleared]
    return GUARD.conform(pl.DataFrame(kept, schema=GUARD.polars, orient="row"))


def left_out_of_reference(day: datetime, marks: Marks, hit: frozenset[str]) -> frozenset[str]:
    """Ids whose day must not calibrate L1, for reasons that do not depend on L1's score: rules, links, verdicts."""
    stolen = {account for account, verdict in marks.judged(day).items() if verdict == "true_positive"}
    by_rule = marks.latest(day).filter(pl.col("activity").is_in(["created", "updated"]))
    return hit | stolen | _named(by_rule)


def _named(findings: pl.DataFrame) -> frozenset[str]:
    """Other accounts that findings name as sharing their evidence."""
    return frozenset(findings["linked_account_ids"].explode().drop_nulls())
