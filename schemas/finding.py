"""What was found about an account, revision by revision; and the review list made from it."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.score import SIGNAL_TYPE, TIERS

ACTIVITIES = ("created", "updated", "closed", "withdrawn")
KINDS = ("distillation", "bulk_download", "reverse_engineering", "relay", "resale", "unknown")
SEVERITIES = ("low", "medium", "high", "critical")
STATUSES = ("new", "in_progress", "suppressed", "resolved")
DAMAGE_TIERS = (1_000, 10_000, 52_000, 100_000, 800_000)
"""Exchanges that published distillation recipes needed: s1, Alpaca, R1-distill, ... (threats.md 4.2)."""


def damage_tier(exchanges: int) -> int | None:
    """The largest of DAMAGE_TIERS that was reached.

    >>> damage_tier(999), damage_tier(52_000)
    (None, 52000)
    """
    return max((tier for tier in DAMAGE_TIERS if tier <= exchanges), default=None)


_EVIDENCE = [
    field("tier", pa.string(), "How sure: review by a person, or act.", required=True, one_of=TIERS),
    field(
        "uncalibrated", pa.bool_(), "No reference was large enough; rules or independent priors decided.", required=True
    ),
    field("severity", pa.string(), "How bad, by damage and technique.", required=True, one_of=SEVERITIES),
    field("kind", pa.string(), "What it looks like.", required=True, one_of=KINDS),
    field(
        "score",
        pa.float64(),
        "Sum of the signals' points: the strongest signal of each reason since the finding was opened.",
        required=True,
        unit="decades",
        at_least=0,
    ),
    field("p_value", pa.float64(), "Calibrated rate at the deciding hour.", null="uncalibrated", at_least=0, at_most=1),
    field("techniques", pa.list_(pa.string()), "MITRE ATLAS technique ids, sorted.", required=True),
    field(
        "reasons",
        pa.list_(pa.string()),
        "One sentence a signal, strongest first, without those of models and campaigns that more than one honest account or group in ten shows beside a stronger one; a withdrawn finding begins with why.",
        required=True,
    ),
    field("signals", pa.list_(SIGNAL_TYPE), "The same as data.", required=True),
    field(
        "active_since", UTC_MICROSECONDS, "First call of the day's activity that the signals rest on.", required=True
    ),
    field(
        "exchanges_before",
        pa.int64(),
        "Exchanges that had left by the end of the tick that flagged it; later revisions leave it.",
        required=True,
        unit="calls",
        at_least=0,
    ),
    field(
        "output_tokens_before",
        pa.int64(),
        "Output tokens that had left by then.",
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
    field("linked_account_ids", pa.list_(pa.string()), "Accounts that share the evidence, sorted.", required=True),
    field("example_event_ids", pa.list_(pa.string()), "Up to five example calls.", required=True),
    field("could_not_see", pa.list_(pa.string()), "What this source could not show.", required=True),
    field("would_clear", pa.list_(pa.string()), "What would have cleared it.", required=True),
    field("policy_version", pa.string(), "Digest of the policy.", required=True),
    field("snapshot_id", pa.string(), "Snapshot of models and references.", null="none was published yet"),
]

FINDING = Contract(
    name="findings",
    version=1,
    doc="One row is one revision of one finding; append-only: a revision supersedes earlier ones of the same or a later tick.",
    key=("finding_uid", "revision"),
    arrow=pa.schema(
        [
            field("finding_uid", pa.string(), "Stable id: from account, first flagged tick and policy.", required=True),
            field("revision", pa.int32(), "From 1.", required=True, at_least=1),
            field("activity", pa.string(), "What this revision did.", required=True, one_of=ACTIVITIES),
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("campaign_id", pa.string(), "Its strongest campaign at the deciding tick.", null="none"),
            field(
                "campaign_ids",
                pa.list_(pa.string()),
                "Campaigns it was counted in, sorted; those that became part of others too (campaigns.merged_into).",
                null="none",
            ),
            field(
                "tick",
                UTC_MICROSECONDS,
                "Start of the deciding tick of this revision; of a withdrawn one, that of the first.",
                required=True,
            ),
            field(
                "flagged_at",
                UTC_MICROSECONDS,
                "End of the first deciding tick plus the allowed lateness.",
                required=True,
            ),
            field("revised_at", UTC_MICROSECONDS, "The same for this revision.", required=True),
            *_EVIDENCE,
        ]
    ),
)

FLAGGED_ACCOUNT = Contract(
    name="flagged_accounts",
    version=1,
    doc="One row is one account that a person should look at: the review list.",
    key=("account_id",),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("campaign_id", pa.string(), "Its strongest campaign.", null="none, or the row is provisional"),
            field(
                "campaign_ids",
                pa.list_(pa.string()),
                "All its campaigns, sorted; of provisional rows none.",
                required=True,
            ),
            field(
                "flagged_at",
                UTC_MICROSECONDS,
                "End of the first deciding tick plus the allowed lateness.",
                required=True,
            ),
            field("finding_uid", pa.string(), "Its finding.", null="provisional"),
            *_EVIDENCE,
            field("status", pa.string(), "Where the review stands.", required=True, one_of=STATUSES),
            field("verdict", pa.string(), "The analyst's judgement.", null="none yet"),
            field("provisional", pa.bool_(), "Rests on an hour that was still open.", required=True),
        ]
    ),
)
