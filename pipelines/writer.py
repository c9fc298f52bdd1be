"""The one writer of a lake: plans runs and commits them under its lease."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipelines.lake.checkpoints import to_keep
from pipelines.lake.commit import Committer, Outcome, Write
from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_half_written
from pipelines.lake.plan import Plan, planned, unfinished
from pipelines.lake.state import States, manifest_of
from pipelines.manifests import staging
from schemas.errors import LakeError
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

    @property
    def committer(self) -> Committer:
        """What puts a run's rows into the lake and removes nothing."""
        return Committer(self.lake, self.lease, self.after)

    def plan(self, pipeline: str, work: dict[str, Any], policy: Policy) -> Plan:
        """The plan of a run with the next number, written down."""
        return planned(self.lake, self.lease, pipeline, work, policy)

    def settle(self, pipeline: str, execute: Callable[["Writer", Plan], None], fix: str) -> None:
        """Finishes what an interrupted command of this kind left.

        Args:
            pipeline: the kind of run.
            execute: executes such a plan and commits it.
            fix: what to do where a run of another kind is unfinished.

        Raises:
            LakeError: a run of another kind is unfinished.
        """
        plan = unfinished(self.lake)
        if plan is not None and plan.pipeline == pipeline:
            execute(self, plan)
            plan = unfinished(self.lake)
        if plan is not None:
            raise LakeError(str(self.lake.root), f"run {plan.run_id} is unfinished", fix)

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
        self.committer.commit(plan, writes, outcome, states)
        shutil.rmtree(staging(self.lake.root, plan.run_id), ignore_errors=True)
        runs = self.lake.read("runs").sort("sequence")
        kept = to_keep(runs, Policy.from_json(plan.policy).retention.checkpoint_days)
        last = runs["run_id"].to_list()[-_KEPT_RUNS:]
        States(self.lake.root).collect([*kept, *last], self.spared())


@contextmanager
def writing(lake: Lake, command: str, after: Callable[[str], None] = lambda _: None) -> Iterator[Writer]:
    """The writer of a lake for a command: under the lease, with today's tables and columns, without what killed writers left half written.

    Args:
        lake: the lake.
        command: named to whoever wants to write it meanwhile.
        after: see Writer.

    Raises:
        LeaseHeld: the lake is being written.
        LakeError: the lake cannot be written or is damaged.
    """
    with Lease.acquire(lake.root, command) as lease:
        remove_half_written(lake, lease)
        lake.adopt_contracts(lease)
        yield Writer(lake, lease, after)
