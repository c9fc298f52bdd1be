"""A published snapshot of what was learned."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

MODEL = Contract(
    name="models",
    version=1,
    doc="One row is one peer group's part of one snapshot.",
    key=("snapshot_id", "peer_group"),
    arrow=pa.schema(
        [
            field("snapshot_id", pa.string(), "Snapshot, named by the day it was learned from.", required=True),
            field("peer_group", pa.string(), "Peer group; `*` holds all accounts.", required=True),
            field("day", UTC_MICROSECONDS, "Start of the last day learned.", required=True),
            field("learned_windows", pa.int64(), "Windows fed to the models on that day.", required=True, at_least=0),
            field(
                "left_out_windows",
                pa.int64(),
                "Windows of flagged or linked accounts, not learned.",
                required=True,
                at_least=0,
            ),
            field("reference_size", pa.int64(), "Account-days in the reference.", required=True, at_least=0),
            field("rank_size", pa.int64(), "Windows behind the percentile ranks.", required=True, at_least=0),
            field("review_threshold", pa.float64(), "day_maximum at the review budget.", null="reference too small"),
            field("act_threshold", pa.float64(), "day_maximum at the act budget.", null="reference too small"),
            field("state_digest", pa.string(), "Digest of the state file.", required=True),
            field(
                "quarantined",
                pa.bool_(),
                "The day failed its audit: the previous snapshot was published unchanged.",
                required=True,
            ),
        ]
    ),
)
