"""`backfill`: INGEST over everything, then DETECT and LEARN day by day, then what is still open."""

import os
import time
from collections.abc import Callable

from pipelines.cli.progress import Progress
from pipelines.estimating import estimate
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_half_written
from pipelines.lake.plan import forget_plans
from pipelines.request import Request, Summary
from pipelines.rounds import Rounds
from pipelines.upkeep import tend
from transforms.ingest.key import FingerprintKey

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
    key = FingerprintKey(read_secret(request.lake, request.key_file, os.environ))
    lake = Lake.create(request.lake, key.id)
    with Lease.acquire(lake.root, "backfill") as lease:
        remove_half_written(lake, lease)
        lake.adopt_contracts(lease)
        before = lake.last_sequence()
        run = Rounds(request, progress, lake, lease, key, after)
        run.finish()
        flagged_before = run.flagged()
        run.ingest()
        run.detect()
        run.show_open()
        if lake.last_sequence() != before:
            progress.begin("keep the lake small")
            tend(lake, lease, request.policy, before, after)
        forget_plans(lake, KEPT_PLANS)
        return run.summary(flagged_before, time.monotonic() - began)
