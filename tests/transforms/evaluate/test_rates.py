"""Rates against a world small enough to count by hand."""

from datetime import timedelta

import polars as pl

from counted_world import HOUR, MOMENT, NOON, found, truth
from transforms.evaluate import Rate, attacking, false_alarms, found_at_once, headline, recall, taken


def calls(**hours: list[float]) -> pl.DataFrame:
    """Attacking calls of accounts, in hours after noon."""
    rows = [(account, NOON + hour * HOUR) for account, when in hours.items() for hour in when]
    return attacking(truth(), pl.DataFrame(rows, schema={"account_id": pl.String, "time": MOMENT}, orient="row"))


def test_thieves_acting_alone_and_heads_of_pools_are_counted_apart() -> None:
    rates = headline(found(t1="act", t3="review"))
    alone, heads = rates["review: thieves acting alone found"], rates["review: heads of pools found"]
    assert ((alone.hits, alone.trials), (heads.hits, heads.trials)) == ((2, 3), (0, 1))
    assert rates["act: thieves acting alone found"].hits == 1


def test_grey_accounts_count_neither_as_found_nor_as_wrong() -> None:
    rates = headline(found(g1="act", t1="review"))
    assert rates["review: benign account-days flagged"].value == 0
    assert (rates["review: precision"].value, rates["act: precision"].value) == (1.0, None)


def test_false_positives_are_counted_per_account_and_per_account_day() -> None:
    rates = headline(found(b2="review", revised=(("b2", 1, "review"),)))
    accounts, days = rates["review: benign accounts flagged"], rates["review: benign account-days flagged"]
    assert ((accounts.hits, accounts.trials), (days.hits, days.trials)) == ((1, 3), (2, 9))


def test_exchanges_are_counted_from_the_attack_to_the_flag() -> None:
    lost = taken(found(t1="act"), calls(t1=[-1.0, 0.0, 1.0, 3.0, 3.5], t2=[0.0, 5.0], b1=[1.0]))
    assert lost.select("account_id", "exchanges", "taken", "hours").rows() == [
        ("h1", 0, 0, None),
        ("t1", 4, 2, 3.0),
        ("t2", 2, 2, None),
        ("t3", 0, 0, None),
    ]


def test_recall_stands_beside_what_was_taken() -> None:
    frame = found(t1="act")
    many = pl.concat([calls(t1=[0.0, 4.0]), calls(t2=[minute / 60 for minute in range(1_500)])])
    row = recall(frame, taken(frame, many)).row(by_predicate=pl.col("archetype") == "T-BULK", named=True)
    assert (row["accounts"], row["found"], row["acted"], row["found_share"]) == (2, 1, 1, 0.5)
    assert (row["taken_median"], row["taken_share"], row["hours_median"]) == (750.5, 1501 / 1502, 3.0)
    assert (row["below_1000"], row["below_10000"]) == (1, 2)


def test_attacks_without_cover_are_counted_beside_all() -> None:
    frame = found(t1="act", t2="review").with_columns(
        calls=pl.lit(100), attack_calls=pl.col("account_id").replace_strict({"t1": 90}, default=89)
    )
    row = recall(frame, taken(frame, calls(t1=[0.0]))).row(by_predicate=pl.col("archetype") == "T-BULK", named=True)
    assert (row["accounts"], row["found"], row["pure"], row["pure_found"]) == (2, 2, 1, 1)


def test_the_archetype_found_best_stands_first() -> None:
    frame = found(t3="review")
    assert recall(frame, taken(frame, calls(t3=[0.0])))["archetype"].to_list() == ["T-COT", "T-BULK", "T-HYDRA"]


def test_the_worst_look_alike_stands_first() -> None:
    table = false_alarms(found(b2="review"))
    assert table["archetype"].to_list()[0] == "B-ETL"
    worst = table.row(0, named=True)
    assert (worst["flagged"], worst["flagged_days"], worst["days"], worst["act_days"]) == (1, 1, 3, 0)
    assert worst["flagged_days_low"] < 1 / 3 < worst["flagged_days_high"]


def test_what_a_contract_permits_is_counted_apart() -> None:
    table = false_alarms(found(b3="act", suppressed=("b3",)))
    row = table.row(by_predicate=pl.col("archetype") == "B-SYN", named=True)
    assert (row["suppressed"], row["flagged"], row["flagged_days"]) == (1, 0, 0)


def test_a_class_that_never_called_has_no_rate_per_day() -> None:
    silent = found().with_columns(days=pl.lit(0))
    assert false_alarms(silent)["flagged_days_share"].null_count() == 4


def test_a_tick_that_begins_with_the_flag_is_spared() -> None:
    frame = found(t1="review")
    lost = taken(frame, calls(t1=[2.99, 3.0]))
    assert lost.filter(pl.col("account_id") == "t1").select("exchanges", "taken").row(0) == (2, 1)


def test_a_harvest_without_cover_must_be_flagged_by_the_hour_after_its_hundredth_exchange() -> None:
    lateness = timedelta(minutes=5)
    pure = pl.col("calls").alias("attack_calls")
    soon = calls(t1=[2.0 + n / 1000 for n in range(100)], t2=[1.0 + n / 1000 for n in range(100)], t3=[0.0] * 99)
    frame = found(t1="act", t2="review").with_columns(pure)  # flagged three hours after noon
    assert found_at_once(frame, soon, 100, lateness) == Rate(1, 2), "t2 was due an hour before, t3 took too few"
    with_cover = found(t1="act", t2="review")
    assert found_at_once(with_cover, soon, 100, lateness).trials == 0
