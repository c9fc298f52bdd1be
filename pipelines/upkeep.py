"""`upkeep`: removes what nothing needs, under the lease, between two runs."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from pipelines.lake.leftovers import remove_leftovers
from pipelines.lake.plan import waiting_plans
from schemas.errors import LakeError


@dataclass(frozen=True)
class Kept:
    """What an upkeep did.

    Attributes:
        adopted: tables and columns added, because an older version had made the lake.
        leftovers: files and folders removed that nothing referred to.
    """

    adopted: tuple[str, ...]
    leftovers: int


def upkeep(root: Path) -> Kept:
    """Brings a lake up to date and removes what nothing needs; harmless when repeated.

    Raises:
        LeaseHeld: the lake is being written.
        LakeError: a run is unfinished, or the lake is damaged or cannot be written.
    """
    lake = Lake.open(root)
    with Lease.acquire(root, "upkeep") as lease:
        waiting = waiting_plans(lake)
        if waiting:
            number = waiting[0][0]
            fix = f"repeat the command that was interrupted, or undo it with `stillwatch doctor {root} --abandon {number}`"
            raise LakeError(str(root), f"run {number} is unfinished", fix)
        return Kept(tuple(lake.adopt_contracts(lease)), remove_leftovers(lake, lease))
