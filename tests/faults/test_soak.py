"""An hour at a fixed rate: a watch holds no more memory at its end than when it had warmed up, and loses nothing."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import soaking
from real.kafka_broker import Broker

MINUTES = float(os.environ.get("SOAK_MINUTES", "60"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory without page cache is read from /proc")


@pytest.mark.soak
def test_a_watch_at_a_fixed_rate_holds_no_more_memory_at_the_end_and_every_record(tmp_path: Path) -> None:
    with Broker() as broker:
        found = soaking.soaked(tmp_path, broker, MINUTES)
    assert found["events"] == found["records"]
    assert found["growth"] <= soaking.GROWTH, found["megabytes_by_minute"]


def test_memory_is_counted_with_that_of_children_and_without_files_that_are_mapped() -> None:
    import mmap
    import subprocess

    program = "import sys; held = bytearray(b'x' * 80_000_000); print(len(held), flush=True); sys.stdin.read()"
    before = soaking.held(os.getpid())
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with_child = soaking.held(os.getpid())
        child.kill()
    assert 80e6 <= with_child - before < 120e6
    with open(sys.executable, "rb") as program_file:  # noqa: PTH123 - a descriptor to map
        with mmap.mmap(program_file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            assert len(mapped.read()) > 0
            assert soaking.held(os.getpid()) - before < 40e6
