"""LiteLLM's logs: standard logging payloads (lines, arrays, one object a file) and spend-log rows."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import polars as pl

from schemas.event import Presence
from transforms.ingest import columns
from transforms.ingest.accounting import ADDRESS_AND_AGENT, accounts, address_and_agent, first_of
from transforms.ingest.adapter import Block, Context, Decoded, Guess
from transforms.ingest.assembling import Sheet, assemble
from transforms.ingest.depth import at_fixed_depth
from transforms.ingest.dotted import field_values, header_values
from transforms.ingest.drafting import DRAFT
from transforms.ingest.framing import cut
from transforms.ingest.json_reader import JsonReader, Read
from transforms.ingest.litellm_payload import ACCOUNT, BASES, TOLERANT, Call
from transforms.ingest.litellm_shapes import read_shapes
from transforms.ingest.litellm_values import COLUMNS, values_of
from transforms.ingest.sniffing import top_level_names

FAILED_AUTHENTICATION = "failed authentication: the key hash is of a key that is not an account's"
_READER = JsonReader(Call, TOLERANT)
_ROWS = 4096  # decoded objects held at a time
_OWN = {
    "time": "startTime",
    "start": "startTime",
    "end": "endTime",
    "account_id": "metadata",
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cost_usd": "response_cost",
    "http_status": "error_information.error_code",
}
P = Presence


class LiteLLM:
    """The LiteLLM proxy."""

    name = "litellm"
    presence = (
        P.ACCOUNT | P.TOKENS | P.CACHED_TOKENS | P.REASONING_TOKENS | P.LATENCY | P.STATUS | P.FINISH | P.PARAMETERS
        | P.TOOLS | P.PROMPT | P.RESPONSE | P.REFUSAL | P.CONVERSATION | P.ADDRESS | P.AGENT | P.MODEL | P.COST
        | P.HANDLES | P.MESSAGES | P.END_USER | P.OBJECT
    )  # fmt: skip
    documentation = (
        "Standard logging payloads as the callbacks write them (an object a line, an array a line, an object or array a "
        "file) and rows of `LiteLLM_SpendLogs`; the two may be mixed. The account is the team, else the organisation, "
        "else the user, else the key hash. A failed authentication is ignored: its key hash is of a wrong key. Latency "
        "is endTime - startTime (`response_time` is the first token's for streams); times without a zone are UTC; the "
        "status is 200, or `error_information.error_code`. An empty string is absent, and so is the text "
        "`redacted-by-litellm`. Spend logs hold prompts and parameters only where `store_prompts_in_spend_logs` is set; "
        "a prompt they cut short keeps its template keys but has no digest and no length. The last user message is the "
        "prompt. `/files/ID/content` and `/batches/ID/results` are downloads of ID. A client fingerprint is read from the "
        "request header `x-client-fingerprint` unless the policy names another."
    )

    def sniff(self, head: bytes) -> Guess:
        """How much the head looks like LiteLLM's logs."""
        names = top_level_names(head)
        is_payload = {"startTime", "endTime"} <= names and not names.isdisjoint(
            {"call_type", "model_group", "request_id"}
        )
        known = names & {field.encode_name for field in msgspec.structs.fields(Call)}
        if not is_payload:
            return Guess(0.2 * len(known) / max(1, len(names)), "no fields startTime, endTime and call_type")
        return Guess(0.6 + 0.4 * len(known) / len(names), f"startTime, endTime and {len(known) - 2} more of its fields")

    def decode(self, block: Block, context: Context) -> Decoded:
        """The block's calls as events and rejects."""
        read, draft = at_fixed_depth(lambda: _read(block, context))
        failed = draft["is_stranger"] & (draft["account_basis"].is_null() | (draft["account_basis"] == "key"))
        ignored = int(failed.fill_null(value=False).sum())
        if ignored:
            draft = draft.filter(~failed.fill_null(value=False))
        draft = draft.select(name for name in DRAFT if name in draft.columns)
        decoded = assemble(Sheet(read.pieces, draft, read.faults, _OWN), self.name, context)
        reasons = {FAILED_AUTHENTICATION: ignored} if ignored else {}
        return Decoded(decoded.events, decoded.rejects, reasons, dict(read.unknown))


ADAPTER = LiteLLM()


