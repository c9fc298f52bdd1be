"""What is left of a call's texts: fingerprints and claims."""

from collections.abc import Callable

import polars as pl

from transforms.ingest.fingerprint import prompt_keys, repeated_digest, text_digest, token
from transforms.ingest.key import FingerprintKey
from transforms.ingest.language import language
from transforms.ingest.lexicon import prompt_flags, response_flags
from transforms.ingest.passages import opening_key

BIAS_KEYS = 1024
"""Biased token ids kept of one call, the smallest: a sweep needs more calls, not more ids a call."""

_NUMBER = r"^-?[0-9]{1,18}$"


def text_columns(draft: pl.DataFrame, key: FingerprintKey) -> list[pl.Series]:
    """The columns of EVENT that come from text, ids and handles; `looks_refused` besides.

    Args:
        draft: rows of drafting.DRAFT.
        key: what fingerprints are keyed with.
    """
    prompts, systems, responses = draft["prompt"], draft["system"], draft["response"]
    columns = [
        *_prompt_columns(prompts, draft["is_cut"], key),
        *_claims(prompts, systems),
        *_answer_columns(responses, key),
        _where_known(draft["carried"], lambda texts: opening_key(texts, key)).alias("carried_key"),
        _where_known(systems, lambda texts: repeated_digest(texts, key, "system")).alias("system_digest"),
        _where_known(draft["tools"], lambda texts: token(texts, key, "tools")).alias("tool_schema"),
        _where_known(draft["end_user_id"], lambda ids: token(ids, key, "end user")).alias("end_user"),
        _where_known(draft["conversation_id"], lambda ids: token(ids, key, "conversation")).alias("conversation"),
        # Handles are compared with each other whoever holds them: issued and used share one purpose.
        _each(draft["reasoning_issued"], lambda ids: token(ids, key, "handle")).alias("handles_issued"),
        _each(draft["reasoning_used"], lambda ids: token(ids, key, "handle")).alias("handles_used"),
    ]
    biased = _each(draft["logit_bias_tokens"], lambda ids: _bias_keys(ids, key))
    return [*columns, biased.list.unique().list.sort().list.head(BIAS_KEYS).alias("logit_bias_keys")]


def _prompt_columns(prompts: pl.Series, is_cut: pl.Series, key: FingerprintKey) -> list[pl.Series]:
    keys = prompt_keys(prompts, key)
    known = _where_known(prompts, language, pl.String).alias("language")
    if is_cut.any():  # what the source cut short has neither its own digest nor its own length
        whole = ~is_cut.fill_null(value=False)
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(prompts))
        keys = keys.with_columns(
            keys[name].zip_with(whole, nothing).alias(name) for name in ("prompt_digest", "prompt_chars")
        )
    return [*keys.get_columns(), known]


def _claims(prompts: pl.Series, systems: pl.Series) -> list[pl.Series]:
    names = ("elicits_reasoning", "has_rubric", "asks_system_prompt")
    if prompts.null_count() == len(prompts):
        return [_nothing(name, len(prompts), pl.Boolean) for name in names]
    flags = prompt_flags(prompts, systems)
    unknown = prompts.is_null()
    return [flags[name].set(unknown, None).alias(name) for name in names]


def _answer_columns(responses: pl.Series, key: FingerprintKey) -> list[pl.Series]:
    size = len(responses)
    if responses.null_count() == size:
        return [
            _nothing("response_digest", size, pl.Int64),
            _nothing("response_chars", size, pl.Int64),
            _nothing("answer_key", size, pl.Int64),
            _nothing("has_reasoning_tags", size, pl.Boolean),
            _nothing("looks_refused", size, pl.Boolean),
        ]
    flags = response_flags(responses)
    unknown = responses.is_null()
    return [
        text_digest(responses, key, "response").alias("response_digest"),
        responses.str.len_chars().cast(pl.Int64).alias("response_chars"),
        opening_key(responses, key).alias("answer_key"),
        flags["has_reasoning_tags"].set(unknown, None),
        flags["looks_refused"].set(unknown, None),
    ]


def _bias_keys(ids: pl.Series, key: FingerprintKey) -> pl.Series:
    is_number = ids.str.contains(_NUMBER)
    numbers = ids.set(~is_number, None).cast(pl.Int64)
    return numbers if is_number.all() else numbers.zip_with(is_number, token(ids, key, "bias token"))


def _each(lists: pl.Series, function: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """A function over the items of lists; null where there are none."""
    size = len(lists)
    if lists.null_count() == size:
        return pl.Series([None], dtype=pl.List(pl.Int64)).new_from_index(0, size)
    items = pl.DataFrame({"row": pl.int_range(size, eager=True), "item": lists}).explode("item").drop_nulls()
    made = items.select("row", function(items["item"]).alias("key")).group_by("row", maintain_order=True).agg("key")
    return pl.DataFrame({"row": pl.int_range(size, eager=True)}).join(made, "row", how="left", maintain_order="left")[
        "key"
    ]


def _where_known(
    values: pl.Series, function: Callable[[pl.Series], pl.Series], kind: type[pl.DataType] = pl.Int64
) -> pl.Series:
    """A function over the values that are not null; null elsewhere. Costs nothing where nothing is known."""
    size, missing = len(values), values.null_count()
    if missing == size:
        return _nothing(values.name, size, kind)
    if not missing:
        return function(values)
    known = values.is_not_null()
    result = _nothing(values.name, size, kind)
    return result.scatter(known.arg_true(), function(values.filter(known)))


def _nothing(name: str, size: int, kind: type[pl.DataType]) -> pl.Series:
    return pl.Series(name, [None], dtype=kind).new_from_index(0, size)
