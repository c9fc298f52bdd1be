"""`make evaluation`: how detection degrades with the attack's share, a pool's size, paraphrase, background and poorer logs.

Each world changes one thing of a base (judging/worlds.py). Rows are added to a JSON file, which `stillwatch evaluate --grid`
draws; a point that stands there is not measured again. `campaigns` before the axes goes through linkage alone and keeps nothing
(judging/linking.py), `leaning` learns what a harvester's day looks like (judging/leaning.py), `distribution` measures the distribution test by itself on published prompts (judging/distances.py).
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from judging import distances, leaning, linking
from judging.measuring import REAL_VARIANTS, measured, measured_real
from judging.worlds import points

SHARED = Path(os.environ.get("STILLWATCH_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
RESULTS = Path(__file__).parents[2] / "docs" / "evaluation.json"


def main() -> None:
    """Measures the points asked for that are not there yet."""
    if sys.argv[1:2] == ["campaigns"]:
        linking.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["leaning"]:
        leaning.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["distribution"]:
        distances.main(sys.argv[2:], SHARED)
        return
    parser = argparse.ArgumentParser(prog="make evaluation", description=__doc__)
    parser.add_argument("axes", nargs="*", help="attack share, heads of a pool, ...; all without")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11], help="worlds of these seeds; none of them was tuned on"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--shared-data", type=Path, default=SHARED, help="real traces and prompts; left out where there are none"
    )
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # what the engines say of every run
    known = {point.axis for point in points(0)} | {"real traces"}
    if set(asked.axes) - known:
        parser.error(f"the axes are {', '.join(sorted(known))}")
    rows = json.loads(asked.results.read_text()) if asked.results.exists() and not asked.anew else []
    there = {(row["axis"], row["value"], row["seed"]) for row in rows}
    with tempfile.TemporaryDirectory(prefix="stillwatch-judging-") as root:
        folder = Path(root) / "point"
        for axis, value, seed, measure in _wanted(asked.seeds, asked.shared_data, folder):
            if (axis, value, seed) not in there and (not asked.axes or axis in asked.axes):
                rows.append(measure())
                asked.results.write_text(json.dumps(rows, indent=1) + "\n")
                sys.stderr.write(f"{json.dumps(rows[-1])}\n")


def _wanted(
    seeds: list[int], shared_data: Path, folder: Path
) -> Iterator[tuple[str, float, int, Callable[[], dict[str, Any]]]]:
    """Axis, value, seed of every point, and what measures it."""
    if shared_data.exists():
        for number, variant in enumerate(REAL_VARIANTS):
            yield "real traces", number, 0, partial(measured_real, variant, shared_data, folder)
    for seed in seeds:
        for point in points(seed):
            yield point.axis, point.value, seed, partial(measured, point, folder)


if __name__ == "__main__":
    main()
