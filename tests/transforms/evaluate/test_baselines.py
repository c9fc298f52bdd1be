"""Baselines see what they claim to see, and only that."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counted_world import HOUR, MOMENT, NOON, found
from schemas.window import WINDOW
from transforms.evaluate.baselines import (
    BASELINES,
    SCORED,
    Tables,
    compared,
    mmd_windows,
    prada,
    robust_z,
    shared_networks,
    template_share,
    threshold,
    trees_only,
)
from transforms.evaluate.baselines.prada import by_slot, normality

CALLS = {
    "account_id": pl.String, "time": MOMENT, "event_id": pl.String, "input_tokens": pl.Int64, "output_tokens": pl.Int64,
    "prompt_chars": pl.Int64, "shingle_keys": pl.List(pl.Int64),
}  # fmt: skip


def windows(*rows: dict[str, Any]) -> pl.DataFrame:
    made = [{"account_id": f"a{n}", "window_end": NOON, "peer_group": "new", **row} for n, row in enumerate(rows)]
    return pl.DataFrame(made, schema=WINDOW.polars)


def calls(*rows: tuple[str, int, int, list[int]]) -> pl.LazyFrame:
    """Account, seconds after noon, output tokens, minhash keys."""
    made = [(who, NOON + timedelta(seconds=at), f"{who}-{at}", 100, out, 400, keys) for who, at, out, keys in rows]
    return pl.DataFrame(made, schema=CALLS, orient="row").lazy()


def tables(
    rows: pl.DataFrame | None = None, prefixes: pl.DataFrame | None = None, made: pl.LazyFrame | None = None
) -> Tables:
    empty = pl.DataFrame(schema={"account_id": pl.String, "tick": MOMENT, "key": pl.Int64})
    return Tables(
        windows() if rows is None else rows, empty if prefixes is None else prefixes, calls() if made is None else made
    )


def scores(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.group_by("account_id").agg(pl.col("score").max()).iter_rows())


def prompt(rng: np.random.Generator, fixed: int) -> list[int]:
    """Sixteen keys, a slot each, of which the first `fixed` are always the same."""
    drawn = rng.integers(1, 2**59, 16)
    keys = [((slot << 60) + (slot + 1 if slot < fixed else int(drawn[slot]))) for slot in range(16)]
    return [key - 2**64 if key >= 2**63 else key for key in keys]


@pytest.mark.parametrize("name", BASELINES)
def test_a_lake_without_rows_gives_no_scores(name: str) -> None:
    made = BASELINES[name](tables())
    assert (made.height, made.schema) == (0, SCORED)


def test_the_robust_z_is_how_far_one_lies_above_its_peers() -> None:
    peers = [{"calls_24h": n} for n in (9, 10, 11, 10, 9)]
    made = scores(robust_z(tables(windows(*peers, {"calls_24h": 1000}))))
    logs = np.log1p([9, 10, 11, 10, 9, 1000])
    away = logs - np.median(logs)
    assert made["a5"] == pytest.approx(away[5] / (1.4826 * np.median(np.abs(away))))


def test_a_template_share_of_a_few_calls_says_nothing() -> None:
    few, many = {"calls_24h": 19, "template_share_24h": 1.0}, {"calls_24h": 20, "template_share_24h": 0.5}
    assert scores(template_share(tables(windows(few, many)))) == {"a1": 0.5}


def test_accounts_are_tied_by_chains_of_networks_within_a_day() -> None:
    days = [("a", 0, 1), ("b", 0, 1), ("b", 0, 2), ("c", 0, 2), ("d", 0, 3), ("d", 24, 1)]
    rows = [(who, NOON + hour * HOUR, key) for who, hour, key in days]
    prefixes = pl.DataFrame(rows, schema={"account_id": pl.String, "tick": MOMENT, "key": pl.Int64}, orient="row")
    assert scores(shared_networks(tables(prefixes=prefixes))) == {"a": 3.0, "b": 3.0, "c": 3.0, "d": 1.0}


def test_trees_find_a_window_unlike_all_others_once_they_are_warm() -> None:
    rng = np.random.default_rng(1)
    names = ("out_in_ratio_24h", "template_share_24h", "refusal_share_24h", "input_per_call_24h", "payload_novelty_24h")
    usual = [
        {name: rng.uniform() for name in names} | {"calls_24h": 50, "window_end": NOON - (3000 - n) * HOUR / 100}
        for n in range(3000)
    ]
    odd = dict.fromkeys(names, 2.0) | {"calls_24h": 5000}
    rows = windows(*usual, {**odd, "account_id": "odd"})
    made = trees_only(tables(rows))
    assert made.height <= 2001
    assert scores(made)["odd"] > made["score"].quantile(0.99)  # type: ignore[operator]


def test_prada_tests_distances_once_there_are_a_hundred() -> None:
    rng = np.random.default_rng(2)
    rows = [("short", n, 10, prompt(rng, 4)) for n in range(100)] + [
        ("long", n, 10, prompt(rng, 4)) for n in range(151)
    ]
    made = prada(tables(made=calls(*rows)))
    assert set(made["account_id"]) == {"long"}
    assert made["window_end"].to_list() == [NOON + timedelta(seconds=100), NOON + timedelta(seconds=150)]


def test_the_same_prompt_again_and_again_is_least_normal() -> None:
    rng = np.random.default_rng(3)
    same = prompt(rng, 16)
    rows = [("same", n, 10, same) for n in range(120)] + [("mixed", n, 10, prompt(rng, n % 12)) for n in range(120)]
    made = scores(prada(tables(made=calls(*rows))))
    assert made["same"] == 1.0 > made["mixed"]


def test_normal_values_are_more_normal_than_others() -> None:
    rng = np.random.default_rng(4)
    assert normality(rng.standard_normal(200)) > 0.97 > normality(rng.exponential(size=200) ** 2)


@given(st.lists(st.sets(st.integers(0, 15)), min_size=1, max_size=6))
def test_keys_stand_in_their_slots(prompts: list[set[int]]) -> None:
    signed = [
        [(slot << 60) + 5 if slot < 8 else (slot << 60) + 5 - 2**64 for slot in sorted(slots)] for slots in prompts
    ]
    table = by_slot(pl.Series(signed, dtype=pl.List(pl.Int64)))
    assert [set(np.flatnonzero(row)) for row in table] == prompts


def test_a_window_of_other_calls_lies_apart_and_a_short_one_is_not_tested() -> None:
    rng = np.random.default_rng(5)
    rows = [(f"u{who}", n, int(rng.integers(20, 200)), prompt(rng, 0)) for who in range(20) for n in range(150)]
    rows += [("odd", n, 5000, prompt(rng, 12)) for n in range(150)] + [
        ("brief", n, 5000, prompt(rng, 12)) for n in range(99)
    ]
    made = scores(mmd_windows(tables(made=calls(*rows))))
    assert "brief" not in made
    usual = [made[f"u{who}"] for who in range(20)]
    assert made["odd"] > 10 * max(usual)
    assert abs(float(np.mean(usual))) < 0.05


def flat(**values: float) -> pl.DataFrame:
    return pl.DataFrame([(who, NOON, value) for who, value in values.items()], schema=SCORED, orient="row")


def test_a_threshold_lets_no_more_honest_days_pass_than_allowed() -> None:
    honest = found()  # three honest accounts of three days
    rows = flat(b1=5.0, b2=4.0, b3=3.0, t1=99.0)
    assert threshold(honest, rows, allowed=1 / 9) == 4.0
    assert threshold(honest, rows, allowed=2 / 9) == 3.0
    assert threshold(honest, rows, allowed=0.01) is None


def test_a_method_is_compared_at_its_threshold_and_by_rank() -> None:
    told = compared("m", found(), flat(t1=9.0, t2=1.0, b1=5.0, h1=6.0, b2=2.0), 4.0)
    assert (told["alone"], told["heads"], told["false_days"]) == (pytest.approx(1 / 3), 1.0, pytest.approx(1 / 9))
    assert told["precision_heads"] == 1.0


def test_without_a_threshold_only_ranks_are_told() -> None:
    told = compared("m", found(), flat(t1=9.0), None)
    assert (told["threshold"], told["alone"], told["false_days"]) == (None, None, None)
    assert told["precision_alone"] is not None
