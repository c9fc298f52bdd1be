"""What every test may count on: UTC, fixed seeds, no configuration of the user, and the shared real data where present."""

import gc
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

CHECKOUT = Path(__file__).resolve().parents[1]

os.environ["TZ"] = "UTC"
time.tzset()
os.environ["GX_ANALYTICS_ENABLED"] = "false"

# A build must not fail by luck, nor because a neighbour used the processor: examples are fixed and have no deadline.
# `--hypothesis-profile=search` looks for new ones, ten times as many in the longer proofs too: they count in those of the profile.
settings.register_profile(
    "fixed", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("fixed")

collect_ignore_glob = ["real/proxy/*"]  # runs inside the proxy, with the proxy's own packages


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(scope="session")
def write_golden(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are to be written (`make golden`)."""
    return bool(pytestconfig.getoption("--write-golden"))


@pytest.fixture(autouse=True, scope="session")
def no_user_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the user's configuration nor the user's variables reach a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in os.environ:
            if name.startswith("STILLWATCH_") and name != "STILLWATCH_SHARED_DATA":
                patch.delenv(name)
        yield


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not look at its million objects again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_disks() -> Iterator[None]:
    """Files are not forced to the disk: only a power cut could tell, and no test makes one. Processes that are started do it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Global generators start every test in the same state; ours take their seed as an argument."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global generator of libraries is the one to pin


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real traces, prompts and web logs kept outside the repository: the folder of docs/real-data.md."""
    named = os.environ.get("STILLWATCH_SHARED_DATA")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        why = f"no real data in {folder} (name another folder with STILLWATCH_SHARED_DATA)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return folder
