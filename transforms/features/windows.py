"""The features of schemas.feature, each from integers and once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.feature import FEATURE, FEATURES
from schemas.snapshot import NEWCOMERS
from schemas.tally import ADDITIVE, GAP_COLUMNS
from schemas.trait import TRAIT_KINDS
from transforms.features.rollup import DISTINCT_KINDS, TEMPLATES
from transforms.features.trailing import I64, at_hours, hour_number, series, trailing_distinct, trailing_sums
from transforms.sketches import slot_of

F64 = npt.NDArray[np.float64]
_LEAST_TEMPLATE_CALLS = 5
_MOST_TEMPLATES = 20
_SAMPLE = {kind.name: kind.per_tick for kind in TRAIT_KINDS if kind.keep == "least"}


@dataclass(frozen=True)
class _Hours:
    """The hours that end, as rows; sums of the hour (`one`) and of the 24 hours up to its end (`day`)."""

    rows: pl.DataFrame
    one: dict[str, I64]
    day: dict[str, I64]
    runs: I64
    numbers: I64
    all_runs: I64
    all_numbers: I64
    all_calls: I64


@dataclass(frozen=True)
class _Best:
    """Of the keys used in each hour, the one with the largest 24-hour count; 0 where no key was used."""

    count: I64
    refused: I64
    kind: list[str | None]
    key: list[int | None]


def windows_of(
    hours: pl.DataFrame,
    ending: pl.DataFrame,
    keys: pl.DataFrame,
    days: pl.DataFrame,
    before: pl.DataFrame,
    accounts: pl.DataFrame,
    peers: pl.DataFrame,
    registry: pl.DataFrame,
) -> pl.DataFrame:
    """One row for each row of `ending`: the WINDOW columns but `provisional`.

    Args:
        hours: all hours known, sorted by account_id and hour.
        ending: those of them to make windows for.
        keys: keys of the same hours, sorted by account_id, kind, key and hour.
        days: sums of UTC days, including the ending hours.
        before: accounts as they were before the ending hours.
        accounts: accounts after them.
        peers: PEER rows.
        registry: REGISTRY rows.
    """
    made = _hours(hours, ending)
    used = _used_keys(keys, made)
    template = _best(used, made, TEMPLATES)
    columns = _ratios(made) | _rhythm(made) | _days(made, days) | _commonest(used, made) | _distinct(used, made)
    columns |= _payloads(used, made, template, columns["template_share_24h"])
    frame = _about_accounts(made.rows, before, accounts, peers, registry)
    columns["age_days"] = frame["age_days"].to_numpy()
    features = [_guarded(name, columns[name], made) for name in FEATURE]
    has_template = pl.Series(made.day["prompt_known"] > 0) & pl.Series(template.count > 0)
    return frame.drop("age_days").with_columns(
        *features,
        pl.when(has_template).then(pl.Series(template.kind, dtype=pl.String)).alias("top_template_kind"),
        pl.when(has_template).then(pl.Series(template.key, dtype=pl.Int64)).alias("top_template_key"),
    )


def _hours(hours: pl.DataFrame, ending: pl.DataFrame) -> _Hours:
    numbered = hours.with_columns(hour_number("hour").alias("_n")).with_row_index("_i")
    mine = numbered.join(
        ending.select("account_id", "hour"), on=["account_id", "hour"], how="semi", maintain_order="left"
    )
    values = numbered.select(ADDITIVE).to_numpy().astype(np.int64, copy=False)
    runs, numbers = series(numbered, ["account_id"]), numbered["_n"].to_numpy()
    picked = mine["_i"].to_numpy()
    sums = trailing_sums(runs, numbers, values)[picked]
    return _Hours(
        rows=mine.drop("_i"),
        one={name: values[picked, i] for i, name in enumerate(ADDITIVE)},
        day={name: sums[:, i] for i, name in enumerate(ADDITIVE)},
        runs=runs[picked],
        numbers=numbers[picked],
        all_runs=runs,
        all_numbers=numbers,
        all_calls=values[:, 0],
    )


def _divide(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> F64:
    """Part of a whole; NaN, which becomes null, where there is no whole."""
    out = np.full(len(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _ratios(made: _Hours) -> dict[str, F64]:
    day, one = made.day, made.one

    def share(part: str, whole: str = "calls") -> F64:
        return _divide(day[part], day[whole])

    def only_if(values: I64, known: I64) -> F64:
        return np.where(known > 0, values.astype(np.float64), np.nan)

    return {
        "calls_1h": one["calls"].astype(np.float64),
        "calls_24h": day["calls"].astype(np.float64),
        "output_tokens_24h": only_if(day["output_tokens"], day["tokens_known"]),
        "busy_share_1h": np.where(one["latency_known"] > 0, one["latency_ms"] / 3_600_000.0, np.nan),
        "out_in_ratio_24h": share("output_tokens", "input_tokens"),
        "output_per_call_24h": share("output_tokens", "tokens_known"),
        "input_per_call_24h": share("input_tokens", "tokens_known"),
        "cache_miss_24h": 1.0 - share("cached_input_tokens", "cacheable_input_tokens"),
        "truncated_share_24h": share("truncated", "finish_known"),
        "reasoning_share_24h": _divide(
            np.where(day["reasoning_known"] > 0, day["reasoning_tokens"], 0),
            np.where(day["reasoning_known"] > 0, day["output_tokens"], 0),
        ),
        "temperature_zero_share_24h": share("temperature_zero", "parameters_known"),
        "logprob_share_24h": share("with_logprobs", "parameters_known"),
        "logit_bias_share_24h": share("with_logit_bias", "parameters_known"),
        "one_token_share_24h": share("one_token", "parameters_known"),
        "tool_share_24h": share("with_tools", "tools_known"),
        "multi_turn_share_24h": share("multi_turn", "messages_known"),
        "reasoning_elicited_share_24h": share("reasoning_elicited", "prompt_known"),
        "reasoning_tagged_share_24h": share("reasoning_tagged", "response_known"),
        "rubric_share_24h": share("rubrics", "prompt_known"),
        "grader_share_24h": share("grader_shaped", "prompt_known"),
        "system_prompt_asks_24h": only_if(day["system_prompt_asks"], day["prompt_known"]),
        "refusal_share_24h": share("refused", "refusal_known"),
        "refused_then_answered_24h": only_if(
            day["answered_after_refusal"], np.minimum(day["refusal_known"], day["prompt_known"])
        ),
        "error_share_24h": share("errors", "status_known"),
        "throttled_share_24h": share("throttled", "status_known"),
        "downloads_24h": day["download_calls"].astype(np.float64),
        "sequential_share_24h": share("sequential", "numbered"),
        "bytes_out_24h": only_if(day["bytes_out"], day["bytes_known"]),
    }


def _rhythm(made: _Hours) -> dict[str, F64]:
    day = made.day
    bands = np.stack([day[name] for name in GAP_COLUMNS], axis=1).astype(np.float64)
    count = day["gaps_known"].astype(np.float64)
    portions = bands / np.maximum(count, 1.0)[:, None]
    logs = np.log2(portions, out=np.zeros_like(portions), where=portions > 0)
    entropy = -(portions * logs).sum(axis=1)
    mean = _divide(day["gap_ms"], day["gaps_known"])
    variance = np.maximum(_divide(day["gap_squared"] * 1000.0, day["gaps_known"]) - mean**2, 0.0)
    past = np.stack(
        [at_hours(made.all_runs, made.all_numbers, made.all_calls, made.runs, made.numbers - k) for k in range(24)],
        axis=1,
    )
    circle = np.concatenate([past, past[:, :5]], axis=1)
    sixes = np.stack([circle[:, k : k + 6].sum(axis=1) for k in range(24)], axis=1)
    return {
        "gap_entropy_24h": np.where(count > 0, entropy, np.nan),
        "gap_cv_24h": _divide(np.sqrt(variance), mean),
        "active_hours_24h": (past > 0).sum(axis=1).astype(np.float64),
        "quiet_6h_share_24h": _divide(sixes.min(axis=1), day["calls"]),
    }


def _days(made: _Hours, days: pl.DataFrame) -> dict[str, F64]:
    """Sums over today so far and the six UTC days before."""
    sums = ("calls", "output_tokens", "tokens_known", "cost_micro_usd", "cost_known")
    hours = made.rows.with_columns(pl.col("hour").dt.truncate("1d").alias("day"))
    # A day's sum in `days` covers the hours that end now as well: take off those after each row.
    later = hours.select(
        (pl.col(name).cum_sum(reverse=True).over("account_id", "day") - pl.col(name)).alias(name) for name in sums
    ).to_numpy()
    whole = days.with_columns((hour_number("day") // 24).alias("_d"))
    runs = whole.join(made.rows.select("account_id").unique(), on="account_id", how="semi", maintain_order="left")
    joined = (
        hours.select("account_id", "day")
        .with_row_index("_i")
        .join(runs.select("account_id", pl.col("day").alias("then"), *sums), on="account_id", how="left")
    )
    inside = (pl.col("then") <= pl.col("day")) & (pl.col("then") > pl.col("day") - pl.duration(days=7))
    today = pl.col("then") == pl.col("day")
    week = (
        joined.filter(inside)
        .group_by("_i")
        .agg(*[pl.col(name).sum() for name in sums], pl.col("calls").filter(today).sum().alias("today"))
        .sort("_i")
    )
    total = week.select(sums).to_numpy() - later
    now = week["today"].to_numpy() - later[:, 0]
    return {
        "calls_7d": total[:, 0].astype(np.float64),
        "output_tokens_7d": np.where(total[:, 2] > 0, total[:, 1].astype(np.float64), np.nan),
        "cost_usd_7d": np.where(total[:, 4] > 0, total[:, 3] / 1e6, np.nan),
        "day_share_of_week": _divide(now, total[:, 0]),
    }


def _used_keys(keys: pl.DataFrame, made: _Hours) -> pl.DataFrame:
    """Keys with their counts of the 24 hours up to the end of the hour they were used in.

    Adds account (number among the ending rows' accounts), hour number, `day` and `day_refused`, `row` of the ending
    hour (null where the hour does not end now).
    """
    accounts = made.rows.select("account_id").unique(maintain_order=True).with_row_index("account")
    mine = keys.join(accounts, on="account_id", how="inner", maintain_order="left").with_columns(
        pl.col("account").cast(pl.Int64), hour_number("hour").alias("hour")
    )
    runs = series(mine, ["account_id", "kind", "key"])
    sums = trailing_sums(runs, mine["hour"].to_numpy(), mine.select("count", "refused").to_numpy())
    ending = made.rows.select("account_id", hour="_n").with_row_index("row")
    return mine.with_columns(pl.Series("day", sums[:, 0]), pl.Series("day_refused", sums[:, 1])).join(
        ending, on=["account_id", "hour"], how="left", maintain_order="left"
    )


def _best(used: pl.DataFrame, made: _Hours, kinds: tuple[str, ...]) -> _Best:
    rows = made.rows.height
    best = (
        used.filter(pl.col("kind").is_in(kinds) & pl.col("row").is_not_null())
        .sort("row", "day", "kind", "key", descending=[False, True, False, False])
        .group_by("row", maintain_order=True)
        .agg(pl.col("day", "kind", "key").first(), pl.col("day_refused").max())
    )
    full = pl.DataFrame({"row": range(rows)}, schema={"row": pl.get_index_type()}).join(
        best, on="row", how="left", maintain_order="left"
    )
    return _Best(
        full["day"].fill_null(0).to_numpy(),
        full["day_refused"].fill_null(0).to_numpy(),
        full["kind"].to_list(),
        full["key"].to_list(),
    )


def _commonest(used: pl.DataFrame, made: _Hours) -> dict[str, F64]:
    day = made.day
    return {
        "template_share_24h": _templated(used, made),
        "parameters_top_share_24h": _at_most_one(
            _divide(_best(used, made, ("parameters",)).count, day["parameters_known"])
        ),
        "length_band_24h": _at_most_one(_divide(_best(used, made, ("length_band",)).count, day["tokens_known"])),
        "gap_modal_share_24h": _at_most_one(_divide(_best(used, made, ("gap_second",)).count, day["gaps_known"])),
        "model_top_share_24h": _at_most_one(_divide(_best(used, made, ("model",)).count, day["calls"])),
    }


def _templated(used: pl.DataFrame, made: _Hours) -> F64:
    """Share of the 24 hours' prompts that carry a template used in this hour.

    A key is a template's if at least five prompts and one in twenty carry it: pools use 1 to 20 templates (threats.md
    4.3). A prompt has one first key, one last key and one key a minhash slot, so these add up within their place; of
    lines it has several, so only the commonest counts.
    """
    prompts = made.day["prompt_known"]
    rows = pl.DataFrame({"row": range(len(prompts))}, schema={"row": pl.get_index_type()}).with_columns(
        least=pl.Series(np.maximum(_LEAST_TEMPLATE_CALLS, prompts // _MOST_TEMPLATES))
    )
    place = pl.when(pl.col("kind") == "shingle").then(slot_of(pl.col("key"))).otherwise(pl.lit(-1, pl.Int64))
    best = (
        used.filter(pl.col("kind").is_in(TEMPLATES))
        .join(rows, on="row", how="inner")
        .filter(pl.col("day") >= pl.col("least"))
        .group_by("row", "kind", place.alias("place"))
        .agg(pl.col("day").sum().alias("sum"), pl.col("day").max().alias("most"))
        .with_columns(pl.when(pl.col("kind") == "line").then("most").otherwise("sum").alias("carried"))
        .group_by("row")
        .agg(pl.col("carried").max())
    )
    carried = rows.join(best, on="row", how="left", maintain_order="left")["carried"].fill_null(0).to_numpy()
    return _at_most_one(_divide(carried, prompts))


def _at_most_one(values: F64) -> F64:
    """A prompt may show a line twice: then a key counts more often than there are prompts."""
    return np.minimum(values, 1.0)


def _payloads(used: pl.DataFrame, made: _Hours, template: _Best, share: F64) -> dict[str, F64]:
    """Novelty: distinct payloads of the hour's sample by how often they were sent in 24 hours."""
    payloads = used.filter((pl.col("kind") == "payload") & pl.col("row").is_not_null())
    found = (
        pl.DataFrame({"row": range(made.rows.height)}, schema={"row": pl.get_index_type()})
        .join(
            payloads.group_by("row").agg(pl.len().alias("keys"), pl.col("day", "count").sum()),
            on="row",
            how="left",
            maintain_order="left",
        )
        .fill_null(0)
    )
    novelty = _divide(found["keys"].to_numpy(), found["day"].to_numpy())
    novelty_1h = _divide(found["keys"].to_numpy(), found["count"].to_numpy())
    day, one = made.day["prompt_known"].astype(np.float64), made.one["prompt_known"].astype(np.float64)
    grown = (day >= 2 * one) & (one > 0)
    slope = _divide(
        np.log(np.maximum(day * np.nan_to_num(novelty), 1.0))
        - np.log(np.maximum(one * np.nan_to_num(novelty_1h), 1.0)),
        np.where(grown, np.log(np.where(grown, day / np.maximum(one, 1.0), 1.0)), 0.0),
    )
    is_known = (made.day["refusal_known"] > 0) & (made.day["prompt_known"] > 0)
    return {
        "payload_novelty_24h": novelty,
        "templated_novelty_24h": share * novelty,
        "coverage_slope_24h": slope,
        "refused_variants_24h": np.where(is_known, template.refused * np.nan_to_num(novelty), np.nan),
    }


