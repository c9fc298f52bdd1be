"""Files that rot: whatever lies in a lake and however it is damaged, nobody is told wrong rows or shown a traceback."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from dying import FAILED, Children, is_one_clear_sentence, is_sentence, kind_of
from pipelines.cli.main import main
from pipelines.lake.files import is_sound
from schemas.errors import LakeError
from small_world import RECORDS, Clean, SmallWorld, assert_equal, tables

KILLED = -9
TORN_AT = "create_write_transaction account_scores"


def flipped(data: bytes, place: int | None = None) -> bytes:
    place = len(data) // 2 if place is None else place
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "a bit flipped": flipped,
    "emptied": lambda data: b"",
    "half gone": lambda data: data[: len(data) // 2],
    "deleted": lambda data: None,
}
GROSS = ("emptied", "half gone", "deleted")

UNSEALED = (".parquet", ".json", "lease")
"""Names in which a single flipped bit may stand for another value: Parquet and Delta have no seal that readers check."""


@pytest.fixture(scope="module")
def torn(children: Children, clean: Clean, tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    """A world whose second run was killed in the middle of its commit: every kind of file lies in its lake."""
    world = SmallWorld(tmp_path_factory.mktemp("torn")).make()
    lake = world.folder / "lake"
    assert children.run(world.first(lake), lake).code == 0
    for table in ("events", "runs"):
        DeltaTable(lake / table).create_checkpoint()
    world.write(RECORDS)
    others = [point for point in clean.kinds if point != TORN_AT]
    assert len(others) == len(clean.kinds) - 1
    assert children.run(world.second(lake), lake, new_to=others).code == KILLED
    return world


def files_of_each_kind(lake: Path) -> list[tuple[str, Path]]:
    """Kind and name of the oldest and the newest file of every kind that lies in a lake."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path.relative_to(lake) for path in lake.rglob("*") if path.is_file()):
        found.setdefault(kind_of(str(path)), []).append(path)
    return [(kind, path) for kind, paths in found.items() for path in sorted({paths[0], paths[-1]})]


def damaged_copies(lake: Path, folder: Path, wanted: Callable[[str, str], bool]) -> Iterator[tuple[str, str, Path]]:
    """(kind, damage, copy of the lake with one file of that kind damaged so), for every pair that is wanted."""
    for kind, path in files_of_each_kind(lake):
        for damage, apply in DAMAGES.items():
            if not wanted(kind, damage):
                continue
            copy = folder / "copy"
            shutil.copytree(lake, copy)
            data = apply((copy / path).read_bytes())
            (copy / path).unlink()
            if data is not None:
                (copy / path).write_bytes(data)
            yield kind, damage, copy
            shutil.rmtree(copy)


