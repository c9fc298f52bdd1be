"""The JSON access log of nginx (`log_format ... escape=json`)."""

from operator import attrgetter
from typing import Any

import msgspec
import polars as pl
from msgspec import Raw, Struct

from schemas.event import Presence
from transforms.ingest import columns, web
from transforms.ingest.accounting import ADDRESS_AND_AGENT, accounts, address_and_agent, first_of
from transforms.ingest.adapter import Block, Context, Decoded, Guess
from transforms.ingest.assembling import Sheet, assemble
from transforms.ingest.depth import at_fixed_depth
from transforms.ingest.dotted import field_values
from transforms.ingest.framing import cut
from transforms.ingest.json_reader import JsonReader, Read
from transforms.ingest.paths import RULE
from transforms.ingest.rejecting import Fault
from transforms.ingest.sniffing import top_level_names

Value = str | int | float | None
UNSEEN = Raw(b"")


class Line(Struct, forbid_unknown_fields=True, gc=False):
    """Variables of nginx under their own or their usual names; values are strings, or numbers where not quoted."""

    msec: Value = None
    time_iso8601: Value = None
    time_local: Value = None
    request_time: Value = None
    remote_addr: Value = None
    request_method: Value = None
    method: Value = None
    request_uri: Value = None
    uri: Value = None
    request: Value = None
    status: Value = None
    bytes_sent: Value = None
    body_bytes_sent: Value = None
    http_user_agent: Value = None
    user_agent: Value = None
    request_id: Value = None
    account: Value = None
    account_id: Value = None
    key_hash: Value = None
    api_key_id: Value = None
    http_x_client_fingerprint: Value = None
    # known, not looked at
    xff: Raw = UNSEEN
    http_x_forwarded_for: Raw = UNSEEN
    request_length: Raw = UNSEEN
    upstream_response_time: Raw = UNSEEN
    upstream_addr: Raw = UNSEEN
    upstream_status: Raw = UNSEEN
    http_referer: Raw = UNSEEN
    http_host: Raw = UNSEEN
    host: Raw = UNSEEN
    server_name: Raw = UNSEEN
    server_protocol: Raw = UNSEEN
    scheme: Raw = UNSEEN
    args: Raw = UNSEEN
    query_string: Raw = UNSEEN
    remote_user: Raw = UNSEEN


_SEEN = tuple(field.name for field in msgspec.structs.fields(Line) if field.type is not Raw)
_VALUES = attrgetter(*_SEEN)
_READER = JsonReader(Line)
_BASES = {"key_hash": "key", "api_key_id": "key", "remote_user": "user", ADDRESS_AND_AGENT: ADDRESS_AND_AGENT}
_REQUEST = r"^([A-Z]{1,16}) (\S+)(?: HTTP/[0-9.]+)?$"
_NUMBER = r"^[0-9]{1,15}(?:\.[0-9]{1,9})?$"
_COUNT = r"^[0-9]{1,15}$"
_FAR = 9e18  # microseconds: beyond every time allowed, within 64 bits
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-][0-9]{2}:[0-9]{2}$"
_LOCAL = r"^[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+-][0-9]{4}$"


class NginxJson:
    """nginx, in JSON."""

    name = "nginx_json"
    presence = web.PRESENCE | Presence.ACCOUNT | Presence.LATENCY
    documentation = (
        "One JSON object a line with nginx's variables: `msec` (else `time_iso8601`, `time_local`), all of them the end "
        "of the request; `request_time`; `remote_addr`; `request_method` and `request_uri` or `uri`, or `request`; "
        "`status`; `bytes_sent` or `body_bytes_sent`; `http_user_agent`; `request_id`. Values may be strings or numbers; "
        "empty and `-` are absent. The account is `account` or `account_id` where logged, else address and user agent "
        "together, marked weak; `header:NAME` in a rule is the variable `http_name`. Metadata only. Requests whose path "
        f"begins with none of policy `ingest.api_paths` are ignored. {RULE} Other GETs are `other`, POSTs are chat, "
        "completion or embedding by their path. Queries are not kept; `X-Forwarded-For` is not read: a caller writes it."
    )

    def sniff(self, head: bytes) -> Guess:
        """How much the head looks like nginx in JSON."""
        names = top_level_names(head)
        known = names & {field.encode_name for field in msgspec.structs.fields(Line)}
        has_time = not names.isdisjoint({"msec", "time_iso8601", "time_local"})
        has_request = not names.isdisjoint({"request", "request_uri", "uri"}) and "status" in names
        if not (has_time and has_request):
            return Guess(0.2 * len(known) / max(1, len(names)), "no nginx time, request and status")
        return Guess(
            0.6 + 0.4 * len(known) / len(names), f"{len(known)} of nginx's variables, time and request included"
        )

    def decode(self, block: Block, context: Context) -> Decoded:
        """The block's requests as events and rejects."""
        read = at_fixed_depth(lambda: _READER.read(cut(block)))
        logged = _logged(read)
        targets = pl.coalesce("request_uri", "uri", pl.col("request").str.extract(_REQUEST, 2))
        methods = pl.coalesce("request_method", "method", pl.col("request").str.extract(_REQUEST, 1))
        asked = web.requests(
            logged.select(methods).to_series(), logged.select(targets).to_series(), context.policy.ingest.api_paths
        )
        ignored = int((~asked.is_api).sum())
        draft = _draft(logged, asked, read, context).filter(asked.is_api)
        wrong = [
            Fault(row, "wrong_type", column) for row, column in draft.select("row", "wrong").drop_nulls().iter_rows()
        ]
        draft = draft.filter(pl.col("wrong").is_null()).drop("wrong")
        decoded = assemble(Sheet(read.pieces, draft, [*read.faults, *wrong], _OWN), self.name, context)
        ignored_for = {web.NOT_API: ignored} if ignored else {}
        return Decoded(decoded.events, decoded.rejects, ignored_for, dict(read.unknown))