def _distinct(used: pl.DataFrame, made: _Hours) -> dict[str, F64]:
    """Distinct keys in 24 hours; where the hour's sample is full, at least what the sample estimates for the hour.

    A full bottom-k sample of hashes spread evenly over 2^64 estimates (k - 1) / (largest's place) distinct keys.
    """
    accounts = made.rows.select("account_id").unique(maintain_order=True).with_row_index("account")
    asked = (
        made.rows.select("account_id", hour="_n")
        .join(accounts, on="account_id", maintain_order="left")
        .with_columns(pl.col("account").cast(pl.Int64))
    )
    out = {}
    for feature, kind in DISTINCT_KINDS.items():
        seen = used.filter(pl.col("kind") == kind)
        counts = trailing_distinct(seen.select("account", "key", "hour"), asked).astype(np.float64)
        if kind in _SAMPLE:
            counts = np.maximum(counts, _estimated(seen, _SAMPLE[kind], made.rows.height))
        out[feature] = counts
    return out


def _estimated(seen: pl.DataFrame, size: int, rows: int) -> F64:
    place = (pl.col("key").max().cast(pl.Float64) + 2.0**63) / 2.0**64
    full = (
        seen.drop_nulls("row")
        .group_by("row")
        .agg(pl.len().alias("keys"), place.alias("place"))
        .filter(pl.col("keys") >= size)
    )
    out = np.zeros(rows)
    out[full["row"].to_numpy()] = (size - 1) / np.maximum(full["place"].to_numpy(), 1e-12)
    return out


