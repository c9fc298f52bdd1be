"""A sample of an account's calls with what the distribution test looks at; it lives within one step and is never stored."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract
from schemas.event import EVENT

LOOKED_AT = (
    "operation",
    "input_tokens",
    "output_tokens",
    "temperature",
    "max_tokens",
    "tool_count",
    "message_count",
    "prompt_chars",
    "system_digest",
    "head_key",
    "tail_key",
    "shingle_keys",
    "language",
    "elicits_reasoning",
    "has_rubric",
    "has_reasoning_tags",
    "presence",
)
"""EVENT columns of a sampled call."""

SAMPLED_CALL = Contract(
    name="sampled_calls",
    version=1,
    doc="One row is one call of the sample that each account's tick gives to the distribution test.",
    key=("account_id", "time", "event_id"),
    is_table=False,
    arrow=pa.schema(
        [
            *(EVENT.arrow.field(name) for name in ("account_id", "account_hash", "time", "event_id")),
            pa.field("tick", UTC_MICROSECONDS, nullable=False, metadata={"doc": "Start of the tick."}),
            *(EVENT.arrow.field(name) for name in LOOKED_AT),
        ]
    ),
)
