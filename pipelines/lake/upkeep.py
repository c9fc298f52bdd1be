"""What killed processes leave behind, and its removal."""

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease
from schemas.catalogue import TABLES


def remove_leftovers(lake: Lake, lease: Lease) -> int:
    """Deletes half-written temporary files; returns how many there were.

    No worker of this lake may be running: hosts call it after taking the lease, before the first run.
    """
    lease.check()
    folders = [lake.folder(name) for name in TABLES] + [lake.root / "_stillwatch"]
    leftovers = [path for folder in folders for path in folder.rglob(".*.tmp") if path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
