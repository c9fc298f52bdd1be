"""Whoever holds the lease is alive."""

import os
import socket
from collections.abc import Iterator

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.lease import lease_path


def check(case: Case) -> Iterator[Symptom]:
    """A lock that outlived its holder: a child kept it, or the storage did."""
    holder = case.writer
    if holder is None or holder.host != socket.gethostname():
        return
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        path = lease_path(case.root)
        problem = f"it is locked, but its holder is gone (process {holder.pid}, {holder.command})"
        yield Symptom("error", str(path), problem, f"find who keeps it open with `fuser {path}` and stop that process")
    except PermissionError:
        return  # alive, of another user
