"""How suspicious an account is as of an hour's end, and which signals say so."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

TIERS = ("review", "act")
LAYERS = ("L0", "L1", "L2", "L3")

SIGNAL_TYPE = pa.struct(
    [
        pa.field("signal", pa.string(), nullable=False),  # rule id, detector id, or feature name
        pa.field("layer", pa.string(), nullable=False),
        pa.field("family", pa.string(), nullable=False),
        pa.field("observed", pa.float64()),
        pa.field("expected", pa.float64()),  # the value at which the signal stops contributing
        pa.field("peers", pa.float64()),  # the peer group's median; null where too few peers
        pa.field("tail", pa.float64()),  # share of benign accounts at least as extreme
        pa.field("points", pa.float64(), nullable=False),  # its part of the score
        pa.field("detail", pa.string()),
    ]
)
"""One piece of evidence; the points of a row's signals add up to its score."""

SCORE = Contract(
    name="account_scores",
    version=1,
    doc="One row is one account and hour with calls or with a changed contribution from rules or campaigns.",
    key=("account_id", "window_end"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field(
                "peer_group",
                pa.string(),
                "Peer group the score was made against; in an hour without calls that of everyone.",
                required=True,
            ),
            field(
                "score",
                pa.float64(),
                "What rules and linkage add, and what features and distribution test are worth together; higher is worse.",
                null="every layer abstained",
                unit="decades",
                at_least=0,
            ),
            field(
                "l0_score",
                pa.float64(),
                "What the deterministic rules add.",
                null="no rule could look",
                unit="decades",
                at_least=0,
            ),
            field(
                "l1_score",
                pa.float64(),
                "What the account's own features come to: the sum over families of -log10(tail), before they are weighed together.",
                null="below 20 calls in 24 h, or every feature null",
                unit="decades",
                at_least=0,
            ),
            field("l2_score", pa.float64(), "What linkage adds.", null="not linked", unit="decades", at_least=0),
            field(
                "l3_score",
                pa.float64(),
                "What the distribution test comes to, before it is weighed together with the features.",
                null="not tested",
                unit="decades",
                at_least=0,
            ),
            field(
                "day_maximum",
                pa.float64(),
                "Largest l1_score of the UTC day so far.",
                null="no l1_score yet",
                unit="decades",
                at_least=0,
            ),
            field(
                "p_value",
                pa.float64(),
                "Share of the peer group's account-days with at least this day_maximum: (1 + worse) / (1 + n).",
                null="no reference, or no l1_score",
                at_least=0,
                at_most=1,
            ),
            field("reference_size", pa.int64(), "Account-days in that reference.", required=True, at_least=0),
            field(
                "abstained_because", pa.list_(pa.string()), "Why signals could not look, one line each.", required=True
            ),
            field("signals", pa.list_(SIGNAL_TYPE), "What the score is made of, strongest first.", required=True),
            field(
                "snapshot_id",
                pa.string(),
                "Snapshot of models and references scored against.",
                null="none was published yet",
            ),
            field(
                "regime",
                pa.string(),
                "What l1_score was made with: only scores made alike are compared.",
                null="not recorded, or an hour without calls",
            ),
            field(
                "l3_excess",
                pa.float64(),
                "Distance of the last 24 hours' calls from the peers', in parts of what one benign account in twenty exceeds.",
                null="not tested",
                at_least=0,
            ),
            field(
                "l3_p_value",
                pa.float64(),
                "Share of the peer group's account-days with at least this l3_excess: (1 + worse) / (1 + n).",
                null="not tested, or no reference",
                at_least=0,
                at_most=1,
            ),
            field("l3_regime", pa.string(), "What l3_excess was made with.", null="not tested"),
            field("provisional", pa.bool_(), "The hour was still open at the end of the input.", required=True),
        ]
    ),
)
