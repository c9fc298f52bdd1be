"""What a hunt over past days found with what is known now."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.finding import KINDS
from schemas.score import SIGNAL_TYPE, TIERS
from schemas.verdict import VERDICTS

CHANGES = ("new", "earlier")
"""`new`: no finding stands against the account; `earlier`: one does, but of a later time."""

BASES = ("campaign", "verdict", "models", "rules")
"""What a hit rests on: keys of a campaign, keys of a confirmed account, later models, rules and links as they are today."""

REST_TYPE = pa.struct(
    [
        pa.field("basis", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),  # campaign_id, account_id, snapshot_id, policy_version
        pa.field(
            "known_since", UTC_MICROSECONDS
        ),  # when the campaign was flagged, the verdict given, the snapshot made
        pa.field("first_seen", UTC_MICROSECONDS, nullable=False),
        pa.field("last_seen", UTC_MICROSECONDS, nullable=False),
        pa.field("exchanges", pa.int64(), nullable=False),  # calls in the period that it speaks of
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""One thing known now that live scoring did not know, and what it says of the account."""

HUNT = Contract(
    name="hunts",
    version=1,
    doc="One row is one account that a hunt over past days found and live scoring did not, or not so early.",
    key=("hunt_id", "account_id"),
    arrow=pa.schema(
        [
            field(
                "hunt_id",
                pa.string(),
                "Digest of what was read and asked: the same lake gives it again.",
                required=True,
            ),
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("since", UTC_MICROSECONDS, "Start of the days hunted through.", required=True),
            field("until", UTC_MICROSECONDS, "End of the ticks hunted through.", required=True),
            field("change", pa.string(), "What it adds to live findings.", required=True, one_of=CHANGES),
            field("tier", pa.string(), "How sure: review by a person, or act.", required=True, one_of=TIERS),
            field("kind", pa.string(), "What it looks like.", required=True, one_of=KINDS),
            field("score", pa.float64(), "Sum of the signals' points.", required=True, unit="decades", at_least=0),
            field(
                "p_value",
                pa.float64(),
                "Rate of the strongest hour among the account-days of the newest reference.",
                null="models say nothing, or no reference is large enough",
                at_least=0,
                at_most=1,
            ),
            field("signals", pa.list_(SIGNAL_TYPE), "What the score is made of, strongest first.", required=True),
            field("reasons", pa.list_(pa.string()), "One sentence a signal, strongest first.", required=True),
            field(
                "rests_on",
                pa.list_(REST_TYPE),
                "What is known now and was not then, by basis and id; known_since is null where today's rules speak.",
                required=True,
            ),
            field("campaign_ids", pa.list_(pa.string()), "Campaigns whose keys it showed, sorted.", required=True),
            field(
                "first_seen", UTC_MICROSECONDS, "First call in the period that the evidence rests on.", required=True
            ),
            field(
                "last_seen",
                UTC_MICROSECONDS,
                "Start of the last tick, or end of the last hour, with such calls.",
                required=True,
            ),
            field(
                "exchanges",
                pa.int64(),
                "Calls in the period that the evidence speaks of, at least: the most that any basis counts.",
                required=True,
                unit="calls",
                at_least=0,
            ),
            field(
                "output_tokens",
                pa.int64(),
                "Output tokens of these calls.",
                null="the source does not carry tokens",
                unit="tokens",
                at_least=0,
            ),
            field(
                "damage_tier",
                pa.int64(),
                "Largest of 1k, 10k, 52k, 100k, 800k exchanges reached.",
                null="below 1,000",
                unit="calls",
            ),
            field(
                "decided_at",
                UTC_MICROSECONDS,
                "End of the first hour that models flag plus the allowed lateness: when live scoring would have flagged it with them.",
                null="models say nothing",
            ),
            field("live_flagged_at", UTC_MICROSECONDS, "When live scoring flagged it.", null="it did not"),
            field("live_tier", pa.string(), "Surest tier of its live findings.", null="it has none", one_of=TIERS),
            field("verdict", pa.string(), "The analyst's latest judgement.", null="none yet", one_of=VERDICTS),
            field("policy_version", pa.string(), "Digest of the policy hunted with.", required=True),
            field("snapshot_id", pa.string(), "Snapshot hunted with.", null="none was published yet"),
        ]
    ),
)
