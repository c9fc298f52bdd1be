"""What the rules look at: an account's tick in numbers, and the 24 hours up to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import polars as pl

from schemas.trait import TRAIT_KINDS
from transforms.detectors import day, week
from transforms.sketches.packing import pack, unpack

ACCOUNT = ["account_id", "account_hash"]

COUNTED = (
    *("bias_calls", "logprob_one_token", "wide_one_token"),
    *("refused", "walked", "numbered", "downloads", "system_prompt_asks"),
)
SAMPLED = (
    *("tokens", "tokens_kept", "token_uses", "biased_calls"),
    *("objects", "objects_kept"),
    *("variants", "variants_kept"),
)
SUMS = COUNTED + SAMPLED
"""Integers that add up over ticks."""

SETS = ("bias_token", "download", "payload")
"""Trait kinds of which distinct keys are counted; of `payload` those that were refused."""

TEMPLATES = ("head", "tail", "line", "shingle")
"""Trait kinds that stand for what refused calls had in common."""

SAMPLE = 64
"""Keys of a kind kept a tick, the smallest of the hashes: enough to tell what share of them returns in later ticks."""

_CAP = {kind.name: kind.per_tick for kind in TRAIT_KINDS}

_KEY = {"account_id": pl.String(), "account_hash": pl.Int64(), "kind": pl.String(), "key": pl.Int64()}
_TIME = pl.Datetime("us", "UTC")
_LAYOUT: dict[str, pl.Schema] = {
    "hours": pl.Schema(
        {"account_id": pl.String(), "account_hash": pl.Int64(), "hour": _TIME} | dict.fromkeys(SUMS, pl.Int64())
    ),
    "keys": pl.Schema(_KEY | {"hour": _TIME}),
    "refusals": pl.Schema(_KEY | {"hour": _TIME, "refused": pl.Int64(), "count": pl.Int64()}),
    "days": week.DAYS,
    "tokens": week.TOKENS,
}
_VERSION = 2
_ADDED = ("wide_one_token",)
"""Columns of hours that states of this version may lack: they are older."""


@dataclass(frozen=True)
class RulesState:
    """The last 23 hours of accounts that did something a rule looks at; everyone else is absent.

    Attributes:
        hours: sums an account and hour.
        keys: keys an account showed in an hour, of the kinds in `SETS`.
        refusals: template keys an account showed in ticks in which some call with the key was refused.
        days: sums of the last seven UTC days in which an account biased tokens.
        tokens: tokens it biased in them, the smallest keys of each day.
    """

    hours: pl.DataFrame
    keys: pl.DataFrame
    refusals: pl.DataFrame
    days: pl.DataFrame
    tokens: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _LAYOUT.items()})

    def to_bytes(self) -> bytes:
        """The state as versioned bytes."""
        return pack("rules", _VERSION, {name: getattr(self, name) for name in _LAYOUT})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes. What hours did not count yet (_ADDED) is 0 in them."""
        parts = unpack(data, "rules", _VERSION)
        hours = parts["hours"]
        hours = hours.with_columns(pl.lit(0, pl.Int64).alias(name) for name in _ADDED if name not in hours.columns)
        if missing := set(_LAYOUT["hours"].names()) - set(hours.columns):
            raise ValueError(f"a state of rules without {', '.join(sorted(missing))}")
        return cls(**parts | {"hours": hours.select(_LAYOUT["hours"].names())})

    def forget(self, until: datetime) -> Self:
        """The state without the hours that no tick from `until` on reaches back to; itself if all of it stays."""
        first = dict.fromkeys(_LAYOUT, day.LAST_DAY.first_kept(until)) | dict.fromkeys(
            ("days", "tokens"), day.LAST_WEEK.first_kept(until)
        )
        before: dict[str, pl.DataFrame] = {name: getattr(self, name) for name in _LAYOUT}
        kept = {
            name: frame if frame.is_empty() else frame.filter(pl.col("hour") >= first[name])
            for name, frame in before.items()
        }
        stays = all(kept[name].height == frame.height for name, frame in before.items())
        return self if stays else type(self)(**kept)


