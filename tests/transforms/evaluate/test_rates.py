"""Rates against cases small enough to count by hand."""

from datetime import UTC, datetime

import polars as pl
import pytest

from schemas.truth import TRUTH
from transforms.evaluate import by_archetype, curve, overall, wilson

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _truth(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return TRUTH.conform(
        pl.DataFrame(
            [
                {
                    "account_id": account,
                    "label": label,
                    "archetype": archetype,
                    "attack_start": NOON if label == "extraction" else None,
                    "calls": 10,
                    "attack_calls": 0,
                }
                for account, label, archetype in rows
            ],
            schema_overrides={"attack_start": pl.Datetime("us", "UTC")},
        )
    )


def _flagged(**tiers: str) -> pl.DataFrame:
    rows = [(a, t, 1500, NOON.replace(hour=15)) for a, t in tiers.items()]
    schema = {
        "account_id": pl.String,
        "tier": pl.String,
        "exchanges_before": pl.Int64,
        "flagged_at": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


WORLD = _truth(
    ("t1", "extraction", "T-BULK"),
    ("t2", "extraction", "T-BULK"),
    ("b1", "benign", "benign"),
    ("b2", "benign", "B-ETL"),
    ("g1", "grey", "B-RESELL"),
)


def test_thieves_stand_first_with_rate_delay_and_damage() -> None:
    first = by_archetype(WORLD, _flagged(t1="act", b2="review")).row(0, named=True)
    assert (first["archetype"], first["accounts"], first["flagged"], first["acted"]) == ("T-BULK", 2, 1, 1)
    assert (first["exchanges_before"], first["damage_tier"], first["hours_to_flag"]) == (1500.0, 1000, 3.0)


def test_the_worst_look_alike_stands_before_the_others() -> None:
    table = by_archetype(WORLD, _flagged(b2="review")).filter(pl.col("label") == "benign")
    assert table["archetype"].to_list() == ["B-ETL", "benign"]


def test_grey_accounts_count_neither_as_found_nor_as_wrong() -> None:
    rates = overall(WORLD, _flagged(g1="act", t1="review"), account_days=4)
    assert (rates["review: thieves found"].hits, rates["review: thieves found"].trials) == (1, 2)
    assert rates["review: benign account-days flagged"].value == 0
    assert rates["act: precision"].value is None


def test_average_precision_of_a_perfect_ranking_is_one() -> None:
    scores = pl.DataFrame({"account_id": ["t1", "t2", "b1"], "score": [9.0, 8.0, 1.0]})
    assert curve(WORLD, scores)["average_precision"] == 1.0


def test_a_rate_that_too_few_benign_accounts_can_show_is_unknown() -> None:
    scores = pl.DataFrame({"account_id": ["t1"], "score": [9.0]})
    assert curve(WORLD, scores)["tpr at fpr 0.10%"] is None


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_the_interval_is_wilsons(hits: int, trials: int, low: float, high: float) -> None:
    found = wilson(hits, trials)
    assert found == pytest.approx((low, high), abs=1e-4)
