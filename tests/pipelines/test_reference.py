"""A reference goes from one lake to another, or stays as it was: from a border on, until somebody says otherwise, and again in a rebuild."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_lakes import DAY, START, Killed, assert_equal, copy_of, run_backfill
from pipelines.cli.main import main
from pipelines.cli.progress import Progress
from pipelines.doctor import Case, examine
from pipelines.hunt import HuntRequest, hunt
from pipelines.lake.lake import Lake
from pipelines.lake.references import ReferenceFile, kept_reference, read_reference, reference_at
from pipelines.lake.sealed import seal
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import States
from pipelines.rebuild import RebuildRequest, rebuild
from pipelines.reference import Pinned, PinRequest, export_reference, pin
from pipelines.rewind import checkpoint_for
from pipelines.scratch import scratch_lake
from pipelines.sight.status import status
from schemas.errors import LakeError
from schemas.policy import Policy
from transforms.distribution import CarriedReference, recipe
from transforms.sketches.packing import pack

ACCOUNTS, CALLS = 30, 26
POLICY = Policy.parse("[distribution]\nleast_accounts = 8\nreference_size = 30\n[quality]\ngap_least_events = 100000\n")


def _write(folder: Path, seed: int, days: int) -> None:
    """A file a day of accounts with habits of their own; the seed is part of their names."""
    rng = random.Random(seed)
    habits = [(rng.lognormvariate(6, 1), rng.lognormvariate(4, 1), rng.randrange(10**9)) for _ in range(ACCOUNTS)]
    for day in range(days):
        rows = []
        for account, (sent, made, topic) in enumerate(habits):
            for call in range(CALLS):
                second = int(86_000 * (call + rng.random()) / CALLS)
                moment = START + day * DAY + timedelta(seconds=second)
                rows.append(
                    {
                        "event_id": f"{seed}-{day}-{account}-{call}",
                        "time": moment.isoformat(),
                        "end_time": (moment + timedelta(seconds=1)).isoformat(),
                        "account_id": f"acct-{seed}-{account}",
                        "plan": "api",
                        "operation": "chat",
                        "model_requested": "m",
                        "http_status": 200,
                        "input_tokens": 1 + int(sent * rng.lognormvariate(0, 0.4)),
                        "output_tokens": 1 + int(made * rng.lognormvariate(0, 0.4)),
                        "latency_ms": 1000,
                        "prompt": f"please look at {topic} and {rng.randrange(50)} of it",
                        "source_ip": f"10.{account}.0.{rng.randrange(200)}",
                    }
                )
        rows.sort(key=lambda row: str(row["end_time"]))
        (folder / f"day-{day}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _fill(folder: Path, *days: int) -> None:
    run_backfill(folder / "lake", [folder / f"day-{day}.jsonl" for day in days], POLICY)


def _tested(lake: Path) -> pl.DataFrame:
    """What the distribution test said, by account and hour; null where nothing."""
    rows = Lake.open(lake).read("account_scores").filter(~pl.col("provisional"))
    return rows.select("account_id", "window_end", "l3_excess", "l3_p_value", "l3_regime").drop_nulls("l3_excess")


def _on(lake: Path, day: int) -> pl.DataFrame:
    start = START + day * DAY
    return _tested(lake).filter((pl.col("window_end") > start) & (pl.col("window_end") <= start + DAY))


def _origins(rows: pl.DataFrame) -> set[str]:
    """Names of pinned references, empty for what a lake learned."""
    return set(rows["l3_regime"].str.extract(r"^([0-9a-f]{16})/").fill_null(""))


def _learned(lake: Path) -> pl.DataFrame:
    last = Lake.open(lake).last_run()
    assert last is not None
    return read_snapshot(lake, States(lake).read_manifest(last["run_id"])["snapshot"], ("centres",))["centres"]


def _pin(folder: Path, action: str, file: Path | None = None) -> Pinned:
    return pin(PinRequest(folder / "lake", action, file, "night shift", "a reason", folder / "key"))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that has learned two days, and what it exports."""
    folder = tmp_path_factory.mktemp("old")
    _write(folder, 1, 4)
    _fill(folder, 0, 1)
    export_reference(folder / "lake", folder / "it.reference")
    return folder