def of_day(state: RulesState, tallies: pl.DataFrame, traits: pl.DataFrame) -> tuple[RulesState, pl.DataFrame]:
    """The ticks in which an account did something a rule looks at, with sums over the 24 hours up to each.

    Args:
        state: the hours before.
        tallies: new ticks (TALLY).
        traits: what was shown in them (TRAIT).

    Returns:
        The state with the new ticks (nothing forgotten yet), and a frame: account_id, account_hash, tick,
        sample_event_ids, SUMS, `day_NAME` for each of SUMS, `tokens_day`, `objects_day`, `variants_day` (distinct keys,
        estimated where there were many), the `week_` columns of transforms.detectors.week (0 where nothing was biased in
        the tick), `search_refused` and `search_count` (the tick's most refused template key).
    """
    keys = _shown(traits)
    ticks = _counted(tallies, keys)
    refusals = traits.filter(pl.col("kind").is_in(TEMPLATES) & (pl.col("refused") > 0)).select(
        *ACCOUNT, "tick", "kind", "key", "refused", "count"
    )
    shown = keys.filter((pl.col("kind") != "payload") | (pl.col("refused") > 0))
    by_key = [*ACCOUNT, "kind", "key"]
    days, tokens, weeks = week.of_week(state.days, state.tokens, ticks, traits)
    after = RulesState(
        day.by_hour(state.hours, ticks, ACCOUNT, SUMS),
        state.keys
        if shown.is_empty()
        else pl.concat([state.keys, shown.select(*by_key, day.hour())]).unique().sort(*by_key, "hour"),
        day.by_hour(state.refusals, refusals, by_key, ["refused", "count"]),
        days,
        tokens,
    )
    if ticks.is_empty():
        return after, ticks
    frame = ticks.join(day.sums(state.hours, ticks, ACCOUNT, SUMS), on=[*ACCOUNT, "tick"])
    for kind, name in zip(SETS, ("tokens", "objects", "variants"), strict=True):
        counted = _distinct(state, shown, ticks, kind).rename({"distinct": f"{name}_distinct"})
        frame = frame.join(counted, on=[*ACCOUNT, "tick"]).with_columns(_scaled(name).alias(f"{name}_day"))
    frame = frame.join(weeks, on=[*ACCOUNT, "tick"], how="left").with_columns(pl.col("^week_.*$").fill_null(0))
    searches = _searches(state, refusals)
    return after, frame.join(searches, on=[*ACCOUNT, "tick"], how="left").with_columns(
        pl.col("search_refused", "search_count").fill_null(0)
    ).sort("account_id", "tick")


def _shown(traits: pl.DataFrame) -> pl.DataFrame:
    """The SAMPLE smallest keys of each sampled kind and tick, with what there was in all.

    Adds `shown` (keys of the kind in the tick), `estimate` (keys there were), `refused_keys` and `uses` (of `shown`).
    Where a tick was cut at k keys, the k smallest of them: k - 1 keys in a share u of the key space, u up to the largest,
    are (k - 1) / u keys in all (Bar-Yossef et al., "Counting distinct elements in a data stream", 2002).
    """
    cell = [*ACCOUNT, "tick", "kind"]
    filled = (pl.col("key").max().over(cell).cast(pl.Float64) + 2.0**63 + 1.0) / 2.0**64
    caps = pl.col("kind").replace_strict(_CAP, return_dtype=pl.Int64)
    return (
        traits.filter(pl.col("kind").is_in(SETS))
        .sort(*cell, "key")
        .select(
            *cell,
            "key",
            "refused",
            shown=pl.len().over(cell).cast(pl.Int64),
            refused_keys=(pl.col("refused") > 0).sum().over(cell).cast(pl.Int64),
            uses=pl.col("count").sum().over(cell),
            share=filled,
            place=pl.int_range(pl.len()).over(cell),
        )
        .filter(pl.col("place") < SAMPLE)
        .with_columns(
            estimate=pl.when(pl.col("shown") < caps)
            .then("shown")
            .otherwise(((pl.col("shown") - 1) / pl.col("share")).floor().clip(upper_bound=2.0**31).cast(pl.Int64))
        )
        .drop("share", "place")
    )


