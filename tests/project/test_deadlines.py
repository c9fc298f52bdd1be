"""A test that hangs fails in time and says where; the others are run."""

import sys
from pathlib import Path

from programs import run_to_end

_HANGS = """
import threading

def test_one():
    pass

def test_that_hangs():
    threading.Event().wait()

def test_another():
    pass
"""


def test_a_test_that_hangs_is_named_and_the_others_are_run(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(_HANGS)
    asked = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-c", checkout / "pyproject.toml", "--rootdir", tmp_path]
    told = run_to_end([*asked, "-p", "no:cacheprovider", "-o", "faulthandler_timeout=2", tmp_path], seconds=120)
    assert "1 failed, 2 passed" in told.out, told.out + told.err
    assert "in test_that_hangs" in told.err
