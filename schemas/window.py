"""An account's features as of an hour's end."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.feature import feature_fields

WINDOW = Contract(
    name="account_windows",
    version=1,
    doc="One row is one account's features as of the end of an hour in which it called.",
    key=("account_id", "window_end"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field(
                "peer_group",
                pa.string(),
                "Plan and kind of use, fixed for the day from earlier days; `new` for accounts first seen on this day.",
                required=True,
            ),
            field(
                "plan",
                pa.string(),
                "Commercial plan: the registry's, else the last one logged (of one hour the greatest name).",
                null="not known",
            ),
            field(
                "presence",
                pa.int64(),
                "Bitwise OR of the presence of the calls of the 24 hours up to window_end.",
                required=True,
                at_least=0,
            ),
            field(
                "lifetime_calls",
                pa.int64(),
                "Calls of the account since it was first seen.",
                required=True,
                unit="calls",
                at_least=0,
            ),
            field(
                "lifetime_output_tokens",
                pa.int64(),
                "Output tokens since it was first seen.",
                required=True,
                unit="tokens",
                at_least=0,
            ),
            field("first_seen", UTC_MICROSECONDS, "The account's first call in this lake.", required=True),
            field("is_weak_account", pa.bool_(), "The account is derived from address and agent.", required=True),
            *feature_fields(),
            field(
                "top_template_kind",
                pa.string(),
                "Kind of the commonest template key among those used in the hour.",
                null="template_share_24h is null, or no prompt of the hour has such a key",
            ),
            field("top_template_key", pa.int64(), "That key.", null="as above"),
            field("sample_event_ids", pa.list_(pa.string()), "Ids of up to three calls of the hour.", required=True),
            field("provisional", pa.bool_(), "The hour was still open at the end of the input.", required=True),
        ]
    ),
)
