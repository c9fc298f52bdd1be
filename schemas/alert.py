"""What an operator must know about the running of stillwatch itself: where it is blind, since when, and what to do."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

ALERTS = (
    "source_silent",  # a source that was being written is written no more
    "volume_collapsed",  # an hour has far fewer calls than the same hour of the days before
    "abstentions_jumped",  # signals that could look at most accounts no longer can
    "rejects_jumped",  # far more of a source's records are refused than before
    "day_quarantined",  # a day failed its audit, and nothing was learned from it
    "clock_ahead",  # calls of a source are dated ahead of this machine's clock
)

ALERT = Contract(
    name="alerts",
    version=1,
    doc="One row is one thing that keeps, or kept, stillwatch from seeing; outside parity, and never a finding.",
    key=("kind", "subject", "raised_at"),
    arrow=pa.schema(
        [
            field("kind", pa.string(), "What is the matter.", required=True, one_of=ALERTS),
            field(
                "subject",
                pa.string(),
                "What it is about: the id of a source, a UTC day, a reason for abstaining, or `*` for all input.",
                required=True,
            ),
            field("name", pa.string(), "How the subject is called, for people.", required=True),
            field("since", UTC_MICROSECONDS, "Since when it holds, as far as is known.", required=True),
            field("raised_at", UTC_MICROSECONDS, "Wall clock when it was first seen.", required=True),
            field(
                "last_seen_at",
                UTC_MICROSECONDS,
                "Wall clock when it was last seen; written about once an hour, and when it is cleared.",
                required=True,
            ),
            field("cleared_at", UTC_MICROSECONDS, "Wall clock when it no longer held.", null="it still holds"),
            field("message", pa.string(), "What was seen, in one sentence.", required=True),
            field("fix", pa.string(), "What to do about it, in one sentence.", required=True),
        ]
    ),
)
