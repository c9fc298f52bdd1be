"""The page is whole by itself, and draws what the figures say."""

import re
from xml.dom import minidom

import numpy as np
import polars as pl
import pytest

from counted_world import found
from transforms.evaluate import curve
from transforms.evaluate.figures import Axis, Line, bars, curves

SHARE, CALLS = Axis("share", is_share=True), Axis("calls", is_log=True)


def parsed(svg: str) -> minidom.Document:
    return minidom.parseString(svg)


def test_a_curve_has_a_point_a_value_and_a_ring_at_its_mark() -> None:
    drawn = parsed(curves("a < b", Axis("hours"), CALLS, [Line("pool-1", [(1, 10), (2, 100), (3, 1000)], (2.5, 300))]))
    assert len(drawn.getElementsByTagName("polyline")[0].getAttribute("points").split()) == 3
    assert [c.getAttribute("r") for c in drawn.getElementsByTagName("circle")] == ["3", "3", "3", "6"]


def test_what_a_logarithm_cannot_show_is_left_out() -> None:
    drawn = parsed(curves("t", Axis("hours"), CALLS, [Line("a", [(1, 0), (2, 10), (3, 20)])]))
    assert len(drawn.getElementsByTagName("polyline")[0].getAttribute("points").split()) == 2
    assert curves("t", Axis("hours"), CALLS, [Line("a", [(1, 0)])]) == ""


def test_levels_beyond_the_values_are_not_drawn() -> None:
    drawn = parsed(curves("t", Axis("hours"), CALLS, [Line("a", [(1, 500), (2, 2000)])], [("1k", 1000), ("800k", 8e5)]))
    assert "1k" in drawn.toxml()
    assert "800k" not in drawn.toxml()


def test_bars_are_as_long_as_their_values() -> None:
    drawn = parsed(bars("t", [("one", 0.1, 0.05, 0.2), ("two", 0.2, 0.1, 0.4)]))
    first, second = (float(r.getAttribute("width")) for r in drawn.getElementsByTagName("rect"))
    assert second == pytest.approx(2 * first, abs=0.2)


def test_the_curve_counts_both_sides_at_each_threshold() -> None:
    scores = pl.DataFrame({"account_id": ["t1", "b1", "t2", "b2", "t3"], "score": [9.0, 8.0, 7.0, 6.0, 6.0]})
    points = curve(found(), scores)
    assert np.allclose(points, [(1 / 3, 1 / 3), (2 / 3, 1.0)])


def test_a_world_without_thieves_has_no_curve() -> None:
    honest = found().filter(pl.col("label") == "benign")
    assert curve(honest, pl.DataFrame({"account_id": ["b1"], "score": [1.0]})) == []


def test_names_are_escaped_in_figures() -> None:
    assert re.search("<b>", curves("<b>", SHARE, SHARE, [Line("<b>", [(0, 0), (1, 1)])])) is None
