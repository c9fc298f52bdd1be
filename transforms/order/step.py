"""The first stage that remembers: what a call owes to the account's calls before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from schemas.policy import Policy
from transforms.order.sequence import in_order
from transforms.order.tally import LONGEST_GAP_MS, tally
from transforms.order.traits import traits
from transforms.sketches.packing import pack, unpack

_TIME = pl.Datetime("us", "UTC")
_LAYOUT = {
    "calls": pl.Schema({"account_id": pl.String(), "time": _TIME}),
    "objects": pl.Schema({"account_id": pl.String(), "stem": pl.String(), "number": pl.Int64(), "time": _TIME}),
    "refusals": pl.Schema({"account_id": pl.String(), "prompt_digest": pl.Int64(), "refused_at": _TIME}),
}
_REFUSAL_MEMORY = timedelta(hours=24)
_OBJECT_MEMORY = timedelta(hours=24)
_NUMBERED = r"^(.*?)(\d{1,18})(\D*)$"


@dataclass(frozen=True)
class OrderState:
    """What the next call of an account is compared with; everything older has been forgotten.

    Attributes:
        calls: account and time of its last call, of the last hour.
        objects: account, shape and number of its last numbered download, of the last day.
        refusals: account, exact prompt and time of its last refusal, of the last day.
    """

    calls: pl.DataFrame
    objects: pl.DataFrame
    refusals: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _LAYOUT.items()})

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("order", 1, {name: getattr(self, name) for name in _LAYOUT})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`."""
        return cls(**unpack(data, "order", 1))


@dataclass(frozen=True)
class Ordered:
    """What the stage gives out.

    Attributes:
        tallies: TALLY rows.
        traits: TRAIT rows.
        counts: source, accepted, duplicates.
    """

    tallies: pl.DataFrame
    traits: pl.DataFrame
    counts: pl.DataFrame


def step(state: OrderState, events: pl.DataFrame, until: datetime, policy: Policy) -> tuple[OrderState, Ordered]:
    """The state at `until`, and the ticks of these events.

    Args:
        state: as of the end of the last closed tick.
        events: all events of some accounts from then until `until`, in any order.
        until: end of the last tick closed by this step.
        policy: length of a tick; minhash slots.
    """
    sequenced = in_order(events)
    derived = _with_walk(_with_answers(_with_gaps(sequenced.events, state.calls), state.refusals), state.objects)
    tick = f"{policy.time.tick_minutes}m"
    after = OrderState(
        calls=_last(
            pl.concat([state.calls, derived.select("account_id", "time")]),
            ["account_id"],
            "time",
            until - timedelta(milliseconds=LONGEST_GAP_MS),
        ),
        objects=_last(
            pl.concat([state.objects, derived.filter("is_numbered").select("account_id", "stem", "number", "time")]),
            ["account_id"],
            "time",
            until - _OBJECT_MEMORY,
        ),
        refusals=_last(
            pl.concat([state.refusals, _refusals(derived)]),
            ["account_id", "prompt_digest"],
            "refused_at",
            until - _REFUSAL_MEMORY,
        ),
    )
    return after, Ordered(tally(derived, tick), traits(derived, tick, policy.traits), sequenced.counts)


def _last(rows: pl.DataFrame, by: list[str], time: str, since: datetime) -> pl.DataFrame:
    """The latest row of each, of equally late ones the last; those before `since` are forgotten."""
    return (
        rows.filter(pl.col(time) >= since)
        .sort(*by, time, maintain_order=True)
        .unique(by, keep="last", maintain_order=True)
        .rechunk()
    )


def _with_gaps(events: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Adds `gap_ms`, Int64: since the account's previous call; null on its first and above one hour."""
    known = events.join(calls.rename({"time": "_before"}), on="account_id", how="left", maintain_order="left")
    is_first = pl.col("account_id") != pl.col("account_id").shift(1)
    before = pl.when(is_first.fill_null(value=True)).then(pl.col("_before")).otherwise(pl.col("time").shift(1))
    gap = (pl.col("time") - before).dt.total_milliseconds()
    return known.with_columns(pl.when(gap <= LONGEST_GAP_MS).then(gap).alias("gap_ms")).drop("_before")


def _refusals(events: pl.DataFrame) -> pl.DataFrame:
    shown = events.filter(pl.col("is_refused").fill_null(value=False) & pl.col("prompt_digest").is_not_null())
    return shown.select("account_id", "prompt_digest", refused_at="time")


def _with_answers(events: pl.DataFrame, refusals: pl.DataFrame) -> pl.DataFrame:
    """Adds `answered_after_refusal`: the exact prompt was refused to the account earlier, within 24 hours."""
    refused = pl.concat([refusals, _refusals(events)])
    if refused.is_empty():
        return events.with_columns(pl.lit(value=False).alias("answered_after_refusal"))
    keys = ["account_id", "prompt_digest"]
    numbered = events.with_row_index("_row")
    answered = (
        numbered.filter(pl.col("is_refused").eq(other=False) & pl.col("prompt_digest").is_not_null())
        .join(refused.select(keys).unique(), on=keys, how="semi")
        .select("_row", *keys, "time")
        .sort("time")
        .join_asof(
            refused.sort("refused_at"),
            left_on="time",
            right_on="refused_at",
            by=keys,
            tolerance=_REFUSAL_MEMORY,
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .drop_nulls("refused_at")
    )
    is_answer = pl.col("_row").is_in(answered["_row"].implode())
    return numbered.with_columns(is_answer.alias("answered_after_refusal")).drop("_row")


def _with_walk(events: pl.DataFrame, objects: pl.DataFrame) -> pl.DataFrame:
    """Adds `stem`, `number`, `is_numbered`, `is_sequential` of downloads: one object after the other of one shape."""
    is_download = (pl.col("operation") == "download") & pl.col("object").is_not_null()
    if not events.select(is_download.any()).item():
        nothing = [pl.lit(None, pl.String).alias("stem"), pl.lit(None, pl.Int64).alias("number")]
        return events.with_columns(*nothing, is_numbered=pl.lit(value=False), is_sequential=pl.lit(value=False))
    numbered = events.with_row_index("_row")
    name = pl.col("object")
    downloads = (
        numbered.filter(is_download)
        .select(
            "_row",
            "account_id",
            stem=pl.concat_str(name.str.extract(_NUMBERED, 1), pl.lit("#"), name.str.extract(_NUMBERED, 3)),
            number=name.str.extract(_NUMBERED, 2).cast(pl.Int64),
        )
        .drop_nulls("number")
        .join(
            objects.select("account_id", before_stem="stem", before="number"),
            on="account_id",
            how="left",
            maintain_order="left",
        )
    )
    is_first = (pl.col("account_id") != pl.col("account_id").shift(1)).fill_null(value=True)
    stem = pl.when(is_first).then(pl.col("before_stem")).otherwise(pl.col("stem").shift(1))
    number = pl.when(is_first).then(pl.col("before")).otherwise(pl.col("number").shift(1))
    follows = (pl.col("stem") == stem) & (pl.col("number") == number + 1)
    downloads = downloads.with_columns(is_sequential=follows.fill_null(value=False)).drop(
        "before_stem", "before", "account_id"
    )
    return (
        numbered.join(downloads, on="_row", how="left", maintain_order="left")
        .with_columns(
            is_numbered=pl.col("number").is_not_null(), is_sequential=pl.col("is_sequential").fill_null(value=False)
        )
        .drop("_row")
    )
