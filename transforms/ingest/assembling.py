"""Turns drafts into events: checks them, replaces text by fingerprints, and drops the text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from schemas.event import EVENT, OPERATIONS, Presence
from schemas.policy import Policy
from transforms.ingest.accounting import as_hex, digested
from transforms.ingest.adapter import Context, Decoded
from transforms.ingest.drafting import DRAFT, LABEL_CHARACTERS, LARGEST, NAMES
from transforms.ingest.fingerprint import account_hash
from transforms.ingest.framing import Pieces
from transforms.ingest.moments import is_possible
from transforms.ingest.origin import network_prefix
from transforms.ingest.rejecting import Fault, record_digest, rejects
from transforms.ingest.texts import text_columns

IDS = ("event_id", "account_id", "org_id", "payment_id", "api_key_id")
LABELS = (
    "plan", "signup_path", "country", "user_agent", "client_fingerprint", "object", "provider", "model_requested",
    "model_served", "finish_reason", "response_format",
)  # fmt: skip
COUNTS = (
    "latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "bytes_out",
    "logit_bias_size", "tool_count", "message_count",
)  # fmt: skip
REFUSING = ("content_filter", "content_filtered", "refusal", "safety", "guardrail_intervened", "prohibited_content")
"""Finish reasons by which providers say that an answer was withheld."""

_HELD = {
    Presence.CACHED_TOKENS: "cached_input_tokens",
    Presence.REASONING_TOKENS: "reasoning_tokens",
    Presence.FINISH: "finish_reason",
    Presence.MESSAGES: "message_count",
    Presence.RESPONSE: "response",
    Presence.REFUSAL: "is_refused",
    Presence.PROMPT: "prompt",
}
"""A record that shows one of these carries its group, whatever its format."""

_SECRETS = ("sk-", "Bearer ")
_INT32 = 2**31 - 1


@dataclass(frozen=True)
class Sheet:
    """Drafts of some records, and what is known of the records that gave none.

    Attributes:
        pieces: all records.
        draft: one row (drafting.DRAFT; columns may be missing) for each record that decoded.
        faults: records that did not.
        names: draft column to the source's name for it, for REJECT.column.
    """

    pieces: Pieces
    draft: pl.DataFrame
    faults: Sequence[Fault]
    names: Mapping[str, str]


def assemble(sheet: Sheet, adapter: str, context: Context) -> Decoded:
    """The events and rejects of a sheet; nothing is ignored here.

    Event time is completion: the end, else start + latency, else the start. Refused are drafts without time or account,
    with a time outside the policy's bounds, an end before the start, a negative or unbelievable count, or a status
    outside 100-599. Settings a caller chose out of range (n, max_tokens, top_logprobs, seed) are taken as not set.
    """
    if sheet.draft.is_empty():
        return Decoded(EVENT.empty(), rejects(sheet.faults, sheet.pieces, adapter, context))
    given, size = set(sheet.draft.columns), sheet.draft.height
    missing = [
        pl.Series(name, [None], kind).new_from_index(0, size) for name, kind in DRAFT.items() if name not in given
    ]
    draft = _tidied(sheet.draft.with_columns(missing), context).with_columns(
        time=pl.coalesce("end", pl.col("start") + pl.col("latency_ms").clip(0, LARGEST) * 1000, "start")
    )
    faults, wrong = _faults(draft, context.policy, NAMES | dict(sheet.names))
    refused = rejects([*sheet.faults, *faults], sheet.pieces, adapter, context)
    if faults:
        draft = draft.filter(~wrong)
    if draft.is_empty():
        return Decoded(EVENT.empty(), refused)
    return Decoded(_events(draft, sheet.pieces, context), refused)


def _faults(draft: pl.DataFrame, policy: Policy, names: Mapping[str, str]) -> tuple[list[Fault], pl.Series]:
    bounds = policy.time.earliest_time, policy.time.latest_time
    possible: list[tuple[pl.Expr, str, str]] = [
        (pl.col("start").is_null() & pl.col("end").is_null(), "missing_time", "time"),
        (pl.col("account_id").is_null(), "missing_account", "account_id"),
        *[(~is_possible(column, *bounds), "impossible_time", column) for column in ("start", "end")],
        (~is_possible("time", *bounds), "impossible_time", "latency_ms"),
        (pl.col("end") < pl.col("start"), "impossible_time", "end"),
        *[(~pl.col(column).is_between(0, LARGEST), "impossible_value", column) for column in COUNTS],
        (~pl.col("logit_bias_size").is_between(0, _INT32), "impossible_value", "logit_bias_size"),
        (~pl.col("tool_count").is_between(0, _INT32), "impossible_value", "tool_count"),
        (~pl.col("message_count").is_between(0, _INT32), "impossible_value", "message_count"),
        (~pl.col("http_status").is_between(100, 599), "impossible_value", "http_status"),
        (~pl.col("cost_usd").is_between(0.0, LARGEST / 1e6), "impossible_value", "cost_usd"),
        *[(~pl.col(column).is_finite(), "impossible_value", column) for column in ("temperature", "top_p")],
    ]
    certain = ("time", "account_id")
    checks = [check for check in possible if check[2] in certain or draft[check[2]].null_count() < draft.height]
    found = draft.select(check.fill_null(value=False).alias(str(number)) for number, (check, _, _) in enumerate(checks))
    hit = [number for number, is_hit in enumerate(found.select(pl.all().any()).row(0)) if is_hit]
    wrong = found.select(pl.any_horizontal([str(number) for number in hit]).alias("wrong")).to_series() if hit else None
    if wrong is None:
        return [], pl.Series("wrong", [], dtype=pl.Boolean)
    first = found.filter(wrong).select(
        pl.coalesce(pl.when(pl.col(str(number))).then(pl.lit(number)) for number in hit).alias("check")
    )
    faults = []
    for row, number in zip(draft.filter(wrong)["row"], first["check"], strict=True):
        _, reason, column = checks[number]
        faults.append(Fault(row, reason, names.get(column, column)))
    return faults, wrong


def _tidied(draft: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Empty names are absent, long labels are cut, long ids and bare keys are replaced by their digest."""
    widest = context.policy.ingest.account_id_characters
    known = [name for name in IDS + LABELS if draft[name].null_count() < draft.height]
    if not known:
        return draft
    most = {name: widest if name in IDS else LABEL_CHARACTERS for name in known}
    looks = draft.select(
        *[(pl.col(name) == "").any().alias(f"{name} empty") for name in known],
        *[(pl.col(name).str.len_chars() > most[name]).any().alias(f"{name} long") for name in known],
    ).row(0, named=True)
    empty = [name for name in known if looks[f"{name} empty"]]
    draft = draft.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in empty)
    long = [name for name in LABELS if name in known and looks[f"{name} long"]]
    draft = draft.with_columns(pl.col(name).str.head(LABEL_CHARACTERS) for name in long)
    is_bare = _is_bare_key(pl.col("api_key_id"))
    is_bare_account = (pl.col("account_basis") == "key") & _is_bare_key(pl.col("account_id"))
    bare = draft.select(key=is_bare.fill_null(value=False), account=is_bare_account.fill_null(value=False))
    for name in [name for name in IDS if name in known]:
        replaced = draft[name].str.len_chars().fill_null(0) > widest if looks[f"{name} long"] else None
        bare_column = {"api_key_id": "key", "account_id": "account"}.get(name)
        if bare_column is not None and bare[bare_column].any():
            replaced = bare[bare_column] if replaced is None else replaced | bare[bare_column]
        if replaced is not None:
            draft = draft.with_columns(digested(draft[name], replaced, context.key))
    return draft


