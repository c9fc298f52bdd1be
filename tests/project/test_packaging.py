"""What is installed is what was written: three packages, found from anywhere, owned by nobody else."""

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOMS = ("pipelines", "schemas", "transforms")


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=checkout, check=True, capture_output=True)
    (path,) = folder.glob("stillwatch-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_exactly_the_three_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {*ROOMS, "stillwatch-0.1.0.dist-info"}
    assert {f"{room}/py.typed" for room in ROOMS} <= set(wheel.namelist())
    assert [name for name in wheel.namelist() if "__pycache__" in name] == []


def test_the_wheel_holds_every_module(wheel: zipfile.ZipFile, checkout: Path) -> None:
    written = {str(path.relative_to(checkout)) for room in ROOMS for path in (checkout / room).rglob("*.py")}
    assert {name for name in wheel.namelist() if name.endswith(".py")} == written


def test_the_wheel_works_from_another_folder(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    wheel.extractall(site)
    (elsewhere / "schemas").mkdir(parents=True)
    (elsewhere / "schemas" / "__init__.py").write_text("raise ImportError('a stranger')")
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import pipelines.cli.main as m, schemas; "
        f"assert m.__file__.startswith({str(site)!r}) and schemas.__file__.startswith({str(site)!r}); m.main(['policy'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=elsewhere, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "[time]" in done.stdout


def test_the_console_script_ignores_packages_of_the_same_name_where_it_is_called(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise ImportError('a stranger')")
    program = Path(sys.executable).with_name("stillwatch")
    done = subprocess.run([program, "policy"], cwd=tmp_path, check=False, capture_output=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_owns_our_packages(room: str, checkout: Path) -> None:
    owners = importlib.metadata.packages_distributions().get(room, [])
    assert set(owners) <= {"stillwatch"}
    module = sys.modules.get(room) or importlib.import_module(room)
    assert Path(str(module.__file__)).is_relative_to(checkout)


def test_the_lock_names_every_file_by_hash_and_no_registry(checkout: Path) -> None:
    lines = (checkout / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(pins) > 60
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert [line for line in lines if "://" in line or (line.lstrip().startswith("--") and "--hash" not in line)] == []


def test_the_lock_satisfies_what_the_project_asks_for(checkout: Path) -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pinned = {}
    for line in (checkout / "requirements.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            pin = Requirement(line.rstrip(" \\"))
            pinned.setdefault(canonicalize_name(pin.name), []).append(next(iter(pin.specifier)).version)
    asked = [Requirement(text) for text in importlib.metadata.requires("stillwatch") or [] if "extra ==" not in text]
    assert len(asked) > 10
    for wanted in asked:
        versions = pinned.get(canonicalize_name(wanted.name), [])
        assert any(wanted.specifier.contains(version) for version in versions), f"{wanted} is not locked: `make lock`"
