"""Change of behaviour: the account is no longer what it was (River's ADWIN, updated at the feedback border).

A change alone is no alert: customers launch, move and grow. It is a small hint beside other evidence, for takeovers of
aged accounts and for pivots to a new model.
"""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.policy import Policy

F64 = npt.NDArray[np.float64]

CARD = Card(
    id="change",
    layer="L1",
    family="change",
    sees="A change of the mean of template share, output share or model share within the last two days (ADWIN).",
    blind_to="Slow drifts, and accounts that were thieves from their first day.",
    needs=Presence(0),
    techniques=("AML.T0012",),
    severity="low",
    kind="unknown",
    points=0.5,
    points_reason="policy evidence.change_points: a hint, as launches and key migrations change just as much",
    policy=("evidence", "rates", "learning"),
    runbook=(
        "See what else changed at that hour: networks, clients, keys.",
        "Ask whether the key is still in the owner's hands.",
    ),
    firing=Example(
        says="Template share changed twelve hours ago.",
        window={"calls_24h": 500.0, "template_share_24h": 0.9},
        change=("template_share", 12),
    ),
    silent=Example(
        says="Template share changed ten days ago.",
        window={"calls_24h": 500.0, "template_share_24h": 0.9},
        change=("template_share", 240),
    ),
)

SAYS = {
    "template_share": "share of calls with one template",
    "out_in_ratio": "output's share of all tokens",
    "model_share": "share of calls to the model used most",
}
"""Series -> what it is, in words."""


def recent(windows: pl.DataFrame, drifts: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The latest change of each window's account, where it is at most `evidence.change_days` old.

    Args:
        windows: account_id, window_end, `row`.
        drifts: DRIFT.
        policy: evidence.change_days.

    Returns:
        row, series, before, after; at most one row a window (of changes at one time the first series by name).
    """
    changed = drifts.filter(pl.col("changed_at").is_not_null()).select(
        "account_id", "series", "changed_at", "before", "after"
    )
    age = pl.col("window_end") - pl.col("changed_at")
    return (
        windows.select("account_id", "window_end", "row")
        .join(changed, on="account_id")
        .filter((age >= timedelta(0)) & (age <= timedelta(days=policy.evidence.change_days)))
        .sort("row", "changed_at", "series", descending=[False, True, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", "series", "before", "after")
    )
