"""Rows of many worlds are added up, never averaged as shares, and drawn by what was changed."""

from typing import Any

from transforms.evaluate.degradation import figures, left_out, summed


def row(axis: str, value: float, **changes: Any) -> dict[str, Any]:
    counts = {
        "calls": 1000, "campaigns": 5, "campaigns_found": 1, "campaigns_false": 0, "heads": 50, "heads_found": 10, "alone": 0,
        "alone_found": 0, "honest_days": 100, "honest_days_flagged": 1, "taken_median": None, "processor": 2.0,
    }  # fmt: skip
    return {"axis": axis, "value": value, "variant": "everything", "seed": 1, **counts, **changes}


def test_counts_of_seeds_add_up() -> None:
    told = summed([row("attack share", 0.1), row("attack share", 0.1, seed=2, campaigns_found=5, taken_median=8.0)])
    assert len(told) == 1
    assert (told[0]["campaigns"], told[0]["campaigns_found"], told[0]["seeds"]) == (10, 6, 2)
    assert (told[0]["taken_median"], told[0]["processor"]) == (8.0, 2.0)


def test_values_stand_in_order_and_axes_as_they_came() -> None:
    told = summed([row("paraphrase", 0.8), row("attack share", 1.0), row("paraphrase", 0.0)])
    assert [(r["axis"], r["value"]) for r in told] == [("paraphrase", 0.0), ("paraphrase", 0.8), ("attack share", 1.0)]


def test_a_figure_an_axis_without_what_has_no_order() -> None:
    rows = [
        row("attack share", 0.1),
        row("attack share", 1.0),
        row("background", 1),
        row("background", 10),
        row("log", 3),
    ]
    drawn = figures(rows)
    assert len(drawn) == 2
    assert "campaigns found" in drawn[0]
    assert "thieves alone found" not in drawn[0]


def without(name: str, value: int, listed: int, seed: int = 1) -> dict[str, Any]:
    harvests = {"T-COT": {"pools": 1, "found": 1, "heads": 30, "listed": listed}}
    return row("without", value, variant=name, seed=seed, harvests=harvests, heads=30, heads_found=listed)


LEFT_OUT = [without("turns", 1, 10), without("nothing", 0, 30), without("turns", 1, 11, seed=2)]


def test_what_is_left_out_stands_in_order_with_the_heads_of_all_seeds() -> None:
    harvests, table = left_out([*LEFT_OUT, row("log", 1)])
    assert harvests == ["T-COT"]
    assert table == [("nothing", {"T-COT": (30, 30)}), ("turns", {"T-COT": (21, 60)})]


def test_what_is_left_out_is_drawn_with_intervals() -> None:
    (drawn,) = figures(LEFT_OUT)
    assert "without" in drawn
    assert drawn.index(">nothing<") < drawn.index(">turns<")
