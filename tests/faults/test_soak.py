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