def _is_bare_key(column: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(column.str.starts_with(secret) for secret in _SECRETS)


def _events(draft: pl.DataFrame, pieces: Pieces, context: Context) -> pl.DataFrame:
    position = pl.Series("position", pieces.positions[draft["row"].to_numpy()], dtype=pl.Int64)
    draft = draft.with_columns(position, pl.lit(context.source).alias("source"))
    draft = draft.with_columns(
        _with_ids(draft, pieces, context),
        account_hash(draft["account_id"]).alias("account_hash"),
        network_prefix(draft["source_ip"]).alias("network_prefix"),
        *text_columns(draft, context.key),
    )
    known = OPERATIONS[:-1]
    operation = pl.when(pl.col("operation").is_in(known)).then(pl.col("operation")).otherwise(pl.lit(OPERATIONS[-1]))
    events = draft.with_columns(
        operation.alias("operation"),
        pl.when(operation == "download").then(pl.col("object")).alias("object"),
        pl.from_epoch("time", "us").dt.replace_time_zone("UTC").alias("time"),
        pl.from_epoch("start", "us").dt.replace_time_zone("UTC").alias("start_time"),
        _created(context.policy).alias("account_created_at"),
        pl.coalesce("latency_ms", ((pl.col("end") - pl.col("start")) / 1000).round(0).cast(pl.Int64)).alias(
            "latency_ms"
        ),
        (pl.col("cost_usd") * 1e6).round(0).cast(pl.Int64).alias("cost_micro_usd"),
        _refused().alias("is_refused"),
        _within("n", _INT32).alias("n_choices"),
        _within("max_tokens", LARGEST).alias("max_tokens"),
        _within("top_logprobs", _INT32).alias("top_logprobs"),
    )
    return EVENT.shape(events.with_columns(*_not_used(), _presence().alias("presence")))


def _with_ids(draft: pl.DataFrame, pieces: Pieces, context: Context) -> pl.Series:
    ids = draft["event_id"]
    if not ids.null_count():
        return ids
    nameless = draft.filter(ids.is_null())
    digests = record_digest([pieces.text(row) for row in nameless["row"]], context)
    made = iter(
        f"{context.source}:{position}:{as_hex(digest)}"
        for position, digest in zip(nameless["position"], digests, strict=True)
    )
    return pl.Series("event_id", [next(made) if name is None else name for name in ids], dtype=pl.String)


def _created(policy: Policy) -> pl.Expr:
    possible = is_possible("account_created", policy.time.earliest_time, policy.time.latest_time)
    return pl.from_epoch(pl.when(possible).then(pl.col("account_created")), "us").dt.replace_time_zone("UTC")


def _within(name: str, most: int) -> pl.Expr:
    return pl.when(pl.col(name).is_between(0, most)).then(pl.col(name))


def _refused() -> pl.Expr:
    withheld = pl.col("finish_reason").str.to_lowercase().is_in(REFUSING)
    looks_so = pl.col("looks_refused")
    is_known = withheld.is_not_null() | looks_so.is_not_null()
    answered = pl.when(is_known).then(withheld.fill_null(value=False) | looks_so.fill_null(value=False))
    failed = ~pl.col("is_answered").fill_null(value=True)
    return pl.coalesce("refused", pl.when(~failed).then(answered))


def _not_used() -> list[pl.Expr]:
    """Where the record carries the group, null means that this call did not use it."""
    carries_parameters = pl.col("presence") & Presence.PARAMETERS.value != 0
    carries_tools = pl.col("presence") & Presence.TOOLS.value != 0
    asked = pl.coalesce("logprobs", pl.when(pl.col("top_logprobs") > 0).then(statement=True))
    return [
        asked.fill_null(pl.when(carries_parameters).then(statement=False)).alias("logprobs"),
        pl.col("logit_bias_size").fill_null(pl.when(carries_parameters).then(0)).alias("logit_bias_size"),
        pl.col("tool_count").fill_null(pl.when(carries_tools).then(0)).alias("tool_count"),
    ]


def _presence() -> pl.Expr:
    """The draft's bits, and those of groups the record itself shows."""
    bits = pl.col("presence")
    for bit, name in _HELD.items():
        bits = bits | pl.when(pl.col(name).is_not_null()).then(bit.value).otherwise(0)
    return bits
