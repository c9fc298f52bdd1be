"""What the calls of a campaign's accounts look like together: the distribution test with many calls of few a head."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from schemas.campaign_test import CAMPAIGN_TEST
from schemas.embedding import MAPS, UNIT, WAVES
from schemas.policy import Policy
from schemas.snapshot import EVERYONE, Snapshot
from transforms.distribution.embedding import table
from transforms.distribution.measuring import Reference, pooled, references
from transforms.sketches.whitening import alike

_NORMS = {one.name: WAVES * UNIT * UNIT * len(one.kernels) for one in MAPS}


def campaigns_tested(
    campaigns: pl.DataFrame, embeddings: pl.DataFrame, snapshot: Snapshot, day: datetime, policy: Policy
) -> pl.DataFrame:
    """How far campaigns lie from everyone on a day; those that cannot be told have the reason.

    Of two maps the one that saw more of a campaign's calls speaks, the first of `schemas.embedding.MAPS` where they saw as many.

    Args:
        campaigns: campaign_id and account_ids of those to be tested.
        embeddings: EMBEDDING rows of their accounts' hours of the day; rows of other accounts change nothing.
        snapshot: whose references they are compared with; it must not have learned from them (LEARN's guards see to that).
        day: start of the day.
        policy: rates.l1_least_calls, distribution.least_accounts.

    Returns:
        CAMPAIGN_TEST rows of the campaigns with sampled calls on that day, by campaign.
    """
    members = campaigns.select("campaign_id", account_id="account_ids").explode("account_id")
    rows = members.join(embeddings, on="account_id").sort("campaign_id", "map", "account_id", "window_end")
    known = references(snapshot)
    found = []
    for campaign, of_campaign in rows.group_by("campaign_id", maintain_order=True):
        of_maps = [of_campaign.filter(pl.col("map") == one.name) for one in MAPS]
        most = max(of_maps, key=lambda each: int(each["calls"].sum()))
        name = most["map"][0]
        found.append(
            {
                "campaign_id": campaign[0],
                "day": day,
                "map": name,
                "accounts": most["account_id"].n_unique(),
                "calls": int(most["calls"].sum()),
                "snapshot_id": snapshot.snapshot_id,
            }
            | dict(_tested(most, known.get((EVERYONE, name)), policy))
        )
    return CAMPAIGN_TEST.conform(pl.DataFrame(found, schema=CAMPAIGN_TEST.polars))


def _tested(rows: pl.DataFrame, reference: Reference | None, policy: Policy) -> Iterator[tuple[str, Any]]:
    """What the test says of the hours of some accounts, column by column."""
    least = policy.rates.l1_least_calls
    if reference is None:
        needed = 2 * policy.distribution.least_accounts
        yield (
            "abstained_because",
            f"what everyone's calls look like is not known yet: that takes {needed} accounts with {least} calls in a day",
        )
        return
    if rows["calls"].sum() < least:
        yield "abstained_because", f"fewer than {least} calls whose distribution could be compared"
        return
    account = rows["account_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    sums, calls = np.add.reduceat(table(rows), starts, axis=0), np.add.reduceat(rows["calls"].to_numpy(), starts)
    distance, tail = pooled(sums, calls, reference)
    similarity = alike(sums.sum(axis=0)[None], np.array([calls.sum()]), _NORMS[rows["map"][0]])
    yield "distance", distance
    yield "tail", round(tail, 6)
    yield "alike", round(float(similarity[0]), 6)
    yield "others_alike", reference.alike
