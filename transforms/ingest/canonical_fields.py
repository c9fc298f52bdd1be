"""The canonical record: its fields, what each may hold, and which group of fields it belongs to."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, defstruct

from schemas.event import Presence
from transforms.ingest.chat import Format, Message, Tool

Kind = Literal["moment", "name", "label", "whole", "number", "flag", "names", "text", "tools", "format", "logprobs"]

Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[datetime, Meta(tz=True)] | Whole | float | None

TYPES: dict[Kind, Any] = {
    "moment": Moment,
    "name": str | Whole | None,
    "label": str | None,
    "whole": Whole | None,
    "number": float | None,
    "flag": bool | None,
    "names": list[str | Whole] | None,
    "text": str | Message | list[Message | str] | None,
    "tools": list[Tool | str] | str | None,
    "format": Format | str | None,
    "logprobs": bool | Whole | None,
}
"""What a field of a kind may hold; anything else is a `wrong_type`."""


@dataclass(frozen=True)
class Field:
    """One field of the canonical record.

    Attributes:
        name: its name.
        kind: what it may hold.
        group: the presence bits its key sets, whatever the value: null means "not used in this call".
        column: the draft's column.
        doc: what it means, where the event has no column of this name.
    """

    name: str
    kind: Kind
    group: Presence = Presence(0)
    column: str = ""
    doc: str = ""


P = Presence

FIELDS = (
    Field("event_id", "name"),
    Field("time", "moment", column="start", doc="When the call began; required."),
    Field("end_time", "moment", P.LATENCY, "end", "When it was complete; else time + latency_ms, else time."),
    Field(
        "account_id",
        "name",
        P.ACCOUNT,
        doc="Who is accounted for the call; required.",
    ),
    Field("org_id", "name"),
    Field("plan", "label"),
    Field("account_created_at", "moment", column="account_created"),
    Field("signup_path", "label"),
    Field("payment_id", "name"),
    Field("api_key_id", "name"),
    Field("end_user_id", "name", P.END_USER, doc="The account's own user; kept as a keyed fingerprint."),
    Field(
        "conversation_id",
        "name",
        P.CONVERSATION,
        doc="Conversation or session the client named; kept as a keyed fingerprint.",
    ),
    Field("source_ip", "label", P.ADDRESS, doc="Address of the caller; its network prefix is kept."),
    Field("asn", "whole"),
    Field("country", "label"),
    Field("user_agent", "label", P.AGENT),
    Field("client_fingerprint", "label"),
    Field("operation", "label"),
    Field("object", "label", P.OBJECT),
    Field("provider", "label"),
    Field("model_requested", "label", P.MODEL),
    Field("model_served", "label", P.MODEL),
    Field("http_status", "whole", P.STATUS),
    Field("finish_reason", "label", P.FINISH),
    Field("refused", "flag", doc="The model refused, or a guardrail blocked."),
    Field("latency_ms", "number", P.LATENCY),
    Field("ttft_ms", "number"),
    Field("input_tokens", "whole", P.TOKENS),
    Field("output_tokens", "whole", P.TOKENS),
    Field("cached_input_tokens", "whole", P.CACHED_TOKENS),
    Field("reasoning_tokens", "whole", P.REASONING_TOKENS),
    Field("bytes_out", "whole", P.BYTES),
    Field("cost_usd", "number", P.COST, doc="Price of the call in US dollars."),
    Field("temperature", "number", P.PARAMETERS),
    Field("top_p", "number", P.PARAMETERS),
    Field("n", "whole", P.PARAMETERS, doc="Choices asked for."),
    Field("max_tokens", "whole", P.PARAMETERS),
    Field("logprobs", "logprobs", P.PARAMETERS),
    Field("top_logprobs", "whole", P.PARAMETERS),
    Field("logit_bias_size", "whole", P.PARAMETERS),
    Field("logit_bias_tokens", "names", P.PARAMETERS, doc="Token ids that were biased."),
    Field("seed", "whole", P.PARAMETERS),
    Field("response_format", "format", P.PARAMETERS),
    Field("stream", "flag"),
    Field("tool_count", "whole", P.TOOLS),
    Field(
        "tools",
        "tools",
        P.TOOLS,
        doc="Tools offered: names, or definitions with parameters; kept as a keyed fingerprint.",
    ),
    Field("message_count", "whole", P.MESSAGES),
    Field("system", "text", doc="System prompt; fingerprinted and dropped."),
    Field("prompt", "text", doc="Last user message, or all messages; fingerprinted and dropped."),
    Field("response", "text", doc="What was answered; fingerprinted and dropped."),
    Field(
        "reasoning_issued",
        "names",
        P.HANDLES,
        doc="Handles (signatures, ids) of reasoning that was given out; kept as keyed fingerprints.",
    ),
    Field("reasoning_used", "names", P.HANDLES, doc="Handles of earlier reasoning that were sent in."),
)

NAMES = tuple(field.name for field in FIELDS)
COLUMNS = tuple(field.column or field.name for field in FIELDS)

Record: type[Struct] = defstruct(
    "Record",
    [(field.name, TYPES[field.kind], None) for field in FIELDS],
    module=__name__,
    forbid_unknown_fields=True,
    gc=False,
)
"""Decodes one canonical record; every field absent or null reads as None."""

CARRIES = reduce(or_, (field.group for field in FIELDS)) | P.PROMPT | P.RESPONSE | P.REFUSAL
"""The most a canonical record can carry: everything."""
