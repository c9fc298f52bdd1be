"""Customers one knows: who has signed a contract that was negotiated is no head of a pool, whatever it has in common with others.

A pool's accounts are made by the hundred, on forms that anybody can fill in. Gateways, fleets of devices, evaluations and launches, which
look like pools, mostly belong to somebody who signed.
"""

from functools import reduce
from operator import or_

import polars as pl

from schemas.policy import Campaigns


def without_customers(shared: pl.DataFrame, registry: pl.DataFrame, policy: Campaigns) -> pl.DataFrame:
    """The rows of accounts of which no such contract is on file.

    Args:
        shared: SHARED rows.
        registry: REGISTRY rows, at most one an account.
        policy: `signed_contracts`.
    """
    contract = pl.col("contract").str.to_lowercase()
    words = [contract.str.contains(word.casefold(), literal=True) for word in policy.signed_contracts]
    if not words:
        return shared
    return shared.join(registry.filter(reduce(or_, words)), on="account_id", how="anti")
