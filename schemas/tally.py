"""Counts and integer sums of one account in one tick; ticks add up to hours and days exactly."""

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field

GAP_BANDS = 24
"""Bands of ln(gap in seconds), 0.5 wide, from -1.0 (0.37 s); the first and the last are open. threats.md 2.2 #1."""

WIDE_LOGPROBS = 10
"""Alternatives from which log-probabilities are wide: confidence, labels and evaluations read one to five, APIs give up to twenty."""


def _count(name: str, doc: str) -> pa.Field:
    return field(name, pa.int64(), doc, required=True, unit="calls", at_least=0)


def _total(name: str, doc: str, unit: str) -> pa.Field:
    return field(name, pa.int64(), doc, required=True, unit=unit, at_least=0)


COUNTS = (
    _count("calls", "Calls."),
    _count("chat_calls", "Calls of operation chat or completion."),
    _count("embedding_calls", "Calls of operation embedding."),
    _count("download_calls", "Calls of operation download."),
    _count("status_known", "Calls with a known status."),
    _count("errors", "Calls with status 400 or more."),
    _count("throttled", "Calls with status 429."),
    _count("denied", "Calls with status 401 or 403."),
    _count("refusal_known", "Calls for which refusal is known."),
    _count("refused", "Refused calls."),
    _count(
        "answered_after_refusal",
        "Calls answered without error whose exact prompt was refused to the account earlier, within 24 hours.",
    ),
    _count("tokens_known", "Calls with known input and output tokens."),
    _count("cached_known", "Multi-message calls with known cached tokens."),
    _count(
        "reasoning_known",
        "Calls with known tokens whose reasoning tokens are logged, or bounded by an answer's text that stands for half of the output or more.",
    ),
    _count("latency_known", "Calls with known latency."),
    _count("bytes_known", "Calls with known bytes sent."),
    _count("cost_known", "Calls with known cost."),
    _count("finish_known", "Calls with known finish reason."),
    _count("truncated", "Calls that stopped at the length limit."),
    _count("parameters_known", "Calls of sources that carry parameters."),
    _count("with_logprobs", "Calls that asked for log-probabilities."),
    _count("with_logit_bias", "Calls that biased at least one token."),
    _count("one_token", "Calls with max_tokens of 1."),
    _count("temperature_zero", "Calls with temperature 0."),
    _count("tools_known", "Calls of sources that carry tools."),
    _count("with_tools", "Calls that offered tools."),
    _count("messages_known", "Calls with a known number of messages."),
    _count("multi_turn", "Calls with at least three messages."),
    _count("prompt_known", "Calls with prompt text."),
    _count("response_known", "Calls with response text."),
    _count("reasoning_elicited", "Calls whose prompt asks for the reasoning."),
    _count("reasoning_tagged", "Calls whose response opens with a reasoning tag."),
    _count("rubrics", "Calls whose prompt asks for a grade."),
    _count("grader_shaped", "Calls with a rubric and fewer than 64 output tokens."),
    _count("system_prompt_asks", "Calls that ask for the hidden system prompt."),
    _count("gaps_known", "Calls with a previous call of the account at most one hour earlier."),
    _count(
        "sequential",
        "Downloads whose object number is one more than that of the account's previous download of the same shape within an hour.",
    ),
    _count("numbered", "Downloads whose object carries a number."),
)

SUMS = (
    _total("input_tokens", "Tokens sent.", "tokens"),
    _total("output_tokens", "Tokens generated.", "tokens"),
    _total("cached_input_tokens", "Cached input tokens of multi-message calls.", "tokens"),
    _total("cacheable_input_tokens", "Input tokens of the same calls.", "tokens"),
    _total(
        "reasoning_tokens",
        "Reasoning tokens of the same calls as logged, else as many as the answer's text leaves of the output at most.",
        "tokens",
    ),
    _total("latency_ms", "Time in flight.", "ms"),
    _total("bytes_out", "Bytes sent.", "bytes"),
    _total("cost_micro_usd", "Price.", "1e-6 USD"),
    _total("gap_ms", "Gaps of at most one hour between consecutive calls.", "ms"),
    _total("gap_squared", "Squares of those gaps, in ms squared over 1,000, each rounded down.", "ms^2/1000"),
)

GAP_COLUMNS = tuple(f"gap_band_{band:02d}" for band in range(GAP_BANDS))

ADDITIVE = tuple(f.name for f in COUNTS + SUMS) + GAP_COLUMNS
"""Columns that windows are made of: they add up when ticks become hours and hours days."""

TALLY = Contract(
    name="tallies",
    version=1,
    doc="One row is one account's tick (or, rolled up, its hour or day).",
    key=("account_id", "tick"),
    is_table=False,
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the tick, hour or day.", required=True),
            field("first_time", UTC_MICROSECONDS, "First call.", required=True),
            field("last_time", UTC_MICROSECONDS, "Last call.", required=True),
            *COUNTS,
            *SUMS,
            *[_count(name, f"Gaps in band {band}.") for band, name in enumerate(GAP_COLUMNS)],
            field(
                "wide_one_token",
                pa.int64(),
                f"Calls with max_tokens of 1 that asked for log-probabilities of {WIDE_LOGPROBS} alternatives or more.",
                null="no call is of a source that carries parameters",
                unit="calls",
                at_least=0,
            ),
            field("presence", pa.int64(), "Bitwise OR of the calls' presence.", required=True, at_least=0),
            field("plan", pa.string(), "Greatest plan name logged.", null="not logged"),
            field("account_created_at", UTC_MICROSECONDS, "Earliest creation time logged.", null="not logged"),
            field(
                "is_weak_account",
                pa.bool_(),
                "At least one call's account was derived from address and agent.",
                required=True,
            ),
            field(
                "sample_event_ids",
                pa.list_(pa.string()),
                "Ids of the first three calls by (time, event_id).",
                required=True,
            ),
        ]
    ),
)
