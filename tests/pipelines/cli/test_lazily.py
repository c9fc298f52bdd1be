"""Packages that nobody calls are not executed, and are whole for who calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.logs import Shape, write_log
from pipelines.cli.lazily import SELDOM_CALLED
from tiny_lake import CUSTOMER, make_tiny_lake


def told(program: str) -> object:
    """What a program in an interpreter of its own prints, as JSON."""
    lead = "import json, sys\nfrom pipelines.cli.lazily import Waiting, load_lazily\nload_lazily()\n"
    done = subprocess.run([sys.executable, "-c", lead + program], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_what_campaigns_and_learning_import_leaves_them_waiting() -> None:
    program = """
import great_expectations, transforms.campaigns, transforms.learning
print(json.dumps(sorted(name for name in sys.modules if type(sys.modules[name]) is Waiting)))
"""
    assert told(program) == sorted(SELDOM_CALLED)


def test_what_beam_can_do_without_is_not_loaded() -> None:
    program = """
import apache_beam
print(json.dumps([name for name in ("apache_beam.io.gcp.bigquery", "bson", "pymongo") if name in sys.modules]))
"""
    assert told(program) == []


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("import scipy.stats; said = round(float(scipy.stats.norm.cdf(0.0)), 3)", 0.5),
        ("from scipy import stats; said = round(float(stats.norm.cdf(0.0)), 3)", 0.5),
        ("from scipy.sparse import coo_array, csgraph; said = int(csgraph.connected_components(coo_array((3, 3)))[0])", 3),
        ("from river.drift import ADWIN; said = ADWIN().drift_detected", False),
        ("from river.anomaly.hst import HalfSpaceTrees as H; from river import anomaly; said = H is anomaly.HalfSpaceTrees", True),
        ("from river.tree import *; said = 'HoeffdingTreeClassifier' in dir()", True),
    ],
)  # fmt: skip
def test_who_asks_for_a_name_gets_the_whole_package(asked: str, answer: object) -> None:
    assert told(f"{asked}\nprint(json.dumps(said))") == answer


def test_a_name_that_is_not_there_is_an_ordinary_error() -> None:
    program = """
import scipy.stats
try:
    scipy.stats.no_such_test
except AttributeError as error:
    print(json.dumps("no_such_test" in str(error)))
"""
    assert told(program) is True


def test_asking_what_kind_of_module_it_is_executes_nothing() -> None:
    program = """
import inspect, scipy.stats
found = [hasattr(scipy.stats, "__wrapped__"), inspect.ismodule(scipy.stats), scipy.stats.__file__.endswith("__init__.py")]
print(json.dumps([*found, type(scipy.stats) is Waiting]))
"""
    assert told(program) == [False, True, True, True]


def test_threads_that_ask_at_once_get_the_same_package() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
import scipy.stats
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda _: scipy.stats.norm, range(8)))
print(json.dumps(len({id(each) for each in found})))
"""
    assert told(program) == 1


@pytest.mark.slow
def test_a_backfill_that_closes_and_learns_a_day_leaves_them_waiting(tmp_path: Path) -> None:
    write_log(tmp_path / "log.ndjson", "canonical", Shape(2_000, 50))
    arguments = ["backfill", str(tmp_path / "log.ndjson"), "--lake", str(tmp_path / "lake"), "--complete", "--quiet"]
    program = f"""
from pipelines.cli.main import main
try:
    main({[*arguments, "--key-file", str(tmp_path / "key")]!r})
except SystemExit as end:
    loaded = sorted(name for name in {SELDOM_CALLED!r} if type(sys.modules.get(name)) is not Waiting)
    print(json.dumps([end.code, "great_expectations" in sys.modules, loaded]))
"""
    assert told(program) == [0, True, []]


def test_what_asks_a_lake_does_without_pandas(tmp_path: Path) -> None:
    lake = make_tiny_lake(tmp_path / "lake").root
    asked = [["explain", CUSTOMER], ["accounts"], ["query", "SELECT account_id FROM findings"], ["status"]]
    program = f"""
from pipelines.cli.main import cli
for asked in {asked!r}:
    cli.main([*asked, "--lake", {str(lake)!r}], standalone_mode=False)
print(json.dumps([name for name in ("apache_beam", "pandas") if name in sys.modules]))
"""
    assert told(program) == []
