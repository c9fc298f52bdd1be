"""Customers one knows: who has signed a contract that was negotiated is no head of a pool, whatever it has in common with others.

A pool's accounts are made by the hundred, on forms that anybody can fill in. Gateways, fleets of devices, evaluations and launches, which
look like pools, mostly belong to somebody who signed. They are among the holders of a key as everybody is, or what is left of a crowd would look
more like a pool than the crowd; but they are no members of what it ties.
"""

from functools import reduce
from operator import or_

import polars as pl

from schemas.policy import Campaigns


def but_among_customers(foreign: pl.DataFrame, registry: pl.DataFrame, policy: Campaigns) -> pl.DataFrame:
    """Redemptions of another's handle, without those in which both are customers one knows: a gateway that balances over accounts of its own.

    Args:
        foreign: FOREIGN rows.
        registry: REGISTRY rows, at most one an account.
        policy: `signed_contracts`.
    """
    if foreign.is_empty():
        return foreign
    both = pl.concat([foreign["account_id"], foreign["issuer"]]).unique()
    known = registry.filter(pl.col("account_id").is_in(both.implode()))
    signed = with_customers(known.select("account_id"), known, policy).filter("is_signed")["account_id"].implode()
    is_other = pl.col("issuer") != pl.col("account_id")
    return foreign.filter(~(is_other & pl.col("account_id").is_in(signed) & pl.col("issuer").is_in(signed)))


def with_customers(tied: pl.DataFrame, registry: pl.DataFrame, policy: Campaigns) -> pl.DataFrame:
    """Rows of accounts with `is_signed`: whether such a contract is on file of them, null where none is.

    Args:
        tied: rows with account_id.
        registry: REGISTRY rows, at most one an account.
        policy: `signed_contracts`.
    """
    contract = pl.col("contract").str.to_lowercase()
    words = [contract.str.contains(word.casefold(), literal=True) for word in policy.signed_contracts]
    is_signed = reduce(or_, words, pl.lit(value=False)).alias("is_signed")
    known = registry.drop_nulls("contract").select("account_id", is_signed)
    return tied.join(known, on="account_id", how="left", maintain_order="left")
