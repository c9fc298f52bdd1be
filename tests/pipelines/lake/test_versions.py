"""A lake says of which version each of its parts is: a newer one is refused, an older one migrated or refused, each with what to do."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, Field, Schema

from pipelines.detect import STATES
from pipelines.lake.lake import FORMAT, Lake
from pipelines.lake.lease import Lease
from pipelines.lake.plan import PLAN_VERSION, Plan, unfinished, write_plan
from pipelines.lake.sealed import seal, unseal
from pipelines.lake.snapshots import SNAPSHOT_VERSION
from pipelines.lake.state import MANIFEST_VERSION, STATE_VERSION, States
from schemas.catalogue import TABLES
from schemas.errors import LakeError
from transforms.sketches.packing import pack, unpack

KINDS = {"state": STATE_VERSION, "manifest": MANIFEST_VERSION, "plan": PLAN_VERSION, "snapshot": SNAPSHOT_VERSION}


@pytest.mark.parametrize(("found", "fix"), [(FORMAT + 1, "or newer"), (FORMAT - 1, "read the sources into a new lake")])
def test_a_lake_of_another_format_is_refused(lake: Lake, found: int, fix: str) -> None:
    about = lake.root / "_stillwatch" / "lake.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format": found}))
    with pytest.raises(LakeError, match=rf"format {found}, (newer|older) than {FORMAT}.*{fix}"):
        Lake.open(lake.root)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [-1, 1])
def test_a_sealed_file_of_another_version_is_refused_and_not_called_damaged(kind: str, step: int) -> None:
    found = KINDS[kind] + step
    with pytest.raises(
        LakeError, match=f"{kind} version {found}, {'newer' if step > 0 else 'older'} than {KINDS[kind]}"
    ):
        unseal(Path("x"), seal(kind, found, b"abc"), kind, KINDS[kind], "mend it")


def test_an_unfinished_plan_of_an_older_version_names_the_command_that_drops_it(lake: Lake, lease: Lease) -> None:
    from datetime import UTC, datetime

    write_plan(lake, lease, Plan(1, "detect", datetime(2026, 1, 1, tzinfo=UTC), "{}", {}))
    path = lake.root / "_stillwatch" / "plans" / "00000001-detect.plan"
    path.write_bytes(seal("plan", PLAN_VERSION - 1, b"{}"))
    with pytest.raises(LakeError, match=r"older than.*--abandon 1"):
        unfinished(lake)


def relabelled(data: bytes, step: int) -> bytes:
    """A state of the version before or after."""
    head, _, rest = data.partition(b"\n")[2].partition(b"\n")
    changed = json.loads(head)
    changed["version"] += step
    return data.partition(b"\n")[0] + b"\n" + json.dumps(changed).encode() + b"\n" + rest


@pytest.mark.parametrize("stage", STATES)
@pytest.mark.parametrize(
    ("step", "fix"), [(-1, "rebuild --since` the lake's first day"), (1, "use a newer stillwatch")]
)
def test_a_stages_state_of_another_version_says_how_to_go_on(lake: Lake, stage: str, step: int, fix: str) -> None:
    states, kind = States(lake.root), STATES[stage]
    data = kind.empty().to_bytes()  # type: ignore[attr-defined]
    name = states.write(stage, "0", "detect-00000001", relabelled(data, step))
    with pytest.raises(LakeError, match=f"version.*{fix}"):
        states.restore(name, kind)


@pytest.mark.parametrize("stage", STATES)
def test_a_stages_state_that_is_something_else_is_refused(lake: Lake, stage: str) -> None:
    states = States(lake.root)
    for number, data in enumerate((b"", b"\x80\x04N.", pack("another", 1, {}))):
        name = states.write(stage, str(number), "detect-00000001", data)
        with pytest.raises(LakeError, match=r"does not decode.*stillwatch rebuild"):
            states.restore(name, STATES[stage])


def test_a_state_is_restored_as_it_was_stored(lake: Lake) -> None:
    states = States(lake.root)
    for stage, kind in STATES.items():
        data = kind.empty().to_bytes()  # type: ignore[attr-defined]
        name = states.write(stage, "0", "detect-00000001", data)
        assert states.restore(name, kind).to_bytes() == data  # type: ignore[attr-defined]
        assert states.restore(None, kind).to_bytes() == data  # type: ignore[attr-defined]


def test_every_state_that_detect_keeps_is_among_those_whose_version_is_known(checkout: Path) -> None:
    text = "".join(
        (checkout / "pipelines" / f"{name}.py").read_text() for name in ("account_group", "key_shard", "detect")
    )
    assert all(f'"{stage}"' in text or f'f"{stage}/' in text for stage in STATES)
    assert text.count("from_bytes") == 0, "states are read by States.restore, which knows about versions"


def _with_column(root: Path, table: str, column: Field, change: Callable[[list[Field]], list[Field]]) -> None:
    """Makes the empty table anew with other columns, as another version of the program would have."""
    import shutil

    fields = DeltaTable(root / table).schema().fields
    shutil.rmtree(root / table)
    DeltaTable.create(root / table, Schema([*change(fields), column]))


def test_columns_of_an_older_lake_are_added(lake: Lake, lease: Lease) -> None:
    nullable = [f.name for f in TABLES["verdicts"].arrow if f.nullable]
    _with_column(
        lake.root, "verdicts", Field("extra", "long"), lambda there: [f for f in there if f.name not in nullable]
    )
    assert lake.adopt_contracts(lease) == [f"verdicts.{name}" for name in nullable]
    assert lake.adopt_contracts(lease) == []


def test_an_older_lake_without_a_required_column_is_refused(lake: Lake, lease: Lease) -> None:
    _with_column(lake.root, "verdicts", Field("extra", "long"), lambda there: there[1:])
    with pytest.raises(LakeError, match="which may not be null"):
        lake.adopt_contracts(lease)


def test_a_newer_lake_with_a_required_column_is_refused(lake: Lake, lease: Lease) -> None:
    _with_column(lake.root, "verdicts", Field("invented", "long", nullable=False), lambda there: there)
    with pytest.raises(LakeError, match=r"column invented .* does not know it.*newer"):
        lake.adopt_contracts(lease)


RUNS_CODE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "torch"}


def offences(source: str) -> list[str]:
    """Whatever could run code that stands in a file of the lake."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.partition(".")[0] in RUNS_CODE]
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            is_builtin = isinstance(node.func, ast.Name)
            if (is_builtin and name in {"eval", "exec", "compile", "__import__"}) or name in {
                "read_pickle",
                "deserialize",
            }:
                found.append(name)
            found += [str(k.arg) for k in node.keywords if k.arg == "allow_pickle" and ast.unparse(k.value) != "False"]
    return found


def test_nothing_that_a_lake_holds_is_read_by_what_runs_code(checkout: Path) -> None:
    files = [path for room in ("schemas", "transforms", "pipelines") for path in (checkout / room).rglob("*.py")]
    assert len(files) > 100
    assert {str(path): found for path in files if (found := offences(path.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "exec(text)",
        "np.load(file, allow_pickle=True)",
        "pd.read_pickle(file)",
        "pl.LazyFrame.deserialize(file)",
    ],
)
def test_what_runs_code_is_noticed(source: str) -> None:
    assert offences(source) != []


def test_a_state_that_is_a_program_is_not_run(lake: Lake, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "ran"),))

    with pytest.raises(ValueError, match="not a state"):
        unpack(pickle.dumps(Evil()), "order", 1)
    assert not (tmp_path / "ran").exists()
