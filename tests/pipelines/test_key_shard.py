"""What a shard remembers: some entries of the manifest, of which a run writes those that changed and drops what is too old."""

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, at, traits
from given_lakes import record, run_backfill
from pipelines.key_shard import ShardState, step
from pipelines.lake.lake import Lake
from pipelines.lake.state import Manifest, States
from schemas.policy import Links, Policy
from schemas.registry import REGISTRY
from transforms.campaigns import Base
from transforms.links import Compact

BASE = Base(fresh=0.2, cards=0.1, bursts=0.001, moves=0.2, sleepless=0.4, leaning=0.1)
POLICY = replace(Policy(), links=Links(memory_days=1))


def shown(*rows: tuple[str, int, float]) -> Compact:
    """Account, key and minute of what each shows."""
    kind = {"kind": "system"}
    return Compact.of(traits([kind | {"account_id": a, "key": k, "minute": m, "second": 0} for a, k, m in rows]))


def run(
    states: States, manifest: Manifest, rows: Compact, until: datetime, key: str = "shard-000"
) -> tuple[Manifest, Manifest, list[str]]:
    """The manifest after a run, what it wrote, and what goes."""
    before = ShardState.read(states, manifest, key)
    after, _ = step(before, rows, REGISTRY.empty(), BASE, until, POLICY)
    written, gone = after.write(before, states, key, f"detect-{until:%Y%m%d%H%M}")
    return {name: of for name, of in manifest.items() if name not in gone} | written, written, gone


@pytest.fixture
def states(tmp_path: Path) -> States:
    return States(tmp_path)


def test_what_was_stored_is_what_is_read(states: States) -> None:
    manifest, _, _ = run(states, {}, shown(("a", 1, 0), ("b", 1, 0), ("a", 2, 0)), at(5))
    pieces = ShardState.read(states, manifest, "shard-000").index.pieces()
    assert sorted(pieces) == ["names-00683-000", "postings", "segments-20260302-000"]
    assert pieces["segments-20260302-000"].rows.height == 1
    after, _, _ = run(states, manifest, shown(("b", 2, 5)), at(10))
    assert ShardState.read(states, after, "shard-000").index.table.postings.height == 4


def test_a_run_without_traits_writes_nothing_of_the_index(states: States) -> None:
    manifest, _, _ = run(states, {}, shown(("a", 1, 0), ("b", 1, 0), ("a", 2, 0)), at(5))
    after, written, gone = run(states, manifest, shown(), at(10))
    assert (list(written), gone) == (["links/shard-000"], [])
    assert after == manifest | written


def test_entries_of_days_that_are_too_old_go(states: States) -> None:
    manifest, _, _ = run(states, {}, shown(("a", 1, 0)), DAY + timedelta(days=1))
    assert "segments/shard-000-20260302-000" in manifest
    after, _, gone = run(states, manifest, shown(("a", 2, 1440)), DAY + timedelta(days=2))
    assert gone == ["segments/shard-000-20260302-000"]
    assert [name for name in after if name.startswith("segments/")] == ["segments/shard-000-20260303-000"]


def test_shards_do_not_read_each_others_entries(states: States) -> None:
    manifest, _, _ = run(states, {}, shown(("a", 1, 0)), at(5))
    other, _, _ = run(states, manifest, shown(("b", 2, 0)), at(5), "shard-001")
    one = ShardState.read(states, other, "shard-000").index
    assert_frame_equal(one.segments[0].rows, ShardState.read(states, manifest, "shard-000").index.segments[0].rows)
    assert len(ShardState.read(states, other, "shard-001").index.segments) == 1


def test_a_lake_keeps_the_index_of_the_days_that_are_remembered(tmp_path: Path) -> None:

    rng = random.Random(5)
    log = tmp_path / "log.ndjson"
    log.write_bytes(b"".join(json.dumps(record(number, rng)).encode() + b"\n" for number in range(0, 4_800, 4)))
    run_backfill(tmp_path / "one" / "lake", [log], POLICY)
    lake = Lake.open(tmp_path / "one" / "lake")
    last = lake.last_run()
    assert last is not None
    manifest = States(lake.root).read_manifest(last["run_id"])
    days = {name.split("-")[2] for name in manifest if name.startswith("segments/")}
    assert days == {"20260306"}  # ticks are closed until the midnight after it
    folders = {path.parent.name.split("-")[2] for path in (lake.root / "_stillwatch/state/segments").glob("*/*")}
    assert days < folders, "earlier days stay for a rebuild from their borders"
