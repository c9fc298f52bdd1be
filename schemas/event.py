"""One API call as logged, without its text."""

from enum import IntFlag

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

OPERATIONS = ("chat", "completion", "embedding", "download", "other")

STRONG_BASES = ("account", "team", "organisation", "user", "key")
WEAK_BASES = ("address_and_agent",)


class Presence(IntFlag):
    """What the record's format can carry; a feature that needs an absent group is null.

    A set bit says the format has a place for the field, so that a null in it means "not used in this call".
    """

    ACCOUNT = 1
    TOKENS = 2
    CACHED_TOKENS = 4
    REASONING_TOKENS = 8
    LATENCY = 16
    STATUS = 32
    FINISH = 64
    PARAMETERS = 128  # temperature, n, max_tokens, logprobs, logit_bias, ...
    TOOLS = 256
    PROMPT = 512
    RESPONSE = 1024
    REFUSAL = 2048
    CONVERSATION = 4096
    ADDRESS = 8192
    AGENT = 16384
    MODEL = 32768
    COST = 65536
    BYTES = 131072
    HANDLES = 262144
    MESSAGES = 524288
    END_USER = 1048576
    OBJECT = 2097152


_FINGERPRINT = "Keyed 64-bit fingerprint."

EVENT = Contract(
    name="events",
    version=1,
    doc="One row is one API call, with text replaced by keyed fingerprints and booleans.",
    key=("source", "position"),
    position_columns=("source", "position"),
    arrow=pa.schema(
        [
            field(
                "source", pa.string(), "Identity of the file or topic-partition the record came from.", required=True
            ),
            field(
                "position",
                pa.int64(),
                "Offset of the record in the decompressed source; element number added inside an array. Of a topic: the message's offset times 2**24, plus the record's offset inside it.",
                required=True,
                unit="bytes",
                at_least=0,
            ),
            field(
                "event_id",
                pa.string(),
                "The record's own id, else made from source, position and content.",
                required=True,
            ),
            field("time", UTC_MICROSECONDS, "Completion of the call: the event time.", required=True),
            field("start_time", UTC_MICROSECONDS, "When the call began.", null="the source logs one time only"),
            field("account_id", pa.string(), "Who is accounted for the call.", required=True),
            field(
                "account_hash",
                pa.int64(),
                "xxh3-64 of account_id, as signed integer; orders files and makes account groups.",
                required=True,
            ),
            field(
                "account_basis",
                pa.string(),
                "Which field named the account.",
                required=True,
                one_of=STRONG_BASES + WEAK_BASES,
            ),
            field("org_id", pa.string(), "Organisation of the account."),
            field("plan", pa.string(), "Commercial plan as logged."),
            field("account_created_at", UTC_MICROSECONDS, "When the account was created, as logged."),
            field("signup_path", pa.string(), "How the account was created, as logged."),
            field("payment_id", pa.string(), "Payment instrument, as logged."),
            field("api_key_id", pa.string(), "Name or hash of the API key, never the key."),
            field("end_user", pa.int64(), f"{_FINGERPRINT} The account's own user."),
            field("conversation", pa.int64(), f"{_FINGERPRINT} The conversation or session the client named."),
            field("network_prefix", pa.string(), "The caller's /24 (IPv4) or /48 (IPv6)."),
            field("asn", pa.int64(), "Autonomous system of the caller."),
            field("country", pa.string(), "Country of the caller, as logged."),
            field("user_agent", pa.string(), "User agent, cut at 256 characters."),
            field(
                "client_fingerprint", pa.string(), "TLS or header fingerprint set by the edge, cut at 256 characters."
            ),
            field("operation", pa.string(), "Kind of call.", required=True, one_of=OPERATIONS),
            field("object", pa.string(), "What was downloaded, cut at 256 characters.", null="not a download"),
            field("provider", pa.string(), "Provider that served the model."),
            field("model_requested", pa.string(), "Model the client asked for."),
            field("model_served", pa.string(), "Model that answered."),
            field("http_status", pa.int32(), "HTTP status sent to the client.", at_least=100, at_most=599),
            field("finish_reason", pa.string(), "Why generation stopped."),
            field("is_refused", pa.bool_(), "The model refused or a guardrail blocked."),
            field("latency_ms", pa.int64(), "Duration of the call.", unit="ms", at_least=0),
            field("ttft_ms", pa.int64(), "Time to the first token.", unit="ms", at_least=0),
            field("input_tokens", pa.int64(), "Tokens sent.", unit="tokens", at_least=0),
            field("output_tokens", pa.int64(), "Tokens generated.", unit="tokens", at_least=0),
            field(
                "cached_input_tokens", pa.int64(), "Input tokens read from the prompt cache.", unit="tokens", at_least=0
            ),
            field("reasoning_tokens", pa.int64(), "Output tokens spent on reasoning.", unit="tokens", at_least=0),
            field("bytes_out", pa.int64(), "Bytes sent to the client.", unit="bytes", at_least=0),
            field("cost_micro_usd", pa.int64(), "Price of the call.", unit="1e-6 USD", at_least=0),
            field("temperature", pa.float64(), "Sampling temperature.", null="not set in this call"),
            field("top_p", pa.float64(), "Nucleus sampling mass.", null="not set in this call"),
            field("n_choices", pa.int32(), "Choices asked for.", null="not set in this call", at_least=0),
            field(
                "max_tokens",
                pa.int64(),
                "Largest output asked for.",
                null="not set in this call",
                unit="tokens",
                at_least=0,
            ),
            field(
                "logprobs", pa.bool_(), "Log-probabilities were asked for.", null="the source does not carry parameters"
            ),
            field(
                "top_logprobs",
                pa.int32(),
                "Alternatives asked for at each token.",
                null="not set in this call",
                at_least=0,
            ),
            field(
                "logit_bias_size",
                pa.int32(),
                "Tokens biased in this call; 0 where none.",
                null="the source does not carry parameters",
                at_least=0,
            ),
            field(
                "logit_bias_keys",
                pa.list_(pa.int64()),
                "Biased token ids (hashed where not numeric), at most 1,024.",
                null="none, or not carried",
            ),
            field("seed", pa.int64(), "Sampling seed.", null="not set in this call"),
            field(
                "response_format",
                pa.string(),
                "Type of the response format (text, json_object, json_schema).",
                null="not set in this call",
            ),
            field("stream", pa.bool_(), "The answer was streamed."),
            field(
                "tool_count",
                pa.int32(),
                "Tools offered; 0 where none.",
                null="the source does not carry tools",
                at_least=0,
            ),
            field(
                "tool_schema",
                pa.int64(),
                f"{_FINGERPRINT} The tools' names and parameter names.",
                null="no tools, or not carried",
            ),
            field("message_count", pa.int32(), "Messages in the request.", at_least=0),
            field(
                "prompt_digest",
                pa.int64(),
                f"{_FINGERPRINT} The exact last user message (or input).",
                null="no prompt text in the record",
            ),
            field(
                "prompt_chars",
                pa.int64(),
                "Length of the last user message.",
                unit="characters",
                null="no prompt text in the record",
                at_least=0,
            ),
            field(
                "system_digest",
                pa.int64(),
                f"{_FINGERPRINT} The exact system prompt.",
                null="no system prompt, or not carried",
            ),
            field(
                "head_key",
                pa.int64(),
                f"{_FINGERPRINT} The prompt's first eight words.",
                null="no text, or fewer words",
            ),
            field(
                "tail_key", pa.int64(), f"{_FINGERPRINT} The prompt's last eight words.", null="no text, or fewer words"
            ),
            field(
                "line_keys",
                pa.list_(pa.int64()),
                f"{_FINGERPRINT} Up to four of the prompt's lines of at least four words: the first two and the last two.",
                null="no text, or a single line",
            ),
            field(
                "shingle_keys",
                pa.list_(pa.int64()),
                "The prompt's 16 one-permutation minhash slots over three-word shingles, empty slots left out.",
                null="no text, or fewer than three words",
            ),
            field(
                "passage_keys",
                pa.list_(pa.int64()),
                f"{_FINGERPRINT} Passages of the prompt: up to four of its lines of at least sixteen words, the first two and the last two, each by its first sixteen; and the sixteen words behind each of the first line's first four sentences.",
                null="no text, no such line, or the row is older than the column",
            ),
            field(
                "carried_key",
                pa.int64(),
                f"{_FINGERPRINT} The passage that the last answer opens with which the request brings along as its conversation (`answer_key` of the call that gave it).",
                null="no such message in the record, no such line in it, or the row is older than the column",
            ),
            field(
                "response_digest",
                pa.int64(),
                f"{_FINGERPRINT} The exact response.",
                null="no response text in the record",
            ),
            field(
                "response_chars",
                pa.int64(),
                "Length of the response.",
                unit="characters",
                null="no response text in the record",
                at_least=0,
            ),
            field(
                "answer_key",
                pa.int64(),
                f"{_FINGERPRINT} The passage that the response opens with: the first sixteen words of its first line of so many.",
                null="no response text in the record, no such line, or the row is older than the column",
            ),
            field(
                "language",
                pa.string(),
                "Language of the prompt (ISO 639-1), `und` where undecided.",
                null="no prompt text in the record",
            ),
            field(
                "elicits_reasoning",
                pa.bool_(),
                "The prompt or system prompt asks for the reasoning to be written out.",
                null="no prompt text in the record",
            ),
            field(
                "has_rubric",
                pa.bool_(),
                "The prompt or system prompt asks for a grade, score or comparison by a rubric.",
                null="no prompt text in the record",
            ),
            field(
                "asks_system_prompt",
                pa.bool_(),
                "The prompt asks for the hidden system prompt or instructions.",
                null="no prompt text in the record",
            ),
            field(
                "has_reasoning_tags",
                pa.bool_(),
                "The response opens with an inline reasoning tag.",
                null="no response text in the record",
            ),
            field(
                "handles_issued",
                pa.list_(pa.int64()),
                "Keyed fingerprints of the reasoning handles given out.",
                null="none, or not carried",
            ),
            field(
                "handles_used",
                pa.list_(pa.int64()),
                "Keyed fingerprints of the reasoning handles sent in.",
                null="none, or not carried",
            ),
            field(
                "presence",
                pa.int64(),
                "Bit set: what the record's format can carry (schemas.event.Presence).",
                required=True,
                at_least=0,
            ),
        ]
    ),
)
