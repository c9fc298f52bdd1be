"""Accounts driven as one: what ties them, what they took, how fast."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.finding import KINDS
from schemas.score import SIGNAL_TYPE, TIERS

CAMPAIGN = Contract(
    name="campaigns",
    version=2,
    doc="One row is one set of accounts that share rare keys and look driven as one; several may hold the same account. Of a ring (accounts that redeem each other's reasoning handles) the exchanges are calls that sent in a handle of another account, a visit is a tick at which it redeemed or gave enough of them, and fresh_share and the columns from languages on are null.",
    key=("campaign_id",),
    arrow=pa.schema(
        [
            field("campaign_id", pa.string(), "Id made from the founding key.", required=True),
            field("kind", pa.string(), "What it looks like.", required=True, one_of=KINDS),
            field("tier", pa.string(), "How sure: review by a person, or act.", required=True, one_of=TIERS),
            field(
                "score",
                pa.float64(),
                "Most points any of its keys had that at least half of its accounts hold.",
                required=True,
                unit="decades",
                at_least=0,
            ),
            field("signals", pa.list_(SIGNAL_TYPE), "What that score is made of, strongest first.", required=True),
            field("link_kinds", pa.list_(pa.string()), "Kinds of trait that tie it, sorted.", required=True),
            field(
                "account_ids", pa.list_(pa.string()), "All accounts that it was counted against, sorted.", required=True
            ),
            field("accounts", pa.int64(), "How many.", required=True, at_least=1),
            field("first_seen", UTC_MICROSECONDS, "First call with a shared key.", required=True),
            field("last_seen", UTC_MICROSECONDS, "Start of the last tick with such a call.", required=True),
            field("flagged_at", UTC_MICROSECONDS, "End of the deciding tick plus the allowed lateness.", required=True),
            field(
                "exchanges", pa.int64(), "Calls that carry the shared keys.", required=True, unit="calls", at_least=0
            ),
            field(
                "exchanges_before",
                pa.int64(),
                "Of those, calls that had left by the deciding tick's end.",
                required=True,
                unit="calls",
                at_least=0,
            ),
            field(
                "output_tokens",
                pa.int64(),
                "Output tokens of the exchanges.",
                null="the source does not carry tokens",
                unit="tokens",
                at_least=0,
            ),
            field(
                "output_tokens_before",
                pa.int64(),
                "Of those, output tokens that had left by the deciding tick's end.",
                null="the source does not carry tokens, or the row is older than the column",
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
                "exchanges_per_day",
                pa.float64(),
                "Exchanges since the last midnight but one before it was last seen, a day.",
                required=True,
                unit="calls/day",
                at_least=0,
            ),
            field(
                "next_tier_at",
                UTC_MICROSECONDS,
                "When the next damage tier falls at this rate.",
                null="the last one has fallen, or none falls within a year",
            ),
            field(
                "merged_ids", pa.list_(pa.string()), "Earlier campaigns that became part of it, sorted.", required=True
            ),
            field(
                "evidence",
                pa.list_(pa.string()),
                "One sentence for the strongest signal and each that one benign group in ten shows or fewer, strongest first.",
                required=True,
            ),
            field(
                "evidence_accounts",
                pa.int64(),
                "Accounts that held the key of which score, signals and evidence speak.",
                null="the row is older than the column",
                at_least=1,
            ),
            field(
                "merged_into",
                pa.string(),
                "The campaign that it has become part of; the row says what it was until then.",
                null="it is a campaign of its own",
            ),
            field(
                "fresh_share",
                pa.float64(),
                "Share of its accounts with an age on file that were younger than campaigns.fresh_days when they began.",
                null="the age of none is on file, or the row is older than the column",
                at_least=0,
                at_most=1,
            ),
            field(
                "joined_accounts",
                pa.int64(),
                "Accounts that began with its keys within campaigns.sustain_hours before it was last seen.",
                null="the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "silent_accounts",
                pa.int64(),
                "Accounts that showed none of its keys in that time.",
                null="the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "replaced_accounts",
                pa.int64(),
                "Of these, such as another account took the place of: it began within campaigns.sustain_hours after their last call.",
                null="the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "visits_by_hour",
                pa.list_(pa.int64()),
                "Ticks in which an account showed a tied key, added up over accounts since it was flagged, by hour of the UTC day (24 numbers).",
                null="the row is older than the column",
                unit="visits",
            ),
            field(
                "quiet_share",
                pa.float64(),
                "Smallest share of those visits in any six hours in a row of the day: 0 for people who sleep, 0.25 around the clock.",
                null="it has not been seen for a whole day since it was flagged, or the row is older than the column",
                at_least=0,
                at_most=0.25,
            ),
            field(
                "languages",
                pa.list_(pa.string()),
                "Languages of its accounts' prompts since they held a tied key, sorted; undecided ones left out.",
                null="no prompt was seen, or the row is older than the column",
            ),
            field(
                "languages_each",
                pa.float64(),
                "How many of them an account used, on average over accounts with at least one.",
                null="no language was decided, or the row is older than the column",
                at_least=1,
            ),
            field(
                "pivot_model",
                pa.string(),
                "The latest model that came up since the campaign was flagged and that at least half of the accounts it had by then asked for within a day.",
                null="there is none, no models are logged, or the row is older than the column",
            ),
            field(
                "pivot_accounts",
                pa.int64(),
                "How many of them did.",
                null="there is no such model",
                unit="accounts",
                at_least=1,
            ),
            field(
                "blocked_accounts",
                pa.int64(),
                "Accounts with a call that was answered 401, 403 or 429 since they held a tied key.",
                null="no status is logged, or the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "failed_over_accounts",
                pa.int64(),
                "Of these, such as showed none of its keys after the last of those calls, while within an hour of it another account began with them.",
                null="no status is logged, or the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "rhythm_accounts",
                pa.int64(),
                "Accounts whose day is known: 48 hours with calls or more since they held a tied key.",
                null="no call of them was seen since, or the row is older than the column",
                unit="accounts",
                at_least=0,
            ),
            field(
                "sleepless_accounts",
                pa.int64(),
                "Of these, such as have no night: more than one in twenty of those hours falls into any six hours in a row of the day.",
                null="the day of none is known",
                unit="accounts",
                at_least=0,
            ),
            field(
                "nights",
                pa.list_(pa.int64()),
                "First hours (UTC) of the fewest stretches of six hours such that each of the others has its night in one of them, four at most: one for people of one time zone.",
                null="the day of none is known, or none has a night",
            ),
        ]
    ),
)
