"""Which keys a call shows: one function a kind of trait."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import polars_hash as plh

from schemas.event import Presence
from schemas.policy import Traits
from transforms.order.ticks import Ticks, flags
from transforms.sketches.minhash import SLOTS
from transforms.sketches.mix import I64, U64, combine, mix

UNDECIDED = "und"

_LABELS = {
    "client": "client_fingerprint",
    "agent": "user_agent",
    "prefix": "network_prefix",
    "model": "model_requested",
    "operation": "operation",
    "object": "object",
    "api_key": "api_key_id",
}
_KEYS = {
    "head": "head_key",
    "tail": "tail_key",
    "system": "system_digest",
    "tools": "tool_schema",
    "end_user": "end_user",
    "payload": "prompt_digest",
    "answer_carried": "carried_key",
}
_LISTS = {"line": "line_keys", "handle_issued": "handles_issued", "answer_pasted": "passage_keys"}
_PARAMETERS = ("temperature", "top_p", "n_choices", "max_tokens", "response_format", "stream", "tool_count")
_LENGTH_EDGES = np.unique(np.ceil(1.21 ** np.arange(1, 160)).astype(np.int64))
_ODD = mix(np.arange(1, len(_PARAMETERS) + 3, dtype=np.uint64)) | np.uint64(1)

COLUMNS = (
    *_LABELS.values(), *_KEYS.values(), *_LISTS.values(), *_PARAMETERS, "handles_used",
    "answer_key", "language", "logit_bias_keys", "shingle_keys", "prompt_chars", "input_tokens", "output_tokens", "presence",
)  # fmt: skip
"""EVENT columns that are read here."""


@dataclass(frozen=True)
class Shown:
    """Keys of one kind.

    Attributes:
        rows: number of the call that shows a key, ascending; a call with several keys is there several times.
        keys: the keys.
        label: the readable value, of every call; None where the kind has none.
    """

    rows: I64
    keys: I64
    label: pl.Series | None = None


_NOTHING = Shown(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def hashed(texts: pl.Series) -> pl.Series:
    """The key of each readable value: xxh3-64 of its UTF-8, signed; null stays null."""
    return texts.to_frame("text").select(plh.col("text").nchash.xxh3_64().reinterpret(signed=True)).to_series()


def shown(ticks: Ticks, gap_ms: I64, policy: Traits) -> Iterator[tuple[str, Shown]]:
    """Kind and keys of everything that calls show; kinds of which there is nothing may be left out."""
    calls = ticks.calls
    for kind, column in _LABELS.items():
        yield kind, _labelled(calls, column)
    for kind, column in _KEYS.items():
        yield kind, _present(calls[column])
    for kind, column in _LISTS.items():
        yield kind, _listed(calls[column])
    # A call brings along all handles of its conversation. Whoever goes on with one elsewhere has handles of his own from the second call on.
    yield "handle_used", _present(calls["handles_used"].list.last())
    for kind, of in _OTHERS.items():
        yield kind, of(calls)
    yield "shingle", _shingles(calls, policy)
    rows = np.flatnonzero(gap_ms >= 0)
    yield "gap_second", Shown(rows, gap_ms[rows] // 1000)


def _labelled(calls: pl.DataFrame, column: str) -> Shown:
    values = calls[column]
    return _NOTHING if values.null_count() == len(values) else Shown(*_parts(hashed(values)), values)


def _present(keys: pl.Series) -> Shown:
    return Shown(*_parts(keys))


def _parts(keys: pl.Series) -> tuple[I64, I64]:
    if keys.null_count() == len(keys):
        return _NOTHING.rows, _NOTHING.keys
    if keys.null_count() == 0:
        return np.arange(len(keys), dtype=np.int64), keys.to_numpy()
    return np.flatnonzero(keys.is_not_null().to_numpy()), keys.drop_nulls().to_numpy()


def _listed(lists: pl.Series) -> Shown:
    if lists.null_count() == len(lists):
        return _NOTHING
    lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    if not lengths.any():
        return _NOTHING
    rows = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
    keys = lists.drop_nulls().explode(empty_as_null=False)
    if keys.null_count():
        rows = rows[keys.is_not_null().to_numpy()]
    return Shown(rows, keys.drop_nulls().to_numpy())


def _shingles(calls: pl.DataFrame, policy: Traits) -> Shown:
    """The slots of the policy, a key's slot being its top four bits, of prompts that are long enough."""
    every = _listed(calls["shingle_keys"])
    if len(every.rows) == 0:
        return _NOTHING
    is_long = flags(calls, pl.col("prompt_chars") >= policy.shingle_least_characters)
    wanted = np.zeros(SLOTS, dtype=np.bool_)
    wanted[policy.shingle_slots] = True
    kept = np.flatnonzero(wanted[(every.keys >> 60) & (SLOTS - 1)] & is_long[every.rows])
    return Shown(every.rows[kept], every.keys[kept])


def _languages(calls: pl.DataFrame) -> Shown:
    decided = calls.select(pl.when(pl.col("language") != UNDECIDED).then("language")).to_series()
    return Shown(*_parts(hashed(decided)), decided)


def _bias_tokens(calls: pl.DataFrame) -> Shown:
    """Token ids mixed, so that the smallest of them are a sample of all."""
    every = _listed(calls["logit_bias_keys"])
    return Shown(every.rows, mix(every.keys.astype(np.uint64)).view(np.int64))


def _downloads(calls: pl.DataFrame) -> Shown:
    objects = calls["object"]
    return _NOTHING if objects.null_count() == len(objects) else Shown(*_parts(hashed(objects)))


def _parameters(calls: pl.DataFrame) -> Shown:
    """One key a tuple of sampling parameters, absent ones included, where the source carries parameters."""
    rows = np.flatnonzero(flags(calls, (pl.col("presence") & int(Presence.PARAMETERS)) != 0))
    table = np.zeros((len(rows), len(_PARAMETERS) + 1), dtype=np.uint64)
    for place, column in enumerate(calls.select(_PARAMETERS)[rows]):
        if column.null_count() < len(column):
            table[:, place] = _bits(column)
        if column.null_count():
            table[:, -1] |= column.is_null().to_numpy().astype(np.uint64) << np.uint64(place)
    return Shown(rows, combine(table, _ODD).view(np.int64))


def _bits(values: pl.Series) -> U64:
    """Values as 64 bits, equal where they are equal; 0 where null."""
    if values.dtype == pl.Float64:
        return (values.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    whole = hashed(values) if values.dtype == pl.String else values.cast(pl.Int64)
    return whole.fill_null(0).to_numpy().view(np.uint64)


def _length_bands(calls: pl.DataFrame) -> Shown:
    is_known = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    rows = np.flatnonzero(flags(calls, is_known))
    tokens = calls["input_tokens"].gather(rows).to_numpy()
    return Shown(rows, np.searchsorted(_LENGTH_EDGES, tokens, side="right").astype(np.int64))


def _answers(calls: pl.DataFrame) -> Shown:
    """What answers open with; those that repeat their own prompt say nothing that was not there before."""
    answers = calls["answer_key"]
    if answers.null_count() == len(answers):
        return _NOTHING
    is_new = ~pl.col("passage_keys").list.contains(pl.col("answer_key")).fill_null(value=False)
    return _present(calls.select(pl.when(is_new).then("answer_key")).to_series())


_OTHERS: dict[str, Callable[[pl.DataFrame], Shown]] = {
    "answer_given": _answers,
    "language": _languages,
    "bias_token": _bias_tokens,
    "download": _downloads,
    "parameters": _parameters,
    "length_band": _length_bands,
}
