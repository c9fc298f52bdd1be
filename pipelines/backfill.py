"""`backfill`: INGEST over everything, then DETECT and LEARN day by day, then what is still open."""

import time
from collections.abc import Callable

from pipelines.cli.progress import Progress
from pipelines.estimating import estimate
from pipelines.lake.plan import forget_plans
from pipelines.request import Request, Summary
from pipelines.rounds import begun
from pipelines.upkeep import tend

__all__ = ["backfill", "estimate"]

KEPT_PLANS = 20
"""Plans of finished runs that stay, to look back at."""


def backfill(request: Request, progress: Progress, after: Callable[[str], None] = lambda _: None) -> Summary:
    """Reads the sources into the lake and flags the accounts that steal.

    Repeated after an interruption, it first finishes what was begun; repeated without new records, it changes nothing.

    Args:
        request: what to read, and how.
        progress: told what happens.
        after: called after each point at which a commit can be interrupted; tests interrupt there.

    Raises:
        StillwatchError: what a user can mend: sources, policy, key, lake, lease.
    """
    began = time.monotonic()
    with begun(request, "backfill", progress, after) as run:
        flagged_before = run.flagged()
        run.ingest()
        run.detect()
        run.show_open()
        if run.lake.last_sequence() != run.begun_after:
            progress.begin("keep the lake small")
            tend(run.lake, run.lease, request.policy, run.begun_after, after)
        forget_plans(run.lake, KEPT_PLANS)
        return run.summary(flagged_before, time.monotonic() - began)
