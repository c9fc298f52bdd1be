"""Values of canonical records as draft columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from schemas.event import Presence
from transforms.ingest import columns
from transforms.ingest.canonical_fields import COLUMNS, FIELDS, NAMES
from transforms.ingest.chat import (
    TOOLS,
    Message,
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
_GROUPS = {
    bit: [column for field, column in zip(FIELDS, COLUMNS, strict=True) if field.group & bit] for bit in Presence
}


def draft_columns(values: Mapping[str, Values | pl.Series]) -> pl.DataFrame:
    """The draft of some records, with `presence` (bits of what is filled) and `filled` (how many fields that are).

    Args:
        values: for every field of the canonical record one value a record, None where it is absent; a column where it
            is one already.
    """
    simple = {field.name: field.kind for field in FIELDS if field.kind in _SIMPLE}
    made = {name: _simple(values[name], kind) for name, kind in simple.items()}
    marks = {name: made[name] if name in made else _marks(values[name]) for name in NAMES}
    filled = pl.DataFrame(marks).select(pl.sum_horizontal(pl.all().is_not_null().cast(pl.Int64)))
    made |= _texts(values, made)
    made |= _tools(_values(values["tools"]), made["tool_count"])
    made |= _log_probabilities(_values(values["logprobs"]), made["top_logprobs"])
    made["response_format"] = columns.text(_mapped(_values(values["response_format"]), format_name))
    for name in ("latency_ms", "ttft_ms"):
        made[name] = columns.rounded(made[name])
    frame = pl.DataFrame({COLUMNS[NAMES.index(name)]: series for name, series in made.items()})
    return frame.with_columns(filled.to_series().alias("filled"), *_derived()).with_columns(_presence())


def _derived() -> list[pl.Expr]:
    is_call = pl.any_horizontal(
        pl.col(name).is_not_null() for name in ("model_requested", "model_served", "input_tokens", "prompt")
    )
    kind = pl.when(pl.col("object").is_not_null()).then(pl.lit("download")).when(is_call).then(pl.lit("chat"))
    biased = pl.col("logit_bias_tokens").list.len().cast(pl.Int64)
    return [
        pl.coalesce(pl.col("operation").str.to_lowercase(), kind).alias("operation"),
        pl.coalesce("logit_bias_size", biased).alias("logit_bias_size"),
    ]


def _presence() -> pl.Expr:
    bits = [
        pl.when(pl.any_horizontal(pl.col(name).is_not_null() for name in names)).then(bit.value).otherwise(0)
        for bit, names in _GROUPS.items()
        if names
    ]
    return pl.sum_horizontal(bits).cast(pl.Int64).alias("presence")


def _simple(values: Values | pl.Series, kind: str) -> pl.Series:
    return values if isinstance(values, pl.Series) else _SIMPLE[kind](values)


def _text_values(values: Values | pl.Series) -> Values:
    """Texts; a single message or part as a list of one."""
    known = tuple(_values(values))
    return known if columns.is_nothing(known) else [[v] if isinstance(v, Message) else v for v in known]


def _values(values: Values | pl.Series) -> Values:
    return values.to_list() if isinstance(values, pl.Series) else values


def _marks(values: Values | pl.Series) -> pl.Series:
    known = tuple(_values(values))
    return columns.flag(known if columns.is_nothing(known) else [None if value is None else True for value in known])


def _texts(values: Mapping[str, Values | pl.Series], made: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    prompts = _text_values(values["prompt"])
    texts = {
        "prompt": columns.text(_mapped(prompts, _prompt)),
        "system": columns.text(_mapped(_text_values(values["system"]), _joined)),
        "response": columns.text(_mapped(_text_values(values["response"]), _joined)),
    }
    lists = [value if isinstance(value, list) and _are_messages(value) else None for value in prompts]
    if columns.is_nothing(tuple(lists)):
        return texts
    given = {
        "system": columns.text(_mapped(lists, system_text)),
        "reasoning_used": columns.names(_mapped(lists, handles_sent)),
        "message_count": columns.whole(_mapped(lists, len)),
    }
    known = dict(made) | texts
    return texts | {name: known[name].zip_with(known[name].is_not_null(), series) for name, series in given.items()}


def _prompt(value: str | list[Message | str]) -> str | None:
    return last_user_text(value) if isinstance(value, list) and _are_messages(value) else _joined(value)


def _joined(value: str | list[Message | str]) -> str | None:
    return text_of(value) if isinstance(value, str) else joined_text(value)


def _are_messages(items: list[Message | str]) -> bool:
    return any(not isinstance(item, str) and item.role is not None for item in items)


def _tools(values: Values, counts: pl.Series) -> dict[str, pl.Series]:
    if columns.is_nothing(tuple(values)):
        return {"tools": columns.text(tuple(values)), "tool_count": counts}
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


def _log_probabilities(values: Values, tops: pl.Series) -> dict[str, pl.Series]:
    """`logprobs` is a switch, or (in the completions API) the number of alternatives."""
    known = tuple(values)
    numbers = known if columns.is_nothing(known) else tuple(None if isinstance(v, bool) else v for v in known)
    if columns.is_nothing(numbers):
        return {"logprobs": columns.flag(tuple(values)), "top_logprobs": tops}
    switches = [value if value is None or isinstance(value, bool) else True for value in values]
    found = columns.whole(numbers)
    return {"logprobs": columns.flag(switches), "top_logprobs": tops.zip_with(tops.is_not_null(), found)}


def _mapped(values: Values, function: Callable[[Any], Any]) -> Values:
    known = tuple(values)
    return known if columns.is_nothing(known) else [None if value is None else function(value) for value in known]
