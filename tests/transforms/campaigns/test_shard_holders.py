"""A tick changes the holders that it speaks of, and leaves the others where and as they are."""

from datetime import UTC, datetime

import polars as pl
from polars.testing import assert_frame_equal

from transforms.campaigns.holder_places import Places
from transforms.campaigns.shard_holders import HOLDERS, HOLDING, held

FIRST, NOW = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
_NULL = {"created_at": None, "card": None, "burst": None}
_NONE = dict.fromkeys(("elicited", "output_tokens", "output_known", "place", "sitting_place", "awake"), 0)


def holders(*places: tuple[str, int, int]) -> pl.DataFrame:
    rows = [
        {"kind": kind, "key": key, "account_hash": account, "account_id": f"acct-{account}", "calls": 3, "is_told": True}
        | dict.fromkeys(("first_tick", "last_tick", "first_time"), FIRST) | _NULL | _NONE
        for kind, key, account in places
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=HOLDERS).sort(HOLDING)


def rows(*places: tuple[str, int, int]) -> pl.DataFrame:
    shown = [
        {"kind": kind, "key": key, "account_hash": account, "account_id": f"acct-{account}", "count": 2, "tick": NOW}
        | {"first_time": NOW} | _NULL | _NONE
        for kind, key, account in places
    ]  # fmt: skip
    schema = {
        name: kind for name, kind in HOLDERS.items() if name not in ("calls", "first_tick", "last_tick", "is_told")
    }
    return pl.DataFrame(shown, schema=schema | {"count": pl.Int64(), "tick": HOLDERS["first_tick"]})


BEFORE = holders(
    ("tail", 5, 1), ("head", -7, 9), ("head", -7, -9), ("head", 2**62, 1), ("agent", 0, 4), ("payer", 3, 3)
)


def after(*places: tuple[str, int, int]) -> pl.DataFrame:
    shown = rows(*places).sort(HOLDING)
    return held(BEFORE, Places.of(BEFORE, shown), shown)


def test_holders_stand_by_kind_key_and_account_whatever_came() -> None:
    found = after(("head", -7, 0), ("agent", 0, -4), ("client", 1, 1), ("head", -(2**63), 1))
    assert found.height == BEFORE.height + 4
    assert_frame_equal(found, found.sort(HOLDING))


def test_who_shows_nothing_stays_as_it_was() -> None:
    found = after(("head", -7, 9), ("agent", 0, 5))
    others = BEFORE.filter(~((pl.col("kind") == "head") & (pl.col("account_hash") == 9)))
    assert_frame_equal(found.join(others, on=HOLDING, how="semi", maintain_order="left"), others)


def test_what_a_holder_shows_is_added_to_what_it_had_shown() -> None:
    found = after(("head", -7, 9), ("head", -7, 9)).filter(pl.col("account_hash") == 9)
    assert found.select("calls", "first_tick", "last_tick", "is_told").rows() == [(7, FIRST, NOW, True)]


def test_who_shows_a_key_for_the_first_time_holds_it_untold() -> None:
    found = after(("line", 1, 8)).filter(pl.col("kind") == "line")
    assert found.select("calls", "first_tick", "is_told").rows() == [(2, NOW, False)]
