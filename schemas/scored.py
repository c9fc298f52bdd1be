"""What the models say of a window, before it is decided what that means."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.finding import KINDS
from schemas.score import SIGNAL_TYPE

SCORED = Contract(
    name="scored_windows",
    version=1,
    doc="One row is one account window with its L1 evidence.",
    key=("account_id", "window_end"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field("peer_group", pa.string(), "Peer group of the account on this day.", required=True),
            field("presence", pa.int64(), "Presence of the day's calls.", required=True, at_least=0),
            field("calls_24h", pa.int64(), "Calls in the last 24 hours.", required=True, unit="calls", at_least=0),
            field(
                "l1_score",
                pa.float64(),
                "Sum of the signals' points.",
                null="below 20 calls in 24 h, or every feature null",
                unit="decades",
                at_least=0,
            ),
            field(
                "prior_points",
                pa.float64(),
                "Evidence that both the shipped priors and the peers support, summed over families.",
                null="as l1_score",
                unit="decades",
                at_least=0,
            ),
            field(
                "harvest_points",
                pa.float64(),
                "The same over the families a harvest shows in.",
                null="as l1_score",
                unit="decades",
                at_least=0,
            ),
            field("families", pa.int32(), "Families behind harvest_points.", required=True, at_least=0),
            field(
                "pattern",
                pa.string(),
                "Kind of extraction whose own families stand out.",
                null="none does",
                one_of=KINDS,
            ),
            field("trees", pa.float64(), "HalfSpaceTrees score.", null="no forest with a full window", at_most=1),
            field(
                "regime",
                pa.string(),
                "What the score was made with: only scores made alike are compared.",
                required=True,
            ),
            field(
                "abstained_because", pa.list_(pa.string()), "Why signals could not look, one line each.", required=True
            ),
            field("signals", pa.list_(SIGNAL_TYPE), "What the score is made of, strongest first.", required=True),
            field("sample_event_ids", pa.list_(pa.string()), "Calls of the hour.", required=True),
            field("snapshot_id", pa.string(), "Snapshot scored against.", null="none was published yet"),
            field("provisional", pa.bool_(), "The hour was still open at the end of the input.", required=True),
        ]
    ),
)
