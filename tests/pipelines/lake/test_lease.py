"""One writer a lake."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.lake.lake import Lake
from pipelines.lake.lease import Lease, lease_path, who_holds
from schemas.errors import LakeError, LeaseHeld

HOLD = """
import sys, time
from pathlib import Path
from pipelines.lake.lease import Lease
lease = Lease.acquire(Path(sys.argv[1]), "backfill of a test")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other_process(lake: Lake, checkout: Path):  # type: ignore[no-untyped-def]
    """A process that holds the lease."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lake.root)], cwd=checkout, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_writer_is_told_who_holds_the_lake(lake: Lake, other_process: "subprocess.Popen[str]") -> None:
    with pytest.raises(LeaseHeld, match=rf"process {other_process.pid} on .* \(backfill of a test\)"):
        Lease.acquire(lake.root, "second")
    holder = who_holds(lake.root)
    assert holder is not None
    assert holder.pid == other_process.pid


def test_the_lease_of_a_killed_process_is_taken_over_and_the_counter_rises(
    lake: Lake, other_process: "subprocess.Popen[str]"
) -> None:
    token = who_holds(lake.root).token  # type: ignore[union-attr]
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    with Lease.acquire(lake.root, "next") as lease:
        assert lease.holder.token == token + 1
        lease.check()


def test_two_leases_in_one_process_exclude_each_other(lake: Lake) -> None:
    with Lease.acquire(lake.root, "first"), pytest.raises(LeaseHeld, match="first"):
        Lease.acquire(lake.root, "second")
    with Lease.acquire(lake.root, "third") as lease:
        assert lease.holder.command == "third"


def test_nobody_holds_a_lake_that_is_not_written(lake: Lake) -> None:
    assert who_holds(lake.root) is None


def test_a_child_made_by_fork_does_not_keep_the_lease_of_its_dead_parent(lake: Lake, checkout: Path) -> None:
    program = HOLD.replace("time.sleep(60)", "import os\nif os.fork() == 0:\n    time.sleep(60)")
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, str(lake.root)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    parent.wait()
    try:
        deadline = time.monotonic() + 10
        while who_holds(lake.root) is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        with Lease.acquire(lake.root, "next") as lease:
            lease.check()
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


def test_a_lease_given_back_is_good_for_nothing(lake: Lake) -> None:
    lease = Lease.acquire(lake.root, "short")
    lease.release()
    lease.release()
    with pytest.raises(LakeError, match="given back"):
        lease.check()


def test_a_writer_whose_lake_was_deleted_stops(lake: Lake, lease: Lease) -> None:
    lease_path(lake.root).unlink()
    with pytest.raises(LakeError, match="moved or deleted"):
        lease.check()


def test_a_writer_whose_lease_file_was_replaced_stops(lake: Lake, lease: Lease) -> None:
    lease_path(lake.root).unlink()
    with Lease.acquire(lake.root, "usurper"), pytest.raises(LeaseHeld, match="taken over"):
        lease.check()


def test_a_garbled_lease_file_does_not_stop_the_next_writer(lake: Lake) -> None:
    lease_path(lake.root).write_bytes(b"\xff{nonsense")
    with Lease.acquire(lake.root, "next") as lease:
        lease.check()
