"""Holders are found where a search through all of them finds them, whichever rows speak of them."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.campaigns.holder_places import HOLDING, KEY, Places, found
from transforms.campaigns.kinds import TIES

EDGES = (-(2**63), -1, 0, 7, 2**63 - 1)
HOLDINGS = st.lists(st.tuples(st.sampled_from(TIES[:3] + TIES[-2:]), st.sampled_from(EDGES), st.sampled_from(EDGES)))


def by_holding(holdings: list[tuple[str, int, int]]) -> pl.DataFrame:
    schema = {"kind": pl.String, "key": pl.Int64, "account_hash": pl.Int64}
    return pl.DataFrame(holdings, schema=schema, orient="row").sort(HOLDING)


@given(HOLDINGS, HOLDINGS)
def test_each_row_finds_the_holder_it_speaks_of_and_none_where_there_is_none(
    held: list[tuple[str, int, int]], shown: list[tuple[str, int, int]]
) -> None:
    holders, rows = by_holding(list(set(held))), by_holding(shown)
    at, is_held = found(holders, rows)
    assert [holders.row(place) if there else None for place, there in zip(at, is_held, strict=True)] == [
        row if row in set(held) else None for row in rows.rows()
    ]


@given(HOLDINGS, HOLDINGS)
def test_who_is_put_in_where_it_was_not_found_keeps_the_holders_sorted(
    held: list[tuple[str, int, int]], shown: list[tuple[str, int, int]]
) -> None:
    holders, rows = by_holding(list(set(held))), by_holding(shown)
    places = Places.of(holders, rows)
    new = ~places.is_held
    order = np.insert(np.arange(holders.height), places.at[new], holders.height + np.arange(new.sum()))
    after = pl.concat([holders, rows[places.firsts[new]]])[order]
    assert after.rows() == by_holding(list({*held, *shown})).rows()


@given(HOLDINGS, HOLDINGS)
def test_all_holders_of_a_key_stand_between_its_bounds(
    held: list[tuple[str, int, int]], shown: list[tuple[str, int, int]]
) -> None:
    holders, rows = by_holding(list(set(held))), by_holding(shown)
    places = Places.of(holders, rows)
    of_keys = places.holders_of(holders, np.ones(len(places.low), dtype=np.bool_))
    assert of_keys.rows() == holders.join(rows.select(KEY).unique(), on=KEY, how="semi", maintain_order="left").rows()


@given(HOLDINGS, HOLDINGS)
def test_what_is_known_of_a_holder_stands_beside_each_row_that_speaks_of_it(
    held: list[tuple[str, int, int]], shown: list[tuple[str, int, int]]
) -> None:
    holders, rows = by_holding(list(set(held))).with_row_index("calls"), by_holding(shown)
    (known,) = Places.of(holders, rows).known(holders, before="calls")
    joined = rows.join(holders, on=HOLDING, how="left", maintain_order="left")
    assert known.to_list() == joined["calls"].to_list()
