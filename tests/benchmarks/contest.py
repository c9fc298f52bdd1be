"""stillwatch and what one would use instead, on the same files, in the same minutes."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.logs import begins
from benchmarks.measure import PYTHON, STILLWATCH, Cost, Failed, cost_of, module, ratios, summary, told

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Bench:
    """Where and how often to measure.

    Attributes:
        folder: for logs, lakes and whatever contestants write.
        repeats: runs of each contestant, in turn.
        scale: share of the usual sizes.
        say: told what is being done.
        with_peers: whether DuckDB and honeypotllm take part (they may have to be downloaded).
    """

    folder: Path
    repeats: int = 3
    scale: float = 1.0
    say: Callable[[str], None] = field(default=lambda _: None)
    with_peers: bool = True

    def sized(self, number: int, least: int = 1_000) -> int:
        """A usual size at this scale."""
        return max(least, int(number * self.scale))

    def log(self, kind: str, records: int, accounts: int, days: int = 1) -> Path:
        """A log, written unless it is there."""
        path = self.folder / f"{kind}-{records}-{accounts}-{days}.jsonl"
        if not path.exists():
            self.say(f"writing {records:,} {kind} records")
            shape = ["--records", records, "--accounts", accounts, "--days", days]
            cost_of(module("logs", kind, path, *shape), self.folder)
        return path

    def damaged(self, source: Path) -> tuple[Path, list[int]]:
        """The same log with one line in a thousand made unreadable, and the numbers of those."""
        path = source.with_name(f"damaged-{source.name}")
        if not path.exists():
            cost_of(module("logs", "damage", path, "--source", source), self.folder)
        return path, json.loads(path.with_suffix(".bad").read_text())

    def backfill(self, log: Path) -> Cost:
        """The whole job: from the log to a committed lake, made anew."""
        command = [STILLWATCH, "backfill", str(log), "--lake", str(self.new_lake()), "--complete", "--quiet"]
        return cost_of([*command, "--key-file", str(self.key())], self.folder)

    def new_lake(self) -> Path:
        """Where the next lake goes; the last one is removed."""
        shutil.rmtree(self.lake, ignore_errors=True)
        return self.lake

    def key(self) -> Path:
        """The file of the fingerprint key."""
        path = self.folder / "key"
        if not path.exists():
            path.write_text("11" * 32)
            path.chmod(0o600)
        return path

    @property
    def lake(self) -> Path:
        """The lake of the last backfill."""
        return self.folder / "lake"

    def facts(self, target: Path) -> dict[str, Any]:
        """What the lake of the last backfill holds; calls by account and day go to `target`."""
        return dict(told(module("facts", self.lake, target), self.folder))


@dataclass(frozen=True)
class Contestant:
    """Something else that reads the log: its name in the table, and its command for (log, result)."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    is_comparable: bool = True


@dataclass(frozen=True)
class Workload:
    """A log, and who reads it besides stillwatch."""

    name: str
    title: str
    kind: str
    records: int
    accounts: int
    against: tuple[Contestant, ...]


def workloads(bench: Bench) -> Iterator[Workload]:
    """The workloads of the table, in order."""
    canonical = _with("Polars script", PYTHON, "plain_polars.py")
    honeypot: tuple[Contestant, ...] = ()
    litellm = [_script("Polars script", PYTHON, "plain_polars.py", "litellm")]
    if bench.with_peers:
        program = str(peers.python())
        canonical += _with("DuckDB SQL", program, "plain_duckdb.py")
        litellm += [_script("DuckDB SQL", program, "plain_duckdb.py", "litellm")]
        honeypot = (Contestant("honeypotllm 0.1.3", _command(program, "plain_honeypot.py"), is_comparable=False),)
    yield Workload(
        "canonical", "canonical records without text", "canonical",
        bench.sized(2_000_000), bench.sized(20_000, 20), tuple(canonical),
    )  # fmt: skip
    yield Workload(
        "litellm", "LiteLLM payloads with full text", "litellm",
        bench.sized(300_000), bench.sized(3_000, 20), tuple(litellm),
    )  # fmt: skip
    beam = Contestant("Beam pipeline, a call an element", _command(PYTHON, "plain_beam.py"))
    yield Workload(
        "beam", "fewer canonical records, because Beam is slow", "canonical",
        bench.sized(1_000_000), bench.sized(10_000, 20), (beam,),
    )  # fmt: skip
    if honeypot:
        yield Workload(
            "honeypot", "fewer LiteLLM payloads, because honeypotllm is slow", "litellm",
            bench.sized(10_000), bench.sized(100, 20), honeypot,
        )  # fmt: skip