ADAPTER = NginxJson()
_OWN = {"time": "msec", "start": "msec", "end": "msec", "account_id": "account", "http_status": "status"}


def _logged(read: Read[Line]) -> pl.DataFrame:
    """The variables as strings; empty and `-` as null."""
    rows: list[tuple[Any, ...]] = [_VALUES(line) for line in read.records]
    values = zip(*rows, strict=True) if rows else (() for _ in _SEEN)
    frame = pl.DataFrame(
        {name: columns.text([_text(v) for v in some]) for name, some in zip(_SEEN, values, strict=True)}
    )
    return frame.with_columns(pl.Series("row", read.rows, dtype=pl.Int64))


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return None if value in ("", "-") else value
    return repr(value)


def _draft(logged: pl.DataFrame, asked: web.Requests, read: Read[Line], context: Context) -> pl.DataFrame:
    """The drafts, with `wrong`: the variable that holds something it cannot."""
    rule, size = context.rule, logged.height

    def look_up(name: str) -> pl.Series:
        if name == ADDRESS_AND_AGENT:
            return address_and_agent(logged["remote_addr"], agents, context.key)
        variable = f"http_{name[7:].lower().replace('-', '_')}" if name.startswith("header:") else name
        if variable in _SEEN:
            return logged[variable]
        texts = [read.pieces.text(row) for row in logged["row"]]
        found = at_fixed_depth(lambda: field_values(texts, variable))
        return found.set(found == "-", None)

    agents = logged.select(pl.coalesce("http_user_agent", "user_agent")).to_series()
    names = rule.account if len(rule.account) > 0 else ("account", "account_id", ADDRESS_AND_AGENT)
    keys = rule.api_key if len(rule.api_key) > 0 else ("api_key_id", "key_hash")
    clients = rule.client_fingerprint if len(rule.client_fingerprint) > 0 else ("header:x-client-fingerprint",)
    account, basis = accounts(names, _BASES, look_up, size)
    named = (basis != ADDRESS_AND_AGENT).fill_null(value=False).cast(pl.Int64) * Presence.ACCOUNT.value
    size_sent = pl.coalesce("bytes_sent", "body_bytes_sent")
    seconds = pl.when(pl.col("request_time").str.contains(_NUMBER)).then(pl.col("request_time")).cast(pl.Float64)
    draft = logged.select(
        "row",
        _end().alias("end"),
        (seconds * 1000).round(0).clip(upper_bound=_FAR / 1000).cast(pl.Int64).alias("latency_ms"),
        pl.when(pl.col("status").str.contains(_COUNT)).then(pl.col("status")).cast(pl.Int64).alias("http_status"),
        pl.when(size_sent.str.contains(_COUNT)).then(size_sent).cast(pl.Int64).alias("bytes_out"),
        pl.col("request_id").alias("event_id"),
        pl.col("remote_addr").alias("source_ip"),
        agents.alias("user_agent"),
        account.alias("account_id"),
        basis.alias("account_basis"),
        first_of(keys, look_up, size).alias("api_key_id"),
        first_of(rule.end_user, look_up, size).alias("end_user_id"),
        first_of(clients, look_up, size).alias("client_fingerprint"),
        asked.operation.alias("operation"),
        asked.objects.alias("object"),
    )
    timed = pl.when(pl.col("latency_ms").is_not_null()).then(Presence.LATENCY.value).otherwise(0)
    return draft.with_columns(
        (pl.col("end") - pl.col("latency_ms") * 1000).alias("start"),
        (pl.lit(web.PRESENCE.value) | pl.lit(named) | timed).alias("presence"),
        _wrong(draft, logged).alias("wrong"),
    )


def _end() -> pl.Expr:
    counted = pl.when(pl.col("msec").str.contains(_NUMBER)).then(pl.col("msec")).cast(pl.Float64)
    iso = pl.when(pl.col("time_iso8601").str.contains(_ISO)).then(pl.col("time_iso8601"))
    local = pl.when(pl.col("time_local").str.contains(_LOCAL)).then(pl.col("time_local"))
    return pl.coalesce(
        (counted * 1e6).round(0).clip(upper_bound=_FAR).cast(pl.Int64),
        pl.when(pl.col("msec").is_null()).then(
            pl.coalesce(
                iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", strict=False).dt.epoch("us"),
                local.str.to_datetime("%d/%b/%Y:%H:%M:%S %z", time_unit="us", strict=False).dt.epoch("us"),
            )
        ),
    )


def _wrong(draft: pl.DataFrame, logged: pl.DataFrame) -> pl.Series:
    sources = {
        "end": ("msec", "time_iso8601", "time_local"),
        "latency_ms": ("request_time",),
        "http_status": ("status",),
        "bytes_out": ("bytes_sent", "body_bytes_sent"),
    }
    both = pl.concat([draft.select(list(sources)), logged.drop("row")], how="horizontal")
    return both.select(
        pl.coalesce(
            pl.when(pl.col(column).is_null() & pl.col(name).is_not_null()).then(pl.lit(name))
            for column, names in sources.items()
            for name in names
        ).alias("wrong")
    ).to_series()
