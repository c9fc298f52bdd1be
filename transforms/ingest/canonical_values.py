"""Values of canonical records as draft columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from schemas.event import Presence
from transforms.ingest import columns
from transforms.ingest.canonical_fields import COLUMNS, FIELDS, NAMES
from transforms.ingest.chat import (
    REDACTED,
    TOOLS,
    Message,
    carried_text,
    format_name,
    handles_sent,
    joined_text,
    last_user_text,
    system_text,
    text_of,
    tool_signature,
)
from transforms.ingest.moments import microseconds

Values = Sequence[Any]

_SIMPLE: dict[str, Callable[[Values], pl.Series]] = {
    "moment": microseconds,
    "name": columns.name,
    "label": columns.text,
    "whole": columns.whole,
    "number": columns.number,
    "flag": columns.flag,
    "names": columns.names,
}
_COLUMN_OF = dict(zip(NAMES, COLUMNS, strict=True))
_GROUPS = {
    bit: [column for field, column in zip(FIELDS, COLUMNS, strict=True) if field.group & bit] for bit in Presence
}


def draft_columns(values: Mapping[str, Values | pl.Series]) -> pl.DataFrame:
    """The draft of some records, with `presence` (bits of what is filled) and `filled` (how many fields that are).

    Args:
        values: by field of the canonical record one value a record, None where it is absent; a column where it is one
            already (of text: plain strings). Fields that no record has may be left out, as they are in the draft.
    """
    size = len(next(iter(values.values())))
    given = {name: value for name, value in values.items() if not _is_nothing(value)}
    made = {f.name: _simple(given[f.name], f.kind) for f in FIELDS if f.name in given and f.kind in _SIMPLE}
    marks = [made[name] if name in made else _marks(value) for name, value in given.items()]
    filled = _filled(marks, size)
    made |= _texts(given, made)
    if "tools" in given:
        made |= _tools(_values(given["tools"]), made.get("tool_count", _no_numbers(size)))
    if "logprobs" in given:
        made |= _log_probabilities(given["logprobs"], made.get("top_logprobs", _no_numbers(size)))
    if "response_format" in given:
        made["response_format"] = columns.text(_mapped(_values(given["response_format"]), format_name))
    for name in ("latency_ms", "ttft_ms"):
        if name in made:
            made[name] = columns.rounded(made[name])
    frame = pl.DataFrame([series.alias(_COLUMN_OF.get(name, name)) for name, series in made.items()])
    frame = frame.with_columns(filled) if made else filled.to_frame()
    return frame.with_columns(_derived(frame)).with_columns(_presence(frame))


def _is_nothing(values: Values | pl.Series) -> bool:
    if isinstance(values, pl.Series):
        return values.null_count() == len(values)
    return columns.is_nothing(tuple(values))


def _filled(marks: Sequence[pl.Series], size: int) -> pl.Series:
    """How many of the columns each record fills."""
    partly = [mark for mark in marks if mark.null_count()]
    filled = np.full(size, len(marks) - len(partly), dtype=np.int64)
    for mark in partly:
        filled += mark.is_not_null().to_numpy()
    return pl.Series("filled", filled)


def _no_numbers(size: int) -> pl.Series:
    return columns.whole((None,) * size)


def _derived(frame: pl.DataFrame) -> list[pl.Expr]:
    signs = [n for n in ("model_requested", "model_served", "input_tokens", "prompt") if n in frame.columns]
    kind: pl.Expr = pl.lit(None, pl.String)
    if signs:
        is_call = pl.any_horizontal(pl.col(name).is_not_null() for name in signs)
        kind = pl.when(is_call).then(pl.lit("chat"))
    if "object" in frame.columns:
        kind = pl.when(pl.col("object").is_not_null()).then(pl.lit("download")).otherwise(kind)
    named = [pl.col("operation").str.to_lowercase()] if "operation" in frame.columns else []
    derived = [pl.coalesce(*named, kind).alias("operation")]
    if "logit_bias_tokens" in frame.columns:
        sizes = [pl.col("logit_bias_size")] if "logit_bias_size" in frame.columns else []
        biased = pl.col("logit_bias_tokens").list.len().cast(pl.Int64)
        derived.append(pl.coalesce(*sizes, biased).alias("logit_bias_size"))
    return derived


def _presence(frame: pl.DataFrame) -> pl.Expr:
    bits: list[pl.Expr] = []
    always = 0
    for bit, names in _GROUPS.items():
        known = [name for name in names if name in frame.columns]
        if any(not frame[name].null_count() for name in known):
            always |= bit.value
        elif known:
            shown = pl.any_horizontal(pl.col(name).is_not_null() for name in known)
            bits.append(pl.when(shown).then(bit.value).otherwise(0))
    return pl.sum_horizontal(pl.lit(always, pl.Int64), *bits).cast(pl.Int64).alias("presence")


def _simple(values: Values | pl.Series, kind: str) -> pl.Series:
    if not isinstance(values, pl.Series):
        return _SIMPLE[kind](values)
    return values.cast(pl.String) if kind == "name" else values


def _text_values(values: Values) -> Values:
    """Texts; a single message or part as a list of one."""
    return [[v] if isinstance(v, Message) else v for v in values]


def _values(values: Values | pl.Series) -> Values:
    return values.to_list() if isinstance(values, pl.Series) else values


def _marks(values: Values | pl.Series) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    return columns.flag([None if value is None else True for value in values])


def _texts(values: Mapping[str, Values | pl.Series], made: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    texts: dict[str, pl.Series] = {}
    for name in ("prompt", "system", "response"):
        given = values.get(name)
        if isinstance(given, pl.Series):
            texts[name] = given.set(given == REDACTED, None)
        elif given is not None:
            texts[name] = columns.text(_mapped(_text_values(given), _prompt if name == "prompt" else _joined))
    prompts = values.get("prompt")
    if prompts is None or isinstance(prompts, pl.Series):
        return texts
    lists = [value if isinstance(value, list) and _are_messages(value) else None for value in _text_values(prompts)]
    if columns.is_nothing(tuple(lists)):
        return texts
    said = {
        "system": columns.text(_mapped(lists, system_text)),
        "carried": columns.text(_mapped(lists, carried_text)),
        "reasoning_used": columns.names(_mapped(lists, handles_sent)),
        "message_count": columns.whole(_mapped(lists, len)),
    }
    known = dict(made) | texts
    for name, series in said.items():
        texts[name] = known[name].zip_with(known[name].is_not_null(), series) if name in known else series
    return texts


def _prompt(value: str | list[Message | str]) -> str | None:
    return last_user_text(value) if isinstance(value, list) and _are_messages(value) else _joined(value)


def _joined(value: str | list[Message | str]) -> str | None:
    return text_of(value) if isinstance(value, str) else joined_text(value)


def _are_messages(items: list[Message | str]) -> bool:
    return any(not isinstance(item, str) and item.role is not None for item in items)


def _tools(values: Values, counts: pl.Series) -> dict[str, pl.Series]:
    lists = [_tool_list(value) for value in values]
    found = columns.whole([None if tools is None else len(tools) for tools in lists])
    signatures = [value if tools is None else tool_signature(tools) for value, tools in zip(values, lists, strict=True)]
    return {"tools": columns.text(signatures), "tool_count": counts.zip_with(counts.is_not_null(), found)}


def _tool_list(value: Any) -> Any:
    """The tools of a list or of JSON text; None for other text, which stands for itself."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            return TOOLS.decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def _log_probabilities(values: Values | pl.Series, tops: pl.Series) -> dict[str, pl.Series]:
    """`logprobs` is a switch, or (in the completions API) the number of alternatives."""
    if isinstance(values, pl.Series):
        return {"logprobs": values}
    numbers = columns.whole([None if isinstance(v, bool) else v for v in values])
    switches = columns.flag([value if value is None or isinstance(value, bool) else True for value in values])
    if numbers.null_count() == len(numbers):
        return {"logprobs": switches}
    return {"logprobs": switches, "top_logprobs": tops.zip_with(tops.is_not_null(), numbers)}


def _mapped(values: Values, function: Callable[[Any], Any]) -> Values:
    known = tuple(values)
    return known if columns.is_nothing(known) else [None if value is None else function(value) for value in known]