def contest(bench: Bench) -> dict[str, Any]:
    """Every workload: each contestant's figures, and our speed as a share of theirs."""
    return {work.name: _run(bench, work) for work in workloads(bench)}


def damage(bench: Bench) -> dict[str, Any]:
    """Logs with one damaged line in a thousand against whole ones; the rejects must be exactly those lines."""
    found = {}
    for kind, records in (("canonical", bench.sized(500_000)), ("litellm", bench.sized(100_000))):
        whole = bench.log(kind, records, bench.sized(5_000, 20))
        broken, lines = bench.damaged(whole)
        clean, bad = [], []
        for number in range(bench.repeats):
            bench.say(f"{kind} with damaged lines, {number + 1} of {bench.repeats}")
            clean.append(bench.backfill(whole))
            bad.append(bench.backfill(broken))
        rejected = bench.facts(bench.folder / "days.csv")["rejected"]
        found[kind] = {
            "clean": summary(clean, records),
            "damaged": summary(bad, records),
            "ratio": ratios(bad, clean),
            "lines": len(lines),
            "exact": rejected == begins(broken, lines),
        }
    return found


def _run(bench: Bench, work: Workload) -> dict[str, Any]:
    log = bench.log(work.kind, work.records, work.accounts)
    result = bench.folder / "result.csv"
    ours: list[Cost] = []
    theirs: dict[str, list[Cost]] = {one.name: [] for one in work.against}
    for number in range(bench.repeats):
        bench.say(f"{work.title}, {number + 1} of {bench.repeats}: stillwatch")
        ours.append(bench.backfill(log))
        facts = bench.facts(bench.folder / "days.csv")
        for one in work.against:
            bench.say(f"{work.title}, {number + 1} of {bench.repeats}: {one.name}")
            _clear(bench.folder)
            theirs[one.name].append(cost_of(one.command(log, result), bench.folder))
            if one.is_comparable and _days(result) != _days(bench.folder / "days.csv"):
                raise Failed(f"{one.name} and stillwatch count other calls in {log}: compare {result}")
    size = log.stat().st_size
    return {
        "title": work.title,
        "records": work.records,
        "accounts": work.accounts,
        "bytes": size,
        "lake_megabytes": facts["megabytes"],
        "windows": facts["windows"],
        "stillwatch": summary(ours, work.records),
        "others": {
            name: {**summary(costs, work.records), "ratio": ratios(ours, costs)} for name, costs in theirs.items()
        },
    }


def _with(name: str, program: str, script: str) -> list[Contestant]:
    """The script that reads every field of a canonical record, and the one that reads what it needs."""
    return [
        _script(name, program, script, "canonical"),
        _script(f"{name}, ten fields of 24", program, script, "canonical_few"),
    ]


def _script(name: str, program: str, script: str, kind: str) -> Contestant:
    return Contestant(name, lambda log, result: [program, str(HERE / script), kind, str(log), str(result)])


def _command(program: str, script: str) -> Callable[[Path, Path], Sequence[str]]:
    return lambda log, result: [program, str(HERE / script), str(log), str(result)]


def _clear(folder: Path) -> None:
    for path in (folder / "result.csv", folder / "honeypot.db"):
        path.unlink(missing_ok=True)


def _days(path: Path) -> dict[tuple[str, str], int]:
    with path.open(newline="") as rows:
        return {(row["account_id"], row["day"]): int(row["calls"]) for row in csv.DictReader(rows)}
