"""What happens inside stillwatch: time by stage, single kernels. Each is measured in a process of its own."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.contest import Bench
from benchmarks.measure import module, told

_RUNS = (("canonical", 2_000_000, 20_000), ("litellm", 100_000, 1_000))


def stages(bench: Bench) -> dict[str, Any]:
    """Microseconds of the processor a record, by stage, of one run over each kind of log."""
    found = {}
    for kind, records, accounts in _RUNS:
        size = bench.sized(records)
        log = bench.log(kind, size, bench.sized(accounts, 20))
        bench.say(f"{kind} by stage")
        timed = told(module("stages", log, bench.new_lake(), bench.key()), bench.folder)
        each = {stage: seconds / size * 1e6 for stage, seconds in timed["seconds"].items()}
        found[kind] = {"records": size, "microseconds": each, "whole": timed["whole"] / size * 1e6}
    return found


def kernels(bench: Bench) -> dict[str, Any]:
    """Fingerprints; decoding of real payloads against Polars; damaged against clean."""
    bench.say("fingerprints")
    found: dict[str, Any] = {
        "fingerprints": told(module("kernels", "fingerprints", bench.sized(50_000), bench.repeats), bench.folder)
    }
    real = bench.log("litellm_real", bench.sized(20_000), bench.sized(200, 20))
    bench.say("decoding real payloads, beside Polars")
    found["real"] = _decoding(bench, real, "litellm", "polars")
    damaged: dict[str, Any] = defaultdict(dict)
    for kind, records in (("canonical", 300_000), ("litellm", 60_000)):
        whole = bench.log(kind, bench.sized(records), bench.sized(3_000, 20))
        broken, lines = bench.damaged(whole)
        bench.say(f"decoding {kind}, clean and damaged")
        damaged[kind] = {
            "clean": _decoding(bench, whole, kind, "alone"),
            "damaged": _decoding(bench, broken, kind, "alone"),
            "lines": len(lines),
            "exact": told(module("kernels", "rejected", broken, kind), bench.folder) == lines,
        }
    return found | {"damaged": dict(damaged)}


def _decoding(bench: Bench, log: Path, form: str, against: str) -> dict[str, Any]:
    return dict(told(module("kernels", "decoding", log, form, bench.repeats, against), bench.folder))
