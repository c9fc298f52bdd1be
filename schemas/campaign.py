"""Accounts tied by rare shared traits."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

CAMPAIGN = Contract(
    name="campaigns",
    version=1,
    doc="One row is one set of accounts tied by rare shared traits.",
    key=("campaign_id",),
    arrow=pa.schema(
        [
            field("campaign_id", pa.string(), "Id made from the founding key.", required=True),
            field("link_kinds", pa.list_(pa.string()), "Kinds of trait that tie it, sorted.", required=True),
            field("account_ids", pa.list_(pa.string()), "Its accounts, sorted.", required=True),
            field("first_seen", UTC_MICROSECONDS, "Earliest shared trait.", required=True),
            field(
                "flagged_at",
                UTC_MICROSECONDS,
                "End of the deciding tick plus the allowed lateness.",
                null="not flagged",
            ),
            field(
                "exchanges", pa.int64(), "Calls that carry the shared traits.", required=True, unit="calls", at_least=0
            ),
            field("evidence", pa.list_(pa.string()), "One sentence a shared key, strongest first.", required=True),
        ]
    ),
)
