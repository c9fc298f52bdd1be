"""What became of an account follows from the review list, the findings' history and the hours it called in."""

import polars as pl

from counted_world import found, truth
from transforms.evaluate import OUTCOME


def row(frame: pl.DataFrame, account: str) -> dict[str, object]:
    return frame.row(by_predicate=pl.col("account_id") == account, named=True)


def test_every_account_of_the_truth_has_one_row() -> None:
    frame = found(t1="act")
    assert frame["account_id"].to_list() == truth()["account_id"].to_list()
    assert frame.schema == OUTCOME


def test_an_hour_that_ends_at_midnight_belongs_to_the_day_before() -> None:
    assert row(found(), "b1")["days"] == 3


def test_each_day_with_a_new_revision_asks_for_a_look() -> None:
    frame = found(b2="review", revised=(("b2", 1, "review"), ("b2", 2, "act")))
    assert (row(frame, "b2")["review_days"], row(frame, "b2")["act_days"]) == (3, 1)


def test_two_revisions_of_a_day_ask_once_and_a_closed_finding_asks_not_at_all() -> None:
    frame = found(b2="review", revised=(("b2", 0, "review"),))
    assert row(frame, "b2")["review_days"] == 1


def test_what_a_contract_permits_is_suppressed_and_not_flagged() -> None:
    shown = row(found(b3="act", suppressed=("b3",)), "b3")
    assert (shown["tier"], shown["is_suppressed"], shown["flagged_at"], shown["act_days"]) == (None, True, None, 0)
