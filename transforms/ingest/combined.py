"""The combined access log of Apache and nginx."""

import polars as pl

from schemas.event import Presence
from transforms.ingest import web
from transforms.ingest.accounting import ADDRESS_AND_AGENT, accounts, address_and_agent, first_of
from transforms.ingest.adapter import Block, Context, Decoded, Guess
from transforms.ingest.assembling import Sheet, assemble
from transforms.ingest.framing import Pieces, cut, is_utf8
from transforms.ingest.paths import RULE
from transforms.ingest.rejecting import Fault

_LINE = (
    r'^(?<remote_addr>\S+) (?<identity>\S+) (?<remote_user>.+?) \[(?<time>[^\]]*)\] "(?<request>(?:[^"\\]|\\.)*)" '
    r'(?<status>[0-9]{3}) (?<bytes>[0-9]{1,15}|-) "(?<http_referer>(?:[^"\\]|\\.)*)" "(?<http_user_agent>(?:[^"\\]|\\.)*)"(?: .*)?$'
)
_REQUEST = r"^(?<method>[A-Z]{1,16}) (?<target>\S+)(?: HTTP/[0-9.]+)?$"
_TIME = r"^[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+-][0-9]{4}$"
_FIELDS = ("remote_addr", "remote_user", "http_referer", "http_user_agent")
_BASES = {"remote_user": "user", ADDRESS_AND_AGENT: ADDRESS_AND_AGENT}
_HEAD_LINES = 20


class Combined:
    """The combined log format."""

    name = "combined"
    presence = web.PRESENCE
    documentation = (
        'One line a request: address, identity, user, [time], "request", status, bytes, "referer", "agent"; further '
        "fields behind the agent are not read. Metadata only. Requests whose path begins with none of policy "
        f"`ingest.api_paths` are ignored. {RULE} Other GETs are `other`, POSTs are chat, completion or embedding by their "
        "path. The one time logged is the event time; `-` bytes are 0. The account is address and user agent together, "
        "marked weak; a rule may name `remote_user`. Neither query nor referer is kept."
    )

    def sniff(self, head: bytes) -> Guess:
        """How much the head looks like a combined log."""
        lines = [line for line in head.decode("utf-8", "replace").split("\n")[:_HEAD_LINES] if line.strip() != ""]
        lines = lines[:-1] if len(lines) > 1 and not head.endswith(b"\n") else lines  # the last may be cut off
        if not lines:
            return Guess(0.0, "no lines")
        hits = int(pl.Series(lines).str.strip_chars_end("\r").str.contains(_LINE).sum())
        return Guess(hits / len(lines), f"{hits} of {len(lines)} lines are of the format")

    def decode(self, block: Block, context: Context) -> Decoded:
        """The block's requests as events and rejects."""
        pieces = cut(block)
        texts, faults = _texts(pieces)
        lines = pl.DataFrame({"row": pl.int_range(len(texts), eager=True), "text": texts})
        parts = lines.select("row", pl.col("text").str.extract_groups(_LINE).alias("part")).unnest("part")
        unmatched = parts.filter(pl.col("status").is_null() & lines["text"].is_not_null())
        faults += [Fault(row, "no_match") for row in unmatched["row"]]
        parts = parts.filter(pl.col("status").is_not_null())
        parts = parts.with_columns(pl.col("request").str.extract_groups(_REQUEST).alias("part")).unnest("part")
        asked = web.requests(parts["method"], parts["target"], context.policy.ingest.api_paths)
        ignored = int((~asked.is_api).sum())
        draft = _draft(parts, asked, context).filter(asked.is_api)
        wrong = draft.filter(pl.col("end").is_null())
        faults += [Fault(row, "wrong_type", "time") for row in wrong["row"]]
        sheet = Sheet(pieces, draft.filter(pl.col("end").is_not_null()), faults, {"end": "time"})
        decoded = assemble(sheet, self.name, context)
        return Decoded(decoded.events, decoded.rejects, {web.NOT_API: ignored} if ignored else {})


ADAPTER = Combined()


def _texts(pieces: Pieces) -> tuple[pl.Series, list[Fault]]:
    """The lines as strings; null where they are not UTF-8."""
    texts = [pieces.text(row) for row in range(len(pieces.texts))]
    if is_utf8(b"\n".join(texts)):
        return pl.Series(texts, dtype=pl.Binary).cast(pl.String), []
    bad = [row for row, text in enumerate(texts) if not is_utf8(text)]
    faults = [Fault(row, "not_utf8") for row in bad]
    good = [None if not is_utf8(text) else text for text in texts]
    return pl.Series(good, dtype=pl.Binary).cast(pl.String), faults


def _draft(parts: pl.DataFrame, asked: web.Requests, context: Context) -> pl.DataFrame:
    moments = pl.when(pl.col("time").str.contains(_TIME)).then(pl.col("time"))
    logged = parts.with_columns(
        pl.when(pl.col(name) != "-").then(pl.col(name)).alias(name) for name in ("remote_user", "http_user_agent")
    )
    rule, size = context.rule, parts.height

    def look_up(name: str) -> pl.Series:
        if name == ADDRESS_AND_AGENT:
            return address_and_agent(logged["remote_addr"], logged["http_user_agent"], context.key)
        if name in _FIELDS:
            return logged[name]
        return pl.Series([None], dtype=pl.String).new_from_index(0, size)

    names = rule.account if len(rule.account) > 0 else (ADDRESS_AND_AGENT,)
    account, basis = accounts(names, _BASES, look_up, size)
    return logged.select(
        "row",
        moments.str.to_datetime("%d/%b/%Y:%H:%M:%S %z", time_unit="us", strict=False).dt.epoch("us").alias("end"),
        account.alias("account_id"),
        basis.alias("account_basis"),
        first_of(rule.api_key, look_up, size).alias("api_key_id"),
        first_of(rule.end_user, look_up, size).alias("end_user_id"),
        first_of(rule.client_fingerprint, look_up, size).alias("client_fingerprint"),
        pl.col("remote_addr").alias("source_ip"),
        pl.col("http_user_agent").alias("user_agent"),
        asked.operation.alias("operation"),
        asked.objects.alias("object"),
        pl.col("status").cast(pl.Int64).alias("http_status"),
        pl.col("bytes").replace("-", "0").cast(pl.Int64).alias("bytes_out"),
        (pl.lit(web.PRESENCE.value) | _named(basis)).alias("presence"),
    )


def _named(basis: pl.Series) -> pl.Series:
    """The bit that says an account was logged, not made of address and agent."""
    return (basis != ADDRESS_AND_AGENT).fill_null(value=False).cast(pl.Int64) * Presence.ACCOUNT.value
