"""A day that failed its audit is learned once it was released: first thing at the next border, by name and with a reason."""

import json
import random
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from given_lakes import DAY, START, Killed, StopOnce, assert_equal, copy_of, record, run_backfill, tables_of
from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import States
from pipelines.rebuild import RebuildRequest, rebuild
from pipelines.release import Released, ReleaseRequest, preview, release
from pipelines.request import Request
from pipelines.sight.alerts import open_alerts
from pipelines.watch import watch
from schemas.errors import LakeError
from schemas.policy import Alerts, Policy, Watch

SILENT = START + DAY
"""The day with a gap of sixteen hours."""

POLICY = Policy.parse("[quality]\ngap_least_events = 50\n")


def _write(folder: Path, days: int) -> None:
    """A file a day, the first second of the following one included, so that the day's border is passed."""
    rng = random.Random(5)
    rows = [json.dumps(record(number, rng)) + "\n" for number in range(days * 960)]
    for day in range(days):
        lines = rows[day * 960 : (day + 1) * 960]
        if START + day * DAY == SILENT:
            lines = lines[:160] + lines[800:]
        (folder / f"day-{day}.jsonl").write_text("".join(lines))


def _day(folder: Path, *days: int) -> None:
    run_backfill(folder / "lake", [folder / f"day-{day}.jsonl" for day in days], POLICY)


def _learned_days(lake: Path) -> set[object]:
    """Days behind the reference that holds now."""
    states, last = States(lake), Lake.open(lake).last_run()
    assert last is not None
    snapshot = read_snapshot(lake, states.read_manifest(last["run_id"])["snapshot"])
    return set(snapshot["references"]["day"])


def _request(folder: Path, day: object = SILENT) -> ReleaseRequest:
    return ReleaseRequest(folder / "lake", day, "night shift", "the gateway was down")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def quarantined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days in the lake, the second of which failed; two more as files."""
    folder = tmp_path_factory.mktemp("quarantined")
    _write(folder, 4)
    summary = run_backfill(folder / "lake", [folder / "day-0.jsonl", folder / "day-1.jsonl"], POLICY)
    assert summary.quarantined == (SILENT,)
    return folder


@pytest.fixture(scope="module")
def unreleased(quarantined: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and the day after it."""
    folder = tmp_path_factory.mktemp("unreleased")
    copy_of(quarantined, folder)
    _day(folder, 2)
    return folder


@dataclass(frozen=True)
class AtTheBorder:
    """The two days, released, and the day after it: the folder, what the release told, what was learned when it had been given."""

    folder: Path
    told: Released
    learned_before: set[object]


@pytest.fixture(scope="module")
def at_the_border(quarantined: Path, tmp_path_factory: pytest.TempPathFactory) -> AtTheBorder:
    folder = tmp_path_factory.mktemp("at-the-border")
    lake = copy_of(quarantined, folder)
    told = release(_request(folder))
    learned = _learned_days(lake)
    _day(folder, 2)
    return AtTheBorder(folder, told, learned)


@pytest.fixture(scope="module")
def released(at_the_border: AtTheBorder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and one day more."""
    folder = tmp_path_factory.mktemp("released")
    copy_of(at_the_border.folder, folder)
    _day(folder, 3)
    return folder


def test_without_a_release_the_day_is_never_learned(unreleased: Path) -> None:
    assert _learned_days(unreleased / "lake") == {START, START + 2 * DAY}


def test_the_border_after_the_release_learns_the_day_first_and_then_its_own(at_the_border: AtTheBorder) -> None:
    lake, done = at_the_border.folder / "lake", at_the_border.told
    assert done.holds_from == START + 3 * DAY
    assert any("events" in failed for failed in done.failed)
    assert at_the_border.learned_before == {START}
    assert _learned_days(lake) == {START, SILENT, START + 2 * DAY}
    (row,) = Lake.open(lake).read("releases").to_dicts()
    assert (row["day"], row["given_by"], row["why"]) == (SILENT, "night shift", "the gateway was down")


def test_a_release_after_later_days_were_learned_takes_the_day_in_too(unreleased: Path, tmp_path: Path) -> None:
    lake = copy_of(unreleased, tmp_path)
    release(_request(tmp_path))
    _day(tmp_path, 3)
    assert _learned_days(lake) == {START, SILENT, START + 2 * DAY, START + 3 * DAY}


def test_appends_and_a_rebuild_give_what_the_first_run_gave(released: Path, tmp_path: Path) -> None:
    lake = copy_of(released, tmp_path)
    rebuild(RebuildRequest(lake, START), Progress(quiet=True))
    assert_equal(released / "lake", lake)
    assert _learned_days(lake) == _learned_days(released / "lake")


def test_a_day_that_is_not_quarantined_cannot_be_released(quarantined: Path) -> None:
    with pytest.raises(LakeError, match=r"2026-03-02 is not quarantined.*name one that is: 2026-03-03"):
        release(_request(quarantined, START))
    with pytest.raises(LakeError, match="not quarantined"):
        preview(_request(quarantined, START + 9 * DAY))


def test_a_day_is_released_once(released: Path) -> None:
    with pytest.raises(LakeError, match="was released before, by night shift from 2026-03-05 on"):
        release(_request(released, SILENT + timedelta(hours=5)))


def test_a_preview_records_nothing(quarantined: Path) -> None:
    preview(_request(quarantined))
    assert Lake.open(quarantined / "lake").read("releases").is_empty()


def test_a_release_killed_at_any_commit_point_is_completed_by_whatever_comes_next(
    quarantined: Path, tmp_path: Path
) -> None:
    points: list[str] = []
    counted = copy_of(quarantined, tmp_path / "counted")
    release(_request(counted.parent), points.append)
    assert len(points) >= 5
    for number in range(len(points)):
        lake = copy_of(quarantined, tmp_path / f"killed-{number}")
        left = [number]

        def kill(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        with pytest.raises(Killed):
            release(_request(lake.parent), kill)
        if number % 2:
            run_backfill(lake, [lake.parent / "day-0.jsonl"], POLICY)
        elif number < len(points) - 1:
            release(_request(lake.parent))
        assert (
            Lake.open(lake)
            .read("releases")
            .drop("given_at")
            .equals(Lake.open(counted).read("releases").drop("given_at"))
        )
        shutil.rmtree(lake.parent)


def test_an_untouched_day_scores_as_before_the_release(released: Path, quarantined: Path) -> None:
    before, after = tables_of(quarantined / "lake"), tables_of(released / "lake")
    scored = after["account_scores"].filter(pl.col("window_end") <= START + 2 * DAY)
    assert scored.equals(before["account_scores"])


def test_a_watch_tells_of_the_day_until_it_is_released(quarantined: Path, tmp_path: Path) -> None:
    lake = copy_of(quarantined, tmp_path)
    policy = replace(POLICY, alerts=Alerts(look_seconds=0.0), watch=Watch(latency_seconds=0.02))
    request = Request((str(tmp_path / "day-0.jsonl"),), lake, groups=2, key_file=tmp_path / "key", policy=policy)
    watch(request, Progress(quiet=True), StopOnce(lake, lambda lake: not open_alerts(lake).is_empty()))
    told = open_alerts(Lake.open(lake)).select("kind", "subject")
    assert told.rows() == [("day_quarantined", f"{SILENT:%Y-%m-%d}")]
    release(_request(tmp_path))
    watch(request, Progress(quiet=True), StopOnce(lake, lambda lake: open_alerts(lake).is_empty()))