def _read(block: Block, context: Context) -> tuple[Read[Call], pl.DataFrame]:
    """What was read one by one, and the draft of all: the commonest shapes are read by their holes alone."""
    header = _headers(context.rule.client_fingerprint)
    pieces = cut(block)
    shaped = read_shapes(pieces, header)
    if shaped is None:
        read = _READER.read(pieces)
        drafts = [_draft(read.records, read.rows, header)]
    else:
        part = _READER.read(pieces.chosen(shaped.others))
        others = shaped.others.tolist()
        faults = [replace(fault, row=others[fault.row]) for fault in part.faults]
        read = Read(pieces, part.records, [others[row] for row in part.rows], faults, part.unknown + shaped.unknown)
        drafts = [_with_rows(shaped.draft, shaped.rows.tolist()), _draft(read.records, read.rows, header)]
    draft = pl.concat([draft for draft in drafts if draft.height] or drafts[:1])
    return read, _with_accounts(draft, read, context)


def _draft(records: Sequence[Call], rows: Sequence[int], header: str) -> pl.DataFrame:
    parts = [
        columns.frame_of(values_of(records[low : low + _ROWS], header), COLUMNS)
        for low in range(0, len(records), _ROWS)
    ]
    if not parts:
        schema = {name: pl.Int64 if kind == "moment" else kind for name, kind in COLUMNS.items()}
        parts = [pl.DataFrame(schema=schema)]
    return _with_rows(pl.concat(parts), rows)


def _with_rows(draft: pl.DataFrame, rows: Sequence[int]) -> pl.DataFrame:
    waited = (pl.col("first_token") - pl.col("start")) / 1000
    return draft.with_columns(
        pl.Series("row", rows, dtype=pl.Int64),
        pl.when(waited >= 0).then(waited).round(0).cast(pl.Int64).alias("ttft_ms"),
    )


def _headers(rule: Sequence[str]) -> str:
    """The header with the client fingerprint, where the rule's first choice is a header; it is read while decoding."""
    first = rule[0] if len(rule) > 0 else "header:x-client-fingerprint"
    return first.removeprefix("header:").lower() if first.startswith("header:") else ""


def _with_accounts(draft: pl.DataFrame, read: Read[Call], context: Context) -> pl.DataFrame:
    rule, size = context.rule, draft.height
    known = {name: name for name in draft.columns if name in ACCOUNT} | {"end_user": "end_user_id"}
    header = "header:" + _headers(rule.client_fingerprint)

    def look_up(name: str) -> pl.Series:
        if name == ADDRESS_AND_AGENT:
            return address_and_agent(draft["source_ip"], draft["user_agent"], context.key)
        if name in known:
            return draft[known[name]]
        if name.lower() == header:
            return draft["client_fingerprint"]
        texts = [read.pieces.text(row) for row in draft["row"]]
        if name.startswith("header:"):
            return header_values(texts, _HEADERS, name.removeprefix("header:"))
        return field_values(texts, name)

    names = _full(rule.account) if len(rule.account) > 0 else ACCOUNT
    account, basis = accounts(names, BASES | {ADDRESS_AND_AGENT: ADDRESS_AND_AGENT}, look_up, size)
    keys = _full(rule.api_key) if len(rule.api_key) > 0 else _KEYS
    users = _full(rule.end_user) if len(rule.end_user) > 0 else ("end_user",)
    clients = rule.client_fingerprint if len(rule.client_fingerprint) > 0 else (header,)
    return draft.with_columns(
        account.alias("account_id"),
        basis.alias("account_basis"),
        first_of(_ORGANISATIONS, look_up, size).alias("org_id"),
        first_of(keys, look_up, size).alias("api_key_id"),
        first_of(users, look_up, size).alias("end_user_id"),
        first_of(clients, look_up, size).alias("client_fingerprint"),
    )


def _full(names: Sequence[str]) -> list[str]:
    """Names of a rule in full: what a key says of its account stands in `metadata`."""
    return [f"metadata.{name}" if name.startswith("user_api_key_") else name for name in names]


_HEADERS = ("metadata.requester_custom_headers", "metadata.requester_metadata.headers")
_KEYS = ("metadata.user_api_key_hash", "metadata.user_api_key", "api_key")
_ORGANISATIONS = ("metadata.user_api_key_org_id", "organization_id")
