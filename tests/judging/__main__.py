"""`make evaluation`: how detection degrades with the attack's share, a pool's size, paraphrase, background and poorer logs.

Each world changes one thing of a base (judging/worlds.py). Rows are added to a JSON file, which `stillwatch evaluate --grid`
draws; a point that stands there is not measured again.
"""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

from judging.measuring import measured
from judging.worlds import points

RESULTS = Path(__file__).parents[2] / "docs" / "evaluation.json"


def main() -> None:
    """Measures the points asked for that are not there yet."""
    parser = argparse.ArgumentParser(prog="make evaluation", description=__doc__)
    parser.add_argument("axes", nargs="*", help="attack share, heads of a pool, ...; all without")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11], help="worlds of these seeds; none of them was tuned on"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # what the engines say of every run
    known = {point.axis for point in points(0)}
    if set(asked.axes) - known:
        parser.error(f"the axes are {', '.join(sorted(known))}")
    rows = json.loads(asked.results.read_text()) if asked.results.exists() and not asked.anew else []
    there = {(row["axis"], row["value"], row["seed"]) for row in rows}
    with tempfile.TemporaryDirectory(prefix="stillwatch-judging-") as folder:
        for seed in asked.seeds:
            for point in points(seed):
                if (point.axis, point.value, seed) in there or (asked.axes and point.axis not in asked.axes):
                    continue
                rows.append(measured(point, Path(folder) / "point"))
                asked.results.write_text(json.dumps(rows, indent=1) + "\n")
                sys.stderr.write(f"{json.dumps(rows[-1])}\n")


if __name__ == "__main__":
    main()
