"""What an account's calls had in common within a tick, key by key."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import polars_hash as plh

from schemas.event import Presence
from schemas.policy import Traits
from schemas.trait import TRAIT, TRAIT_KINDS, TraitKind
from transforms.sketches import mix, slot_of

_LENGTH_EDGES = np.unique(np.ceil(1.21 ** np.arange(1, 120)).astype(np.int64))

_LABELS = {
    "client": "client_fingerprint",
    "agent": "user_agent",
    "prefix": "network_prefix",
    "model": "model_requested",
    "language": "language",
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
}
_LISTS = {
    "line": "line_keys",
    "shingle": "shingle_keys",
    "handle_issued": "handles_issued",
    "handle_used": "handles_used",
    "bias_token": "logit_bias_keys",
}
_PARAMETERS = ("temperature", "top_p", "n_choices", "max_tokens", "response_format", "stream", "tool_count")


def traits(events: pl.DataFrame, tick: str, policy: Traits) -> pl.DataFrame:
    """TRAIT rows of ordered events, sorted by key; each kind capped per account and tick as its catalogue entry says.

    Args:
        events: unique EVENT rows sorted by (account_hash, account_id, time, event_id), with `gap_ms`.
        tick: length of a tick as a Polars duration.
        policy: which minhash slots become traits.
    """
    if events.is_empty():
        return TRAIT.empty()
    cells = events.with_columns(
        pl.col("time").dt.truncate(tick).alias("tick"), pl.col("is_refused").fill_null(value=False)
    ).with_columns(pl.struct("account_id", "tick").rle_id().alias("cell"))
    where = cells.group_by("cell").agg(pl.col("account_id", "account_hash", "tick").first())
    counted = [
        _counted(kind, keyed).with_columns(kind=pl.lit(kind.name))
        for kind in TRAIT_KINDS
        for keyed in _keyed(kind.name, cells, policy)
    ]
    return TRAIT.conform(pl.concat(counted).join(where, on="cell"))


def label_key(name: str) -> pl.Expr:
    """The key of a readable value: xxh3-64 of its UTF-8, signed."""
    return plh.col(name).nchash.xxh3_64().reinterpret(signed=True)


def _keyed(kind: str, cells: pl.DataFrame, policy: Traits) -> Iterator[pl.DataFrame]:
    """Rows (cell, time, is_refused, key, label) of the calls that show a trait of the kind."""
    base = ["cell", "time", "is_refused"]
    unlabelled = pl.lit(None, pl.String).alias("label")
    if kind in _LABELS:
        column = _LABELS[kind]
        shown = cells.select(*base, pl.col(column).alias("label")).drop_nulls("label")
        yield shown.with_columns(label_key("label").alias("key")).select(*base, "key", "label")
    elif kind in _KEYS:
        yield cells.select(*base, pl.col(_KEYS[kind]).alias("key"), unlabelled).drop_nulls("key")
    elif kind in _LISTS:
        shown = cells.select(*base, pl.col(_LISTS[kind]).alias("key"), unlabelled).drop_nulls("key")
        shown = shown.explode("key").drop_nulls("key").select(*base, "key", "label")
        if kind == "shingle":
            shown = shown.filter(slot_of(pl.col("key")).is_in(policy.shingle_slots))
        if kind == "bias_token":
            hashed = mix(shown["key"].to_numpy().astype(np.uint64, copy=True)).view(np.int64)
            shown = shown.with_columns(pl.Series("key", hashed, pl.Int64))
        yield shown
    else:
        yield _derived(kind, cells).select(*base, "key", unlabelled)


def _derived(kind: str, cells: pl.DataFrame) -> pl.DataFrame:
    if kind == "download":
        return cells.drop_nulls("object").with_columns(label_key("object").alias("key"))
    if kind == "parameters":
        carried = cells.filter((pl.col("presence") & int(Presence.PARAMETERS)) != 0)
        text = pl.concat_str([pl.col(name).cast(pl.String).fill_null("-") for name in _PARAMETERS], separator="|")
        return carried.with_columns(text.alias("tuple")).with_columns(label_key("tuple").alias("key"))
    if kind == "length_band":
        known = cells.filter(pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null())
        bands = np.searchsorted(_LENGTH_EDGES, known["input_tokens"].to_numpy(), side="right")
        return known.with_columns(pl.Series("key", bands, pl.Int64))
    return cells.drop_nulls("gap_ms").with_columns((pl.col("gap_ms") // 1000).alias("key"))  # gap_second


def _counted(kind: TraitKind, keyed: pl.DataFrame) -> pl.DataFrame:
    counted = keyed.group_by("cell", "key").agg(
        pl.col("label").first(),
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("is_refused").sum().cast(pl.Int64).alias("refused"),
        pl.col("time").min().alias("first_time"),
    )
    return capped(counted, ["cell"], kind)


def capped(rows: pl.DataFrame, by: list[str], kind: TraitKind) -> pl.DataFrame:
    """At most `kind.per_tick` keys for each of `by`: the commonest (ties: the smaller key), or the smallest."""
    if rows.is_empty() or rows.group_by(by).len()["len"].max() <= kind.per_tick:  # type: ignore[operator]
        return rows
    order = ["count", "key"] if kind.keep == "most" else ["key"]
    return rows.sort(*by, *order, descending=[False] * len(by) + [name == "count" for name in order]).filter(
        pl.int_range(pl.len()).over(by) < kind.per_tick
    )