def _counted(tallies: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The relevant ticks with SUMS; how many keys there were is never more than the calls that could show them."""
    cell = [*ACCOUNT, "tick"]
    kept = keys.group_by(*cell, "kind").agg(
        pl.col("shown", "estimate", "refused_keys", "uses").first(),
        kept=pl.len().cast(pl.Int64),
        kept_refused=(pl.col("refused") > 0).sum().cast(pl.Int64),
    )
    part_refused = pl.col("refused_keys") * pl.col("estimate") // pl.col("shown")
    tokens = kept.filter(pl.col("kind") == "bias_token").select(
        *cell,
        tokens="estimate",
        tokens_kept="kept",
        token_uses=pl.col("uses") * pl.col("estimate") // pl.col("shown"),
    )
    objects = kept.filter(pl.col("kind") == "download").select(*cell, objects="estimate", objects_kept="kept")
    variants = kept.filter(pl.col("kind") == "payload").select(
        *cell, variants=part_refused, variants_kept="kept_refused"
    )
    one_token = pl.col("with_logprobs") + pl.col("one_token") - pl.col("parameters_known")
    return (
        tallies.select(
            *cell,
            "sample_event_ids",
            "refused",
            "numbered",
            "system_prompt_asks",
            bias_calls=pl.max_horizontal("with_logit_bias", "with_logprobs"),
            biased_calls=pl.col("with_logit_bias"),
            # At least so many calls were both (Frechet): tallies keep the two counts, not the pairs.
            logprob_one_token=one_token.clip(lower_bound=0),
            wide_one_token=pl.col("wide_one_token").fill_null(0),
            biased_one_token=(pl.col("with_logit_bias") + pl.col("one_token") - pl.col("parameters_known")).clip(
                lower_bound=0
            ),
            walked=pl.col("sequential"),
            downloads=pl.col("download_calls"),
        )
        .filter(pl.any_horizontal(pl.col(name) > 0 for name in COUNTED))
        .join(tokens, on=cell, how="left")
        .join(objects, on=cell, how="left")
        .join(variants, on=cell, how="left")
        .with_columns(pl.col(SAMPLED).fill_null(0))
        .with_columns(
            pl.min_horizontal("objects", "downloads").alias("objects"),
            pl.min_horizontal("variants", "refused").alias("variants"),
        )
        .select(*cell, "sample_event_ids", *SUMS, "biased_one_token")
        .sort("account_id", "tick")
    )


def _distinct(state: RulesState, shown: pl.DataFrame, ticks: pl.DataFrame, kind: str) -> pl.DataFrame:
    of_kind = pl.col("kind") == kind
    return day.distinct(state.keys.filter(of_kind), shown.filter(of_kind), ticks, ACCOUNT)


def _scaled(name: str) -> pl.Expr:
    """Distinct keys of the day: the ticks' numbers, less what the kept keys repeat from tick to tick."""
    kept = pl.col(f"day_{name}_kept")
    return pl.when(kept > 0).then(pl.col(f"day_{name}") * pl.col(f"{name}_distinct") // kept).otherwise(0)


def _searches(state: RulesState, refusals: pl.DataFrame) -> pl.DataFrame:
    """Of each tick the template key refused most often within 24 hours: account, tick, search_refused, search_count."""
    by = [*ACCOUNT, "kind", "key"]
    summed = day.sums(state.refusals, refusals, by, ["refused", "count"])
    return (
        summed.sort(*ACCOUNT, "tick", "day_refused", "day_count", descending=[False, False, False, True, False])
        .group_by(*ACCOUNT, "tick", maintain_order=True)
        .agg(search_refused=pl.col("day_refused").first(), search_count=pl.col("day_count").first())
    )
