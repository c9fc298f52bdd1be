"""Who may import what: `schemas` <- `transforms` <- `pipelines`, engines only at the edge, kernels without a world."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

OURS = {"schemas", "transforms", "pipelines", "tests", "deploy"}
MAY_IMPORT = {
    "schemas": {"schemas"},
    "transforms": {"schemas", "transforms"},
    "pipelines": {"schemas", "transforms", "pipelines"},
}
RUNS_CODE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
"""Reading what these have written runs code; a shared lake must not be able to do that."""

WORLD = {
    "socket",
    "http",
    "urllib",
    "requests",
    "subprocess",
    "uuid",
    "secrets",
    "tempfile",
    "shutil",
    "time",
    "pathlib",
}
"""Clock, disk, network and chance have no place in a kernel; a policy is read from a path, a registry looks around itself."""

WORLDLY_CALLS = {"now", "today", "utcnow", "map_elements", "hash", "open", "input", "print"}

WORLD_TOOLS = ("pipelines.worlds", "pipelines.judgement")
READS_TRUTH = ("transforms/simulate/", "transforms/evaluate/", "schemas/catalogue.py", "schemas/truth.py")
READS_TRUTH += ("pipelines/judgement.py",)
KNOWS_WORLDS = (
    *READS_TRUTH,
    "pipelines/worlds.py",
    *(f"pipelines/cli/{name}.py" for name in ("simulate", "evaluate", "demo")),
)
"""Who may make worlds or judge by their truth: nothing that detects."""


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of all modules a file imports, wherever in it; `from a import b` counts as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            else:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree: ast.AST) -> Iterator[str]:
    """Names of everything called: `f` of `f()` and `m` of `x.m()`; `hash` and `open` only as builtins."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute) and node.func.attr not in {"hash", "open"}:
                yield node.func.attr


def self_deceptions(path: str, name: str) -> list[str]:
    """What would let a detector be fitted on the world that it is judged by."""
    found = []
    if name.startswith("schemas.truth") and not path.startswith(READS_TRUTH):
        found.append("reads the truth")
    worldly = name.startswith(("transforms.simulate", "transforms.evaluate", *WORLD_TOOLS))
    if worldly and not path.startswith(KNOWS_WORLDS):
        found.append("knows the simulated world")
    return found


def offences(path: str, source: str) -> list[str]:
    """What a file of the project does that its place forbids; `path` is relative to the checkout."""
    tree, parts = ast.parse(source), path.split("/")
    root, room, is_edge = parts[0], parts[1] if len(parts) > 2 else "", parts[-1] == "beam.py"
    found = []
    for name in imported(tree):
        top, second = name.split(".")[0], [*name.split("."), ""][1]
        if name.startswith("."):
            found.append(f"relative import {name}")
        if top in OURS - MAY_IMPORT[root]:
            found.append(f"{root} imports {name}")
        if root == "transforms" and top == "transforms" and second not in {room, "sketches"}:
            found.append(f"room {room} imports {name}")
        if room == "sketches" and top in {"schemas", "transforms"} and second != "sketches":
            found.append(f"sketches imports {name}")
        if top == "apache_beam" and not is_edge and root != "pipelines":
            found.append(f"Beam outside beam.py: {name}")
        if top == "great_expectations" and not path.startswith("transforms/quality/"):
            found.append(f"Great Expectations outside its room: {name}")
        if top in RUNS_CODE:
            found.append(f"{name} runs code")
        found += self_deceptions(path, name)
        names_files = top == "pathlib" and (root == "schemas" or parts[-1] == "registry.py")
        if root in {"schemas", "transforms"} and top in WORLD and not names_files:
            found.append(f"a kernel imports {name}")
    if root == "transforms" and not is_edge:
        found += [f"a kernel calls {name}" for name in called(tree) if name in WORLDLY_CALLS]
    return found


def files(checkout: Path) -> list[Path]:
    return sorted(path for root in MAY_IMPORT for path in (checkout / root).rglob("*.py"))


def test_every_file_keeps_to_its_place(checkout: Path) -> None:
    found = {
        str(path.relative_to(checkout)): offences(str(path.relative_to(checkout)), path.read_text())
        for path in files(checkout)
    }
    assert len(found) > 60, "the files were not found"
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    ("path", "source", "offence"),
    [
        ("schemas/event.py", "import apache_beam as beam", "Beam outside beam.py: apache_beam"),
        ("schemas/event.py", "from transforms.order import step", "schemas imports transforms.order.step"),
        ("transforms/order/step.py", "from pipelines.lake import lake", "transforms imports pipelines.lake.lake"),
        ("transforms/order/step.py", "from transforms.links import x", "room order imports transforms.links.x"),
        ("transforms/order/step.py", "from .state import State", "relative import .state"),
        ("transforms/order/step.py", "def f():\n    import pickle", "pickle runs code"),
        ("transforms/order/step.py", "import datetime\ndatetime.datetime.now()", "a kernel calls now"),
        ("transforms/order/step.py", "key = hash('x')", "a kernel calls hash"),
        ("transforms/order/step.py", "frame.map_elements(f)", "a kernel calls map_elements"),
        ("transforms/order/step.py", "from pathlib import Path", "a kernel imports pathlib.Path"),
        ("transforms/detectors/rule.py", "from schemas.truth import TRUTH", "reads the truth"),
        ("pipelines/detect.py", "from transforms.simulate import preset", "knows the simulated world"),
        ("pipelines/learn.py", "from transforms.evaluate.damage import taken", "knows the simulated world"),
        ("pipelines/detect.py", "from pipelines.worlds import write_world", "knows the simulated world"),
        ("transforms/sketches/minhash.py", "from schemas.event import EVENT", "sketches imports schemas.event.EVENT"),
        ("pipelines/cli/query.py", "from tests import conftest", "pipelines imports tests.conftest"),
        ("pipelines/learn.py", "import great_expectations", "Great Expectations outside its room: great_expectations"),
        ("pipelines/lake/state.py", "import cloudpickle", "cloudpickle runs code"),
    ],
)
def test_the_guard_sees_what_it_is_for(path: str, source: str, offence: str) -> None:
    assert offence in offences(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("transforms/order/beam.py", "import apache_beam as beam"),
        ("transforms/order/step.py", "from transforms.sketches.minhash import slots\nfrom transforms.order.state import S"),
        ("transforms/order/step.py", "frame.hash_rows(); pl.col('a').hash()"),
        ("pipelines/backfill.py", "import time\nimport apache_beam\nfrom transforms.order import step"),
    ],
)  # fmt: skip
def test_the_guard_lets_through_what_is_allowed(path: str, source: str) -> None:
    assert offences(path, source) == []


def test_every_folder_is_a_package_that_says_what_it_is(checkout: Path) -> None:
    folders = {path.parent for path in files(checkout)}
    for folder in sorted(folders):
        start = folder / "__init__.py"
        assert start.exists(), f"{folder} would be outranked by any package of that name"
        assert ast.get_docstring(ast.parse(start.read_text())), f"{start} says nothing"


def test_every_room_names_what_it_offers(checkout: Path) -> None:
    for room in sorted((checkout / "transforms").iterdir()):
        if (room / "__init__.py").exists():
            names = {
                node.id
                for node in ast.walk(ast.parse((room / "__init__.py").read_text()))
                if isinstance(node, ast.Name)
            }
            assert "__all__" in names, room.name
