"""The index of shared keys as it grows: the kernel alone, a day at a time, its state stored and read each time.

Run as a module it is the measured process: `linking TRAITS ACCOUNTS DAYS FOLDER` prints its points as JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.contest import Bench
from benchmarks.measure import cost_of, module

TRAITS, ACCOUNTS, DAYS = 100_000_000, 1_000_000, 30
SHARDS = 4
TICKS = 12
"""Ticks that follow on the full index, each a run of its own."""

_DAY = datetime(2026, 3, 2, tzinfo=UTC)
_MINUTES = 24 * 60
_ONCE, _OWN, _POOLED = 0.75, 0.15, 0.09
"""Parts of the traits whose key is met once, is one of the account's own ten, or of a pool's; the rest is of everybody."""

_POOL = 200  # accounts
_POPULAR = 1_000  # keys of everybody


def linking(bench: Bench) -> dict[str, Any]:
    """Points by day, what a tick costs on the full index, and the peak memory."""
    sizes = (bench.sized(TRAITS, 30_000), bench.sized(ACCOUNTS, 1_000), DAYS)
    bench.say(f"links: {sizes[0]:,} traits of {sizes[1]:,} accounts on {DAYS} days")
    target = bench.folder / "linking.json"
    cost = cost_of(module("linking", *sizes, bench.folder / "index", target), bench.folder)
    return {
        "traits": sizes[0],
        "accounts": sizes[1],
        **json.loads(target.read_text()),
        "wall": cost.wall,
        "processor": cost.processor,
        "megabytes": cost.megabytes,
    }


def measure(traits: int, accounts: int, days: int, folder: Path) -> dict[str, Any]:
    """As many traits, spread over the days; then some single ticks."""
    points = [
        _run(folder, _of_day(day, traits // days, accounts), _DAY + timedelta(days=day + 1)) for day in range(days)
    ]
    ticks = [
        _run(folder, rows, _DAY + timedelta(days=days, minutes=5 * number + 5))
        for number, rows in enumerate(_of_ticks(days, traits // days // 288, accounts))
    ]
    return {"points": points, "ticks": ticks}


def _run(folder: Path, rows: Any, until: datetime) -> dict[str, Any]:
    """One run over all shards, its states read, stepped and stored."""
    from pipelines.key_shard import ShardState
    from pipelines.lake.state import States
    from schemas.policy import Policy
    from transforms.links import Compact, postings

    states, policy, record = States(folder), Policy(), folder / "manifest.json"
    manifest = json.loads(record.read_text()) if record.exists() else {}
    new, held, shared, written = rows.rows.height, 0, 0, 0
    clock = {"read": 0.0, "step": 0.0, "write": 0.0}
    parts = list(rows.shards(SHARDS))
    for number in range(SHARDS):
        key, part = f"shard-{number:03d}", Compact.together([parts[number].rows], [parts[number].names])
        began = time.process_time()
        before = ShardState.read(states, manifest, key)
        read = time.process_time()
        index, passed = postings.step(before.index, part, until, policy)
        stepped = time.process_time()
        entries, gone = ShardState(before.handles, index).write(before, states, key, f"{until:%Y%m%d%H%M}")
        clock["read"] += read - began
        clock["step"] += stepped - read
        clock["write"] += time.process_time() - stepped
        manifest = {name: value for name, value in manifest.items() if name not in gone} | entries
        held += sum(segment.rows.height for segment in index.segments) + index.table.postings.height
        shared += passed.height
        written += sum(_size(folder, name) for name in entries.values())
    for file in (folder / "_stillwatch" / "state").glob("*/*/*"):
        if "/".join(file.parts[-3:]) not in manifest.values():
            file.unlink()
    record.write_text(json.dumps(manifest))
    stages = {name.partition("/")[0] for name in manifest}
    sizes = {stage: sum(_size(folder, v) for v in manifest.values() if v.startswith(f"{stage}/")) for stage in stages}
    return {"new": new, "held": held, "shared": shared, "written": written, "seconds": clock, "bytes": sizes}


def _size(folder: Path, name: str) -> int:
    return (folder / "_stillwatch" / "state" / name).stat().st_size


def _of_day(day: int, count: int, accounts: int) -> Any:
    import numpy as np

    rng = np.random.default_rng(day)
    return _rows(rng, day * _MINUTES + 5 * rng.integers(0, 288, count), accounts)


def _of_ticks(day: int, count: int, accounts: int) -> Iterator[Any]:
    import numpy as np

    for tick in range(TICKS):
        rng = np.random.default_rng(1_000 + tick)
        yield _rows(rng, np.full(count, day * _MINUTES + 5 * tick), accounts)


def _rows(rng: Any, minutes: Any, accounts: int) -> Any:
    """Traits in these ticks: keys met once, of an account, of a pool, of everybody."""
    import numpy as np
    import polars as pl

    from transforms.links.compact import KINDS, NAMES, ROWS, Compact
    from transforms.sketches.mix import mix

    count = len(minutes)
    account = np.sort((accounts * rng.random(count) ** 2).astype(np.int64))  # some are busier than others
    kind = rng.random(count)
    own, pooled, popular = account * 10 + rng.integers(0, 10, count), account // _POOL, rng.integers(0, _POPULAR, count)
    fresh = rng.integers(2**60, 2**63, count)
    number = np.select(
        [kind < _ONCE, kind < _ONCE + _OWN, kind < _ONCE + _OWN + _POOLED],
        [fresh, own, pooled + 2**40],
        popular + 2**50,
    )
    start = int((_DAY - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) // 60
    hashes = mix(np.arange(accounts, dtype=np.uint64)).view(np.int64)
    rows = pl.DataFrame(
        {
            "word": mix(number.astype(np.uint64)),
            "account_hash": hashes[account],
            "kind": rng.integers(0, len(KINDS), count).astype(np.uint8),
            "tick": (start + minutes).astype(np.int32),
            "after": rng.integers(0, 300_000_000, count),
            "count": rng.integers(1, 5, count),
            "refused": np.zeros(count, dtype=np.int64),
            "elicited": rng.integers(0, 2, count),
            "output_tokens": rng.integers(0, 5_000, count),
        },
        schema_overrides={"word": pl.UInt64},
    ).cast(ROWS)
    rows = rows.unique(["word", "account_hash", "tick"]).sort("account_hash", "tick")
    there = np.unique(account)
    names = pl.DataFrame({"account_hash": hashes[there], "account_id": [f"acct-{n:09d}" for n in there]}, schema=NAMES)
    return Compact(rows, names)


if __name__ == "__main__":
    *asked, place, output = sys.argv[1:]
    Path(place).mkdir(parents=True)
    Path(output).write_text(json.dumps(measure(*map(int, asked), Path(place))))
