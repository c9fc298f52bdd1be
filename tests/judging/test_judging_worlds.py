"""The grid changes one thing at a time, and a poorer log is still the same world."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import polars as pl
import pytest

from judging.measuring import by_harvest, measured, write_web_log
from judging.worlds import BASE, VARIANTS, WITHOUT, points
from pipelines.judgement import Judgement
from schemas.policy import Policy
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


def test_without_one_kind_of_evidence_the_world_and_the_log_stay_the_same() -> None:
    mine = [point for point in points(7) if point.axis == "without"]
    assert [point.variant for point in mine] == [name for name, _ in WITHOUT]
    assert {point.options for point in mine} == {replace(BASE, seed=7)}
    assert mine[0].policy == Policy()
    assert len({point.policy.version for point in mine}) == len(WITHOUT)


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


def test_pools_are_told_by_what_they_harvest_once_they_have_begun() -> None:
    columns = ("true_id", "exchanges", "is_found", "heads", "heads_listed")
    rows = [
        ("pool-1", 50, True, 30, 28),
        ("pool-2", 9, False, 30, 1),
        ("pool-3", 0, False, 30, 0),
        ("ring-1", 5, True, 3, 3),
    ]
    true = pl.DataFrame(rows, schema=list(columns), orient="row")
    judgement = cast("Judgement", SimpleNamespace(true_campaigns=lambda: true))
    pools = (replace(BASE.pools[0], harvest="T-BULK"), replace(BASE.pools[1], harvest="T-BULK"), BASE.pools[2])
    assert by_harvest(judgement, replace(BASE, pools=pools)) == {
        "T-BULK": {"pools": 2, "found": 1, "heads": 60, "listed": 29}
    }
