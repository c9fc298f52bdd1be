"""The one writer of a lake: plans runs and commits them under its lease."""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.lake.checkpoints import to_keep
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import Plan, planned
from pipelines.lake.state import States, manifest_of
from pipelines.manifests import staging
from schemas.policy import Policy

_KEPT_RUNS = 3


@dataclass(frozen=True)
class Writer:
    """Who writes a lake.

    Attributes:
        lake: the lake.
        lease: its lease.
        after: see Committer: the seam at which tests interrupt.
        spared: names of states that no run names yet and that stay nonetheless.
    """

    lake: Lake
    lease: Lease
    after: Callable[[str], None] = lambda _: None
    spared: Callable[[], Collection[str]] = tuple

    def plan(self, pipeline: str, work: dict[str, Any], policy: Policy) -> Plan:
        """The plan of a run with the next number, written down."""
        return planned(self.lake, self.lease, pipeline, work, policy)

    def commit(
        self, plan: Plan, writes: Mapping[str, Write], outcome: Outcome, manifest: Mapping[str, str] | None = None
    ) -> None:
        """Commits a run, and removes what is no longer needed after it; repeated after a crash, it does the same.

        Args:
            plan: of the run.
            writes: by table.
            outcome: for the run's row.
            manifest: names of the states that hold after the run; None where it changes none.

        Raises:
            LeaseHeld: another writer took over.
            LakeError: the lake cannot be written or is damaged.
        """
        states = manifest_of(self.lake) if manifest is None else manifest
        Committer(self.lake, self.lease, self.after).commit(plan, writes, outcome, states)
        shutil.rmtree(staging(self.lake.root, plan.run_id), ignore_errors=True)
        runs = self.lake.read("runs").sort("sequence")
        kept = to_keep(runs, Policy.from_json(plan.policy).retention.checkpoint_days)
        last = runs["run_id"].to_list()[-_KEPT_RUNS:]
        States(self.lake.root).collect([*kept, *last], self.spared())