@pytest.fixture(scope="module")
def young(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that was given the reference before its first log, and two days of other accounts."""
    folder = tmp_path_factory.mktemp("young")
    (folder / "key").write_text("0f" * 32)
    (folder / "key").chmod(0o600)
    _write(folder, 2, 2)
    _pin(folder, "imported", old / "it.reference")
    _fill(folder, 0, 1)
    return folder


@pytest.fixture(scope="module")
def frozen(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The old lake, frozen behind its second day, with two days more."""
    folder = tmp_path_factory.mktemp("frozen")
    copy_of(old, folder)
    told = _pin(folder, "frozen")
    assert told.holds_from == START + 2 * DAY
    _fill(folder, 2)
    _fill(folder, 3)
    return folder


def test_a_young_lake_judges_with_what_it_was_given_from_its_first_day(old: Path, young: Path) -> None:
    name = Lake.open(young / "lake").read("reference_pins")["reference"].item()
    assert _on(old / "lake", 0).is_empty(), "without one nothing is known on the first day"
    first = _on(young / "lake", 0)
    assert first["account_id"].n_unique() == ACCOUNTS
    assert _origins(first) == {name}
    assert _on(old / "lake", 1)["l3_p_value"].drop_nulls().is_empty()
    assert _on(young / "lake", 1)["l3_p_value"].null_count() == 0, "day maxima of the other lake give rates, too"


def test_a_reference_names_no_account(old: Path) -> None:
    data = (old / "it.reference").read_bytes()
    for frame in read_reference(old / "it.reference").reference.parts.values():
        assert "acct-" not in frame.write_json()
    assert b"acct-" not in data


def test_what_is_frozen_stays_as_it_was_over_days(old: Path, frozen: Path) -> None:
    name = Lake.open(frozen / "lake").read("reference_pins")["reference"].item()
    for day in (2, 3):
        assert _origins(_on(frozen / "lake", day)) == {name}, day
    held = kept_reference(frozen / "lake", name).reference.parts["centres"]
    assert_frame_equal(held, _learned(old / "lake"))
    assert not held.equals(_learned(frozen / "lake")), "the lake went on learning beside it"


def test_a_thawed_lake_compares_with_what_it_learned_meanwhile(frozen: Path, tmp_path: Path) -> None:
    copy_of(frozen, tmp_path)
    _write(tmp_path, 1, 5)
    _pin(tmp_path, "thawed")
    _fill(tmp_path, 4)
    assert _origins(_on(tmp_path / "lake", 4)) == {""}
    assert _origins(_on(tmp_path / "lake", 3)) != {""}


def test_a_pin_in_the_middle_of_a_day_holds_from_the_next(old: Path, tmp_path: Path) -> None:
    copy_of(old, tmp_path)
    half = (tmp_path / "day-2.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "day-2.jsonl").write_text("".join(half[: len(half) // 2]))
    run_backfill(tmp_path / "lake", [tmp_path / "day-2.jsonl"], POLICY, complete=False)
    assert _pin(tmp_path, "frozen").holds_from == START + 3 * DAY
    (tmp_path / "day-2b.jsonl").write_text("".join(half[len(half) // 2 :]))
    run_backfill(tmp_path / "lake", [tmp_path / "day-2b.jsonl", tmp_path / "day-3.jsonl"], POLICY)
    assert _origins(_on(tmp_path / "lake", 2)) == {""}
    assert _origins(_on(tmp_path / "lake", 3)) != {""}


def test_days_appended_one_by_one_give_what_one_backfill_gives(young: Path, old: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0f" * 32)
    (tmp_path / "key").chmod(0o600)
    _write(tmp_path, 2, 2)
    _pin(tmp_path, "imported", old / "it.reference")
    _fill(tmp_path, 0)
    _fill(tmp_path, 1)
    assert_equal(young / "lake", tmp_path / "lake")


def test_a_rebuild_judges_each_day_with_what_held_then(frozen: Path, tmp_path: Path) -> None:
    lake = copy_of(frozen, tmp_path)
    before = _tested(lake)
    rebuild(RebuildRequest(lake, START + DAY), Progress(quiet=True))
    assert_frame_equal(_tested(lake), before)
    assert_equal(frozen / "lake", lake)


def test_a_scratch_lake_is_pinned_as_its_lake_is(frozen: Path) -> None:
    lake = Lake.open(frozen / "lake")
    with scratch_lake(lake, checkpoint_for(lake, START + 2 * DAY), START + 4 * DAY, POLICY) as scratch:
        for day in (1, 2):
            border = START + day * DAY
            assert reference_at(scratch.lake, border, POLICY) == reference_at(lake, border, POLICY)
        name = reference_at(scratch.lake, border, POLICY)
        assert name is not None
        assert kept_reference(scratch.lake.root, name).recipe == recipe(POLICY)


def test_a_hunt_judges_with_it_too(frozen: Path, tmp_path: Path) -> None:
    lake = copy_of(frozen, tmp_path)
    request = HuntRequest(lake, START, is_recorded=False)
    before = hunt(request, Progress(quiet=True)).hunt_id
    _pin(tmp_path, "thawed")
    assert hunt(request, Progress(quiet=True)).hunt_id != before


def test_a_killed_decision_is_finished_by_its_repeat(old: Path, tmp_path: Path) -> None:
    copy_of(old, tmp_path)

    def die(point: str) -> None:
        if point == "reference_pins: commit":
            raise Killed

    with pytest.raises(Killed):
        pin(PinRequest(tmp_path / "lake", "frozen"), die)
    told = _pin(tmp_path, "frozen")
    assert told.was_so
    assert Lake.open(tmp_path / "lake").read("reference_pins").height == 1


def test_status_tells_what_is_compared_with_and_since_when(frozen: Path, tmp_path: Path) -> None:
    lake = copy_of(frozen, tmp_path)
    now = status(lake, START + 4 * DAY).reference
    assert (now["action"], now["since"], now["learned_day"]) == ("frozen", START + 2 * DAY, START + DAY)
    assert now["holds"]
    _pin(tmp_path, "thawed")
    after = status(lake, START + 4 * DAY).reference
    assert (after["action"], after["learned_day"]) == (None, START + 3 * DAY)
    assert status(lake, START + 4 * DAY).to_plain()["reference"]["next"] is None


def test_under_a_policy_that_samples_otherwise_it_does_not_hold(frozen: Path) -> None:
    lake, border = Lake.open(frozen / "lake"), START + 4 * DAY
    other = replace(POLICY, distribution=replace(POLICY.distribution, sampled_calls=4))
    assert reference_at(lake, border, POLICY) is not None
    assert reference_at(lake, border, other) is None


def test_doctor_names_a_reference_that_was_changed_or_lost(frozen: Path, tmp_path: Path) -> None:
    lake = copy_of(frozen, tmp_path)
    assert not examine(Case(lake)).symptoms
    (path,) = (lake / "_stillwatch" / "references").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    ((check, symptom),) = examine(Case(lake)).symptoms
    assert (check, symptom.severity) == ("references", "error")
    assert "was changed after it was written" in symptom.problem
    path.unlink()
    _pin(tmp_path, "thawed")
    ((_, symptom),) = examine(Case(lake)).symptoms
    assert symptom.severity == "warning"
    assert "is missing" in symptom.problem


def test_the_commands_say_what_they_did(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLWATCH_KEY", "0f" * 32)

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["reference", *arguments])
        written = capsys.readouterr()
        assert not left.value.code, written.err
        return written.out

    assert "learned until 2026-03-03, 3 peer groups" in run("export", "--lake", str(old / "lake"), str(tmp_path / "it"))
    assert (tmp_path / "it").read_bytes() == (old / "it.reference").read_bytes()
    new = ("--lake", str(tmp_path / "new"))
    assert "holds from the first event on" in run("import", *new, str(tmp_path / "it"), "--by", "me", "--why", "young")
    assert "it was pinned before, from the first event on" in run("import", *new, str(tmp_path / "it"))
    assert json.loads(run("thaw", *new, "--format", "json"))["reference"] is None
    rows = Lake.open(tmp_path / "new").read("reference_pins")
    assert rows.select("action", "given_by", "why").rows() == [("imported", "me", "young"), ("thawed", None, None)]


def test_one_of_another_key_is_refused(old: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(LakeError, match="fingerprinted with key"):
        _pin(tmp_path, "imported", old / "it.reference")


def test_one_of_other_maps_is_refused(old: Path, tmp_path: Path) -> None:
    copy_of(old, tmp_path)
    file = replace(read_reference(old / "it.reference"), recipe="0" * 16)
    (tmp_path / "other").write_bytes(file.to_bytes())
    with pytest.raises(LakeError, match="sampled or mapped otherwise"):
        _pin(tmp_path, "imported", tmp_path / "other")
    assert Lake.open(tmp_path / "lake").read("reference_pins").is_empty()


def test_nothing_learned_is_nothing_to_freeze_or_export_and_nothing_pinned_nothing_to_thaw(tmp_path: Path) -> None:
    _write(tmp_path, 3, 1)
    run_backfill(tmp_path / "lake", [tmp_path / "day-0.jsonl"], Policy())
    with pytest.raises(LakeError, match="no reference was learned yet: that takes 200 accounts"):
        _pin(tmp_path, "frozen")
    with pytest.raises(LakeError, match="no reference was learned yet"):
        export_reference(tmp_path / "lake", tmp_path / "it")
    with pytest.raises(LakeError, match="no reference is pinned"):
        _pin(tmp_path, "thawed")


def _hostile(file: ReferenceFile, part: str, **columns: pl.Expr) -> bytes:
    parts = file.reference.parts
    changed = {**parts, part: parts[part].with_columns(**columns)}
    return replace(file, reference=CarriedReference(file.reference.learned_day, changed)).to_bytes()


@pytest.mark.parametrize(
    ("part", "columns"),
    [
        ("centres", {"mean": pl.col("mean").list.head(5)}),
        ("centres", {"mean": pl.col("mean").list.eval(pl.element() + 2**60)}),
        ("centres", {"whitener": pl.col("whitener").list.eval(pl.element() - 2**62)}),
        ("centres", {"scale": pl.lit(0.0)}),
        ("centres", {"scale": pl.lit(float("inf"))}),
        ("centres", {"map": pl.lit("other")}),
        ("centres", {"origin": pl.lit("x")}),
        ("centres", {"peer_group": pl.lit("x" * 1000)}),
        ("nulls", {"quantiles": pl.col("quantiles").list.reverse()}),
        ("nulls", {"quantiles": pl.col("quantiles").list.eval(pl.element() * float("nan"))}),
        ("nulls", {"quantiles": pl.col("quantiles").list.eval(pl.lit(None, pl.Float64))}),
        ("nulls", {"size": pl.lit(0, pl.Int64)}),
        ("nulls", {"peer_group": pl.lit("nobody")}),
        ("distances", {"day_maximum": pl.lit(float("inf"))}),
        ("distances", {"day_maximum": pl.lit(-1.0)}),
        ("distances", {"account_id": pl.lit("one")}),
    ],
)
def test_numbers_that_nobody_learned_are_refused(
    old: Path, tmp_path: Path, part: str, columns: dict[str, pl.Expr]
) -> None:
    file = read_reference(old / "it.reference")
    (tmp_path / "it").write_bytes(_hostile(file, part, **columns))
    with pytest.raises(LakeError, match="it is no reference that was learned"):
        read_reference(tmp_path / "it")


def test_bytes_that_are_no_reference_are_refused(old: Path, tmp_path: Path) -> None:
    whole, rng = (old / "it.reference").read_bytes(), random.Random(6)
    line, _, payload = whole.partition(b"\n")
    broken = [b"", b"junk", line, whole[:-1], whole + b"x", whole.replace(b"reference 1 ", b"reference 2 ", 1)]
    broken += [seal("reference", 1, data) for data in (b"", b"stillwatch state\n{}\n", payload[: len(payload) // 2])]
    broken += [seal("reference", 1, pack("reference", 1, {"about": pl.DataFrame({"key_id": [1]})}))]
    for _ in range(60):
        place = rng.randrange(len(payload))
        flipped = payload[:place] + bytes([payload[place] ^ (1 << rng.randrange(8))]) + payload[place + 1 :]
        broken.append(line + b"\n" + flipped)
    for number, data in enumerate(broken):
        (tmp_path / "it").write_bytes(data)
        with pytest.raises(LakeError):
            read_reference(tmp_path / "it")
        assert number >= 0


def test_bytes_behind_a_good_checksum_are_refused_or_sound(old: Path, tmp_path: Path) -> None:
    payload, rng = (old / "it.reference").read_bytes().partition(b"\n")[2], random.Random(7)
    refused = 0
    for _ in range(150):
        data = bytearray(payload)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(min(len(data), 6_000))] = rng.randrange(256)
        (tmp_path / "it").write_bytes(seal("reference", 1, bytes(data)))
        try:
            read_reference(tmp_path / "it")
        except LakeError:
            refused += 1
    assert refused > 50
