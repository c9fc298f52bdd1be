"""A deterministic rule, or a campaign, that speaks against an account within a tick."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.finding import KINDS
from schemas.score import SIGNAL_TYPE, TIERS

CAMPAIGN_RULE = "campaign"
"""What stands for a rule where a campaign speaks."""

HIT = Contract(
    name="hits",
    version=1,
    doc="One row is one rule that held for one account at the end of one tick.",
    key=("account_id", "tick", "rule"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the tick.", required=True),
            field("rule", pa.string(), "Rule id.", required=True),
            field("observed", pa.float64(), "What was seen.", required=True),
            field("expected", pa.float64(), "The threshold.", required=True),
            field("detail", pa.string(), "One sentence for the analyst.", required=True),
            field(
                "linked_account_ids",
                pa.list_(pa.string()),
                "Other accounts involved, at most 20, sorted.",
                required=True,
            ),
            field("sample_event_ids", pa.list_(pa.string()), "Up to five example calls.", required=True),
            field("campaign_id", pa.string(), "The campaign with most points.", null="not of a campaign"),
            field("campaign_ids", pa.list_(pa.string()), "All campaigns that speak, sorted.", null="not of a campaign"),
            field(
                "left_campaign_ids",
                pa.list_(pa.string()),
                "Campaigns it was counted in that have fallen apart and left it to one of `campaign_ids`, sorted.",
                null="not of a campaign",
            ),
            field("tier", pa.string(), "How sure.", null="as the rule's card says", one_of=TIERS),
            field("kind", pa.string(), "What it looks like.", null="as the rule's card says", one_of=KINDS),
            field("signals", pa.list_(SIGNAL_TYPE), "What its points are made of.", null="the points are the card's"),
        ]
    ),
)
