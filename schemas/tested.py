"""What the distribution test says of a window, before it is decided what that means."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

TESTED = Contract(
    name="tested_windows",
    version=1,
    doc="One row is one account window and how far its calls lie from those of its peers.",
    key=("account_id", "window_end"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field("map", pa.string(), "The map with most calls.", required=True),
            field("calls", pa.int64(), "Sampled calls of the 24 hours.", required=True, unit="calls", at_least=1),
            field("distance", pa.float64(), "Distance from the peers' centre.", null="not tested", at_least=0),
            field("median", pa.float64(), "Benign median of it with as many calls.", null="not tested", at_least=0),
            field(
                "excess",
                pa.float64(),
                "Distance over what one benign account in twenty exceeds with as many calls.",
                null="not tested",
                at_least=0,
            ),
            field("tail", pa.float64(), "Share of benign accounts as far away.", null="not tested", at_most=1),
            field("alike", pa.float64(), "Mean similarity of two of its calls.", null="not tested"),
            field("peers_alike", pa.float64(), "The peers' median of it.", null="not tested"),
            field("regime", pa.string(), "What it was made with.", null="not tested"),
            field("abstained_because", pa.string(), "Why it was not tested.", null="it was"),
            field(
                "origin",
                pa.string(),
                "Name of the pinned reference that it was compared with.",
                null="what the lake learns, or not tested",
            ),
        ]
    ),
)
