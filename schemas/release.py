"""Somebody's decision that a day which failed its audit may be learned from."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

RELEASE = Contract(
    name="releases",
    version=1,
    doc="One row is one quarantined day that was released.",
    key=("day",),
    arrow=pa.schema(
        [
            field("day", UTC_MICROSECONDS, "Start of the UTC day.", required=True),
            field("holds_from", UTC_MICROSECONDS, "Feedback border whose LEARN takes the day first.", required=True),
            field("given_at", UTC_MICROSECONDS, "Wall clock.", required=True),
            field("given_by", pa.string(), "Who released it.", required=True),
            field("why", pa.string(), "Why.", required=True),
        ]
    ),
)
