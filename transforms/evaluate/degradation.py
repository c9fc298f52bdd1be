"""How detection degrades as one thing changes: rows of many small worlds, summed and drawn."""

from collections.abc import Sequence
from typing import Any

from transforms.evaluate.figures import Axis, Line, bars, curves
from transforms.evaluate.intervals import wilson

SHARES = {
    "campaigns found": ("campaigns_found", "campaigns"),
    "heads found": ("heads_found", "heads"),
    "thieves alone found": ("alone_found", "alone"),
}
"""Curve -> hits and trials of a row."""

UNORDERED = ("log", "real traces", "detectors", "low and slow", "large pool", "without")
"""Axes whose values are numbers of variants, told by name, and worlds that stand by themselves."""

WITHOUT = "without"
"""The axis on which the judgement leaves out one kind of evidence after the other; `variant` says which."""

IN_ORDERS_OF_MAGNITUDE = ("heads of a pool", "calls a day and head", "background")


def summed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of equal axis and value as one: counts added, medians and costs averaged; in order of axis and value.

    Args:
        rows: axis, value, variant, seed, calls, campaigns, campaigns_found, campaigns_false, heads, heads_found, alone,
            alone_found, honest_days, honest_days_flagged, taken_median (or None), processor (seconds).

    Returns:
        The same without seed, and with `seeds`, their number.
    """
    groups: dict[tuple[str, float, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["axis"], row["value"], row["variant"]), []).append(row)
    added = (
        "calls",
        "campaigns_false",
        "honest_days",
        "honest_days_flagged",
        *(n for pair in SHARES.values() for n in pair),
    )
    told = []
    for (axis, value, variant), same in groups.items():
        medians = [row["taken_median"] for row in same if row["taken_median"] is not None]
        told.append(
            {"axis": axis, "value": value, "variant": variant, "seeds": len(same)}
            | {name: sum(row[name] for row in same) for name in added}
            | {"taken_median": sum(medians) / len(medians) if medians else None}
            | {"processor": sum(row["processor"] for row in same) / len(same)}
        )
    axes = list(dict.fromkeys(row["axis"] for row in told))
    return sorted(told, key=lambda row: (axes.index(row["axis"]), row["value"]))


def figures(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A figure an axis: shares found against the value, or without something; what else has no order of its own is left to the table."""
    drawn = []
    table = summed(rows)
    for axis in dict.fromkeys(row["axis"] for row in table):
        if axis == WITHOUT:
            drawn.append(bars("Heads of pools found, without", _heads(table)))
        if axis in UNORDERED:
            continue
        lines = [
            Line(
                name, [(row["value"], row[hits] / row[trials]) for row in table if row["axis"] == axis and row[trials]]
            )
            for name, (hits, trials) in SHARES.items()
        ]
        is_log = axis in IN_ORDERS_OF_MAGNITUDE
        across = Axis(axis, is_log=is_log, is_share=axis in ("attack share", "paraphrase"))
        drawn.append(curves(f"Found, by {axis}", across, Axis("found", is_share=True), lines))
    return drawn


def _heads(table: Sequence[dict[str, Any]]) -> list[tuple[str, float, float, float]]:
    rows = [row for row in table if row["axis"] == WITHOUT and row["heads"]]
    return [
        (row["variant"], row["heads_found"] / row["heads"], *wilson(row["heads_found"], row["heads"])) for row in rows
    ]


def left_out(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[tuple[str, dict[str, tuple[int, int]]]]]:
    """What is found of each harvest without one kind of evidence after the other.

    Args:
        rows: as for `summed`, those of the axis WITHOUT with `harvests`: by harvest pools, found, heads, listed.

    Returns:
        The harvests, sorted; and what was left out, in order, with heads on the review list and heads by harvest.
    """
    mine = sorted((row for row in rows if row["axis"] == WITHOUT), key=lambda row: (row["value"], row["seed"]))
    told: dict[str, dict[str, tuple[int, int]]] = {}
    for row in mine:
        counted = told.setdefault(row["variant"], {})
        for harvest, counts in row["harvests"].items():
            listed, heads = counted.get(harvest, (0, 0))
            counted[harvest] = listed + counts["listed"], heads + counts["heads"]
    harvests = sorted({harvest for counted in told.values() for harvest in counted})
    return harvests, list(told.items())