def ask(lake: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, lines of stdout in order of the alphabet, and stderr of a command that asks a lake."""
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--lake", str(lake)])
    written = capsys.readouterr()
    return int(left.value.code or 0), "\n".join(sorted(written.out.splitlines())), written.err


@pytest.mark.slow
def test_whoever_asks_a_damaged_lake_is_told_the_truth_or_what_is_damaged(
    torn: SmallWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = torn.folder / "lake"
    sql = "SELECT e.account_id, count(*) AS n, max(f.tier) AS tier FROM events e LEFT JOIN flagged_accounts f ON e.account_id = f.account_id GROUP BY 1"
    questions = [("query", sql, "--format", "csv"), ("explain", "acct-2")]
    truth = {question: ask(lake, capsys, *question) for question in questions}
    assert [code for code, _, _ in truth.values()] == [0, 0]

    def wanted(kind: str, damage: str) -> bool:
        asked = kind.startswith(
            (
                "_stillwatch/lake",
                "_stillwatch/plans",
                "_stillwatch/man",
                "events/",
                "runs/",
                "flagged",
                "findings/",
                "account_scores/",
            )
        )
        # A run whose entry is gone was never committed: what is told then is the truth before it.
        is_run = kind.startswith("runs/_delta_log/#.json") and damage == "deleted"
        return asked and not is_run and (damage in GROSS or not kind.endswith(UNSEALED))

    count = 0
    for kind, damage, copy in damaged_copies(lake, tmp_path, wanted):
        for question in questions:
            code, out, err = ask(copy, capsys, *question)
            if (code, out) != truth[question][:2]:
                assert code == FAILED, (kind, damage, question[0], out[-300:], err)
                assert is_sentence(err), (kind, damage, question[0], err)
            count += 1
    assert count > 80


def unread(clean: Clean, lake: Path) -> str:
    """What of the lake cannot be read, "" where every table is that of a clean run."""
    try:
        found = tables(lake)
    except LakeError as error:
        return error.where
    assert_equal(clean.tables, found)
    return ""


def repeats(
    children: Children, clean: Clean, torn: SmallWorld, folder: Path, wanted: Callable[[str, str], bool]
) -> set[str]:
    """The kinds of files whose damage was met: each time the backfill goes on to the clean end, or it or a reader says what is
    damaged."""
    met = set()
    for kind, damage, copy in damaged_copies(torn.folder / "lake", folder, wanted):
        ended = children.run(torn.second(copy), copy)
        if ended.code == 0:
            # A file that no run reads, like old rejects, is not met: whoever asks for it is told.
            told = unread(clean, copy)
            assert told == "" or kind.partition("/")[0] in told, (kind, damage, told)
        else:
            assert is_one_clear_sentence(ended), (kind, damage, ended.code, ended.err)
        met.add(kind)
    return met


def test_a_run_whose_entry_was_lost_while_the_next_was_at_work_is_done_again_and_then_the_next(
    children: Children, clean: Clean, torn: SmallWorld, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(torn.folder / "lake", lake)
    max((lake / "runs" / "_delta_log").glob("*.json")).unlink()
    ended = children.run(torn.second(lake), lake)
    assert ended.code == 0, ended.err
    assert ended.err.count("finishing run") == 2
    assert_equal(clean.tables, tables(lake))


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [pytest.param(damage, marks=pytest.mark.soak) if damage == "emptied" else damage for damage in DAMAGES]
)  # an emptied file is one of which not even half is left
def test_a_backfill_over_any_damaged_file_ends_clean_or_in_one_sentence(
    children: Children, clean: Clean, torn: SmallWorld, tmp_path: Path, damage: str
) -> None:
    def wanted(kind: str, this: str) -> bool:
        return this == damage and (this in GROSS or not kind.endswith(UNSEALED))

    met = repeats(children, clean, torn, tmp_path, wanted)
    assert len(met) > 10
    if damage in GROSS:
        assert met >= {
            "_stillwatch/lake.json",
            "_stillwatch/plans/#-detect.plan",
            "_stillwatch/state/STAGE/group-#/detect-#",
        }


def test_a_flipped_bit_in_the_rows_of_a_data_file_is_seen_by_the_checksums_of_its_pages_or_changes_nothing(
    torn: SmallWorld, tmp_path: Path
) -> None:
    """Readers do not check them, for speed; doctor does. The footer behind the pages has no checksum."""
    rotten, seen = tmp_path / "rotten.parquet", 0
    for path in sorted((torn.folder / "lake").glob("*/*.parquet")):
        data, rows = path.read_bytes(), pl.read_parquet(path)
        for start, end in column_chunks(path):
            rotten.write_bytes(flipped(data, (start + end) // 2))
            if is_sound(rotten):
                with contextlib.suppress(pl.exceptions.PolarsError):
                    assert pl.read_parquet(rotten).equals(rows), (path.name, start)
            else:
                seen += 1
    assert seen > 100


def column_chunks(path: Path) -> list[tuple[int, int]]:
    """Where the pages of each column lie."""
    groups = pq.read_metadata(path)
    found = []
    for group in range(groups.num_row_groups):
        for column in range(groups.num_columns):
            chunk = groups.row_group(group).column(column)
            start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            found.append((start, start + chunk.total_compressed_size))
    return found