def _about_accounts(
    rows: pl.DataFrame, before: pl.DataFrame, accounts: pl.DataFrame, peers: pl.DataFrame, registry: pl.DataFrame
) -> pl.DataFrame:
    by = "account_id"
    known = registry.select(by, registry_plan="plan", registry_created="created_at")
    was = before.select(
        by, was_calls="lifetime_calls", was_tokens="lifetime_output_tokens", was_created="created_at", was_plan="plan"
    )
    frame = (
        rows.join(was, on=by, how="left", maintain_order="left")
        .join(accounts.select(by, "first_seen"), on=by, how="left", maintain_order="left")
        .join(peers.select(by, "peer_group"), on=by, how="left", maintain_order="left")
        .join(known, on=by, how="left", maintain_order="left")
    )
    logged = pl.min_horizontal(
        "was_created",
        pl.col("account_created_at")
        .cast(pl.Int64)
        .cum_min()
        .over(by)
        .forward_fill()
        .over(by)
        .cast(pl.Datetime("us", "UTC")),
    )
    created = pl.coalesce("registry_created", logged)
    end = pl.col("hour") + pl.duration(hours=1)
    age = (end - created).dt.total_seconds() / 86_400
    return frame.select(
        by,
        "account_hash",
        end.alias("window_end"),
        pl.col("peer_group").fill_null(NEWCOMERS),
        "presence",
        (pl.col("was_calls").fill_null(0) + pl.col("calls").cum_sum().over(by)).alias("lifetime_calls"),
        (pl.col("was_tokens").fill_null(0) + pl.col("output_tokens").cum_sum().over(by)).alias(
            "lifetime_output_tokens"
        ),
        "first_seen",
        "is_weak_account",
        pl.coalesce("registry_plan", pl.col("plan").forward_fill().over(by), "was_plan").alias("plan"),
        "sample_event_ids",
        pl.when(age >= 0).then(age).fill_null(float("nan")).alias("age_days"),
    )


def _guarded(name: str, values: F64, made: _Hours) -> pl.Series:
    """The feature with null where there were too few calls, or nothing to see."""
    feature = next(feature for feature in FEATURES if feature.name == name)
    calls = made.one["calls"] if name.endswith("_1h") else made.day["calls"]
    if name.startswith("gap_"):
        calls = made.day["gaps_known"]
    kept = (calls >= feature.least_calls) & ~np.isnan(values)
    if int(feature.needs):
        kept &= (made.rows["presence"].to_numpy() & int(feature.needs)) == int(feature.needs)
    return pl.select(pl.when(pl.Series(kept)).then(pl.Series(values)).alias(name)).to_series()
