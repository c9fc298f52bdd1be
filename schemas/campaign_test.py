"""What the calls of a campaign's accounts look like together, against those of everyone."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

CAMPAIGN_TEST = Contract(
    name="campaign_tests",
    version=1,
    doc="One row is one campaign's day: how far the sampled calls of its accounts, taken together, lie from everyone's.",
    key=("campaign_id", "day"),
    arrow=pa.schema(
        [
            field("campaign_id", pa.string(), "The campaign.", required=True),
            field("day", UTC_MICROSECONDS, "Start of the UTC day.", required=True),
            field("map", pa.string(), "The map with most calls.", required=True),
            field("accounts", pa.int64(), "Its accounts with such calls on that day.", required=True, at_least=1),
            field("calls", pa.int64(), "Sampled calls of theirs.", required=True, unit="calls", at_least=1),
            field(
                "distance", pa.float64(), "Distance of them all from everyone's centre.", null="not tested", at_least=0
            ),
            field(
                "tail",
                pa.float64(),
                "Share of as many benign accounts drawn at random, or of at most as many, that lie as far together. Customers of one "
                "application lie further from everyone than that: evidence about accounts that other evidence has tied together, "
                "none that they belong together.",
                null="not tested",
                at_most=1,
            ),
            field("alike", pa.float64(), "Mean similarity of two of the calls.", null="not tested"),
            field(
                "others_alike", pa.float64(), "Median similarity of two calls of one benign account.", null="not tested"
            ),
            field(
                "snapshot_id",
                pa.string(),
                "Snapshot whose reference it was compared with; `reference-NAME` of a pinned one.",
                null="nothing was learned yet",
            ),
            field("abstained_because", pa.string(), "Why it was not tested.", null="it was"),
        ]
    ),
)
