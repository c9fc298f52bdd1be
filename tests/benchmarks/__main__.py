"""`make bench`: what stillwatch costs, against what, and where it goes.

Parts: contest (against Polars, DuckDB, Beam, honeypotllm), stages (where the time goes), kernels (fingerprints and
decoding), damage (bad lines), growth (events, accounts, days), latency (query and explain on a million accounts), links
(the index of shared keys, 100 M traits of a million accounts).
Without a name, all of them. Results are kept by part in a JSON file, from which docs/performance.md is written.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import contest, growth, inside, latency, linking, page, peers
from benchmarks.contest import Bench
from benchmarks.measure import Failed, machine

DOCS = Path(__file__).parents[2] / "docs"
PARTS: dict[str, Callable[[Bench, argparse.Namespace], dict[str, Any]]] = {
    "contest": lambda bench, _: contest.contest(bench),
    "stages": lambda bench, _: inside.stages(bench),
    "kernels": lambda bench, _: inside.kernels(bench),
    "damage": lambda bench, _: contest.damage(bench),
    "growth": lambda bench, asked: growth.growth(bench, asked.most),
    "latency": lambda bench, _: latency.latency(bench),
    "links": lambda bench, _: linking.linking(bench),
}


def main() -> None:
    """Measures the parts asked for and tells what was measured."""
    asked = _asked()
    results = json.loads(asked.results.read_text()) if asked.results.exists() else {}
    before = machine()
    if before["load"] > before["processors"] / 2:
        _say(f"the machine is busy (load {before['load']}): figures will be too slow and spread wide")
    with _folder(asked.folder) as folder:
        bench = Bench(folder, asked.repeats, asked.scale, _say, with_peers=_has_peers(asked))
        failed = []
        for name in asked.parts:
            began = time.monotonic()
            try:
                measured = PARTS[name](bench, asked)
            except Failed as error:  # the others are worth having
                _say(f"{name} failed: {error}")
                failed.append(name)
                continue
            took = round(time.monotonic() - began)
            results[name] = {"machine": before, "scale": asked.scale, "took_seconds": took, "measured": measured}
            asked.results.parent.mkdir(parents=True, exist_ok=True)
            asked.results.write_text(json.dumps(results, indent=1) + "\n")
            _say(f"{name} took {took} s")
    sys.stdout.write(page.text(results, [name for name in asked.parts if name not in failed]))
    if asked.write_docs or asked.page:
        page.write(results, DOCS)
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)}; what stands there is of an earlier time")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual sizes")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each contestant, in turn")
    parser.add_argument("--most", type=int, default=4_000_000, help="largest number of events of growth")
    parser.add_argument("--folder", type=Path, help="for logs and lakes (kept); without, a temporary one")
    parser.add_argument("--results", type=Path, default=DOCS / "performance.json")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md and its figures anew")
    parser.add_argument("--page", action="store_true", help="only write them, from the results there are")
    parser.add_argument("--no-peers", action="store_true", help="without DuckDB and honeypotllm: nothing is downloaded")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    asked.parts = [] if asked.page else asked.parts or list(PARTS)
    return asked


def _has_peers(asked: argparse.Namespace) -> bool:
    """Whether DuckDB and honeypotllm can take part; they are installed now if they are not there."""
    if asked.no_peers or "contest" not in asked.parts:
        return False
    try:
        peers.python()
    except subprocess.CalledProcessError:
        _say("DuckDB and honeypotllm cannot be installed and are left out; their goals will not be measured")
        return False
    return True


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="stillwatch-bench-") as folder:
        yield Path(folder)


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
