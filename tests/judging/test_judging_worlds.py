"""The grid changes one thing at a time, and a poorer log is still the same world."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from judging.measuring import measured, write_web_log
from judging.worlds import BASE, VARIANTS, points
from transforms.detectors import cards
from transforms.simulate import Options, simulate

FEW = Options(
    days=1, accounts=6, attackers=1, archetypes=("T-BULK", "T-WALK", "T-SIG"), cap_per_day=40.0, loud_cap=40.0, words=8
)


def test_each_point_changes_what_its_axis_says_and_nothing_else() -> None:
    changing = {
        "attack share": {"attack_share"}, "heads of a pool": {"pools"}, "calls a day and head": {"pools"},
        "paraphrase": {"paraphrase"}, "background": {"accounts", "lookalikes", "crowd", "teams"}, "log": {"words"},
    }  # fmt: skip
    base = vars(replace(BASE, seed=7))
    for point in points(7):
        if point.axis not in changing:
            continue  # a world of its own
        changed = {name for name, value in vars(point.options).items() if value != base[name]}
        assert changed <= changing[point.axis]


def test_every_poorer_log_is_measured() -> None:
    assert [point.variant for point in points(1) if point.axis == "log"] == list(VARIANTS)


def test_a_web_log_has_a_line_a_call_and_nothing_that_a_web_server_does_not_know(tmp_path: Path) -> None:
    world = simulate(FEW)
    write_web_log(world, tmp_path / "access.log")
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert len(lines) == len(world)
    assert {line.split()[2] for line in lines} == set(world.events["account_id"])
    objects = world.events["object"].drop_nulls()
    assert sum("/content HTTP" in line for line in lines) == len(objects)


@pytest.mark.parametrize("variant", ["no registry", "web log"])
def test_a_point_is_a_world_backfilled_and_judged(tmp_path: Path, variant: str) -> None:
    point = replace(next(points(1)), options=FEW, variant=variant)
    row = measured(point, tmp_path / "point")
    truth = simulate(FEW).truth
    assert row["calls"] == truth["calls"].sum()
    assert row["alone"] == truth.filter(pl.col("label") == "extraction").height
    assert truth["campaign_id"].n_unique() > 1  # accounts that hand each other reasoning: no pool
    assert row["campaigns"] == 0
    assert row["honest_days"] > 0
    assert {each["detector"] for each in row["detectors"]} == set(cards())
    assert row["at_once"][1] <= truth.filter(pl.col("label") == "extraction").height
    assert not (tmp_path / "point").exists()
