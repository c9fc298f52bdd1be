"""Windows once more: plain Python over all events in memory, slow and obvious.

What a feature is, is written down here a second time, one window after the other, from the calls of its 24 hours.
"""

import math
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from oracle_order import HOUR, Event, capped, floor, tallies, traits
from schemas.feature import FEATURES
from schemas.policy import Policy
from schemas.trait import TRAIT_KINDS
from schemas.window import WINDOW

DAY = timedelta(days=1)
KINDS = {kind.name: kind for kind in TRAIT_KINDS}
Counts = dict[int, tuple[int, int]]  # key: calls, refused calls


class World:
    """All calls of a log, and the views of it that windows need."""

    def __init__(self, calls: list[Event], policy: Policy) -> None:
        self.policy = policy
        self.hours = {(r["account_id"], r["tick"]): r for r in tallies(calls, HOUR).to_dicts()}
        self.keys: dict[tuple[str, datetime, str], Counts] = defaultdict(dict)
        for row in traits(calls, policy).to_dicts():
            cell = self.keys[row["account_id"], floor(row["tick"], HOUR), row["kind"]]
            count, refused = cell.get(row["key"], (0, 0))
            cell[row["key"]] = (count + row["count"], refused + row["refused"])
        for (_, _, name), cell in self.keys.items():
            kind = KINDS[name]
            kept = capped({key: count for key, (count, _) in cell.items()}, kind.keep, kind.per_tick)
            for key in set(cell) - set(kept):
                del cell[key]

    def trailing(self, account: str, hour: datetime, kind: str) -> dict[datetime, Counts]:
        """What was shown in each of the 24 hours up to the end of `hour`."""
        return {hour - ago * HOUR: self.keys.get((account, hour - ago * HOUR, kind), {}) for ago in range(24)}

    def day_counts(self, account: str, hour: datetime, kind: str) -> Counts:
        """Counts over the 24 hours of the keys shown in the hour."""
        trailing = self.trailing(account, hour, kind)
        return {
            key: (
                sum(counts.get(key, (0, 0))[0] for counts in trailing.values()),
                sum(counts.get(key, (0, 0))[1] for counts in trailing.values()),
            )
            for key in trailing[hour]
        }


def windows(
    calls: list[Event],
    until: datetime,
    policy: Policy,
    peers: dict[str, str] | None = None,
    registry: dict[str, dict[str, Any]] | None = None,
) -> pl.DataFrame:
    """WINDOW rows of the hours that ended by `until`."""
    world = World(calls, policy)
    rows = [
        _window(world, account, hour, peers or {}, (registry or {}).get(account, {}))
        for account, hour in world.hours
        if hour + HOUR <= until
    ]
    return WINDOW.conform(pl.DataFrame(rows, schema=WINDOW.polars))


def _window(world: World, account: str, hour: datetime, peers: dict[str, str], filed: dict[str, Any]) -> dict[str, Any]:
    life = [row for (name, then), row in world.hours.items() if name == account and then <= hour]
    one = world.hours[account, hour]
    day = [row for row in life if row["tick"] > hour - DAY]
    presence = 0
    for row in day:
        presence |= row["presence"]
    plans = [row["plan"] for row in life if row["plan"] is not None]
    measures = _measures(world, account, hour, life, day, filed)
    features = {}
    for feature in FEATURES:
        value, support = measures[feature.name]
        knows = presence & feature.needs == feature.needs and support >= feature.least_calls
        features[feature.name] = None if value is None or not knows else float(value)
    kind, key = _top_template(world, account, hour)
    has_share = features["template_share_24h"] is not None
    return {
        "account_id": account,
        "account_hash": one["account_hash"],
        "window_end": hour + HOUR,
        "peer_group": peers.get(account, "new"),
        "plan": filed["plan"] if filed.get("plan") is not None else plans[-1] if plans else None,
        "presence": presence,
        "lifetime_calls": sum(row["calls"] for row in life),
        "lifetime_output_tokens": sum(row["output_tokens"] for row in life),
        "first_seen": life[0]["first_time"],
        "is_weak_account": one["is_weak_account"],
        **features,
        "top_template_kind": kind if has_share else None,
        "top_template_key": key if has_share else None,
        "sample_event_ids": one["sample_event_ids"],
        "provisional": False,
    }


Measured = tuple[float | None, int]


def _measures(
    world: World, account: str, hour: datetime, life: list[Any], day: list[Any], filed: dict[str, Any]
) -> dict[str, Measured]:
    one = world.hours[account, hour]

    def s(name: str) -> int:
        return sum(row[name] for row in day)

    def share(part: str, whole: str) -> Measured:
        return (s(part) / s(whole) if s(whole) else None), s(whole)

    today = floor(hour, DAY)
    week = [row for row in life if row["tick"] >= today - 6 * DAY]
    calls_today = sum(row["calls"] for row in week if row["tick"] >= today)
    calls_7d = sum(row["calls"] for row in week)
    tokens, prompts = s("tokens_known"), s("prompt_known")
    cacheable, output = s("cacheable_input_tokens"), s("output_tokens")
    logged = [row["account_created_at"] for row in life if row["account_created_at"] is not None]
    created = filed["created_at"] if filed.get("created_at") is not None else min(logged, default=None)
    age = None if created is None else (hour + HOUR - created) / DAY
    objects = min(_sample(world, account, hour, "download")["all"], s("download_calls"))
    asks = min(s("refusal_known"), prompts)
    return {
        "calls_1h": (one["calls"], one["calls"]),
        "calls_24h": (s("calls"), s("calls")),
        "calls_7d": (calls_7d, calls_7d),
        "output_tokens_24h": (output, tokens),
        "output_tokens_7d": (sum(r["output_tokens"] for r in week), sum(r["tokens_known"] for r in week)),
        "cost_usd_7d": (sum(r["cost_micro_usd"] for r in week) / 1e6, sum(r["cost_known"] for r in week)),
        "busy_share_1h": (one["latency_ms"] / 3_600_000, one["latency_known"]),
        **_rhythm(world, account, hour, day),
        "day_share_of_week": (
            None if floor(life[0]["first_time"], DAY) == today else calls_today / calls_7d,
            calls_7d,
        ),
        "out_in_ratio_24h": (output / s("input_tokens") if s("input_tokens") else None, tokens),
        "output_per_call_24h": share("output_tokens", "tokens_known"),
        "input_per_call_24h": share("input_tokens", "tokens_known"),
        "length_band_24h": _commonest(world, account, hour, "length_band", tokens),
        "cache_miss_24h": (
            max(1 - s("cached_input_tokens") / cacheable, 0.0) if cacheable else None,
            s("cached_known"),
        ),
        "truncated_share_24h": share("truncated", "finish_known"),
        "reasoning_share_24h": (
            min(s("reasoning_tokens") / output, 1.0) if output and s("reasoning_known") >= 0.95 * tokens else None,
            tokens,
        ),
        "parameters_top_share_24h": _commonest(world, account, hour, "parameters", s("parameters_known")),
        "temperature_zero_share_24h": share("temperature_zero", "parameters_known"),
        "logprob_share_24h": share("with_logprobs", "parameters_known"),
        "logit_bias_share_24h": share("with_logit_bias", "parameters_known"),
        "biased_tokens_24h": (_sample(world, account, hour, "bias_token")["all"], s("parameters_known")),
        "one_token_share_24h": share("one_token", "parameters_known"),
        **_structure(world, account, hour, one, prompts),
        "tool_share_24h": share("with_tools", "tools_known"),
        "multi_turn_share_24h": share("multi_turn", "messages_known"),
        "reasoning_elicited_share_24h": share("reasoning_elicited", "prompt_known"),
        "reasoning_tagged_share_24h": share("reasoning_tagged", "response_known"),
        "rubric_share_24h": share("rubrics", "prompt_known"),
        "grader_share_24h": share("grader_shaped", "prompt_known"),
        "system_prompt_asks_24h": (s("system_prompt_asks"), prompts),
        "refusal_share_24h": share("refused", "refusal_known"),
        "refused_variants_24h": (_refused_variants(world, account, hour), asks),
        "refused_then_answered_24h": (s("answered_after_refusal"), asks),
        "error_share_24h": share("errors", "status_known"),
        "throttled_share_24h": share("throttled", "status_known"),
        "languages_24h": _distinct(world, account, hour, "language"),
        "prefixes_24h": _distinct(world, account, hour, "prefix"),
        "agents_24h": _distinct(world, account, hour, "agent"),
        "models_24h": _distinct(world, account, hour, "model"),
        "model_top_share_24h": _commonest(world, account, hour, "model", s("calls")),
        "end_users_24h": _distinct(world, account, hour, "end_user"),
        "downloads_24h": (s("download_calls"), s("calls")),
        "objects_24h": (objects, s("calls")),
        "sequential_share_24h": share("sequential", "numbered"),
        "bytes_out_24h": (s("bytes_out"), s("bytes_known")),
        "age_days": (age if age is not None and age >= 0 else None, s("calls")),
    }


def _rhythm(world: World, account: str, hour: datetime, day: list[Any]) -> dict[str, Measured]:
    gaps = sum(row["gaps_known"] for row in day)
    bands = [sum(row[f"gap_band_{band:02d}"] for row in day) for band in range(24)]
    entropy = -sum(count / gaps * math.log2(count / gaps) for count in bands if count) if gaps else None
    mean = sum(row["gap_ms"] for row in day) / gaps if gaps else None
    spread = None
    if mean:
        variance = sum(row["gap_squared"] for row in day) * 1000.0 / gaps - mean**2
        spread = math.sqrt(max(variance, 0.0)) / mean
    clock = [world.hours.get((account, hour - ago * HOUR), {"calls": 0})["calls"] for ago in range(24)]
    quiet = min(sum(clock[(begin + k) % 24] for k in range(6)) for begin in range(24))
    return {
        "gap_entropy_24h": (entropy, gaps),
        "gap_modal_share_24h": _commonest(world, account, hour, "gap_second", gaps),
        "gap_cv_24h": (spread, gaps),
        "active_hours_24h": (sum(1 for calls in clock if calls), sum(clock)),
        "quiet_6h_share_24h": (quiet / sum(clock), sum(clock)),
    }


def _commonest(world: World, account: str, hour: datetime, kind: str, whole: int) -> Measured:
    counts = [count for count, _ in world.day_counts(account, hour, kind).values()]
    return (max(counts, default=0) / whole if whole else None), whole


def _distinct(world: World, account: str, hour: datetime, kind: str) -> Measured:
    found = len({key for counts in world.trailing(account, hour, kind).values() for key in counts})
    return found, found


def _sample(world: World, account: str, hour: datetime, kind: str) -> dict[str, int]:
    """Distinct keys and calls up to the limit below which nothing is missing, and estimates of all there were."""
    trailing, size = world.trailing(account, hour, kind), KINDS[kind].per_tick
    limit = min((max(counts) for counts in trailing.values() if len(counts) >= size), default=None)
    shown = [(k, n, r) for counts in trailing.values() for k, (n, r) in counts.items() if limit is None or k <= limit]
    keys, refused = len({k for k, _, _ in shown}), len({k for k, _, r in shown if r})

    def estimate(found: int) -> int:
        if limit is None:
            return found
        return max(found, math.floor(min((found - 1) / ((float(limit) + 2.0**63 + 1.0) / 2.0**64), 2.0**40)))

    return {"keys": keys, "calls": sum(n for _, n, _ in shown), "all": estimate(keys), "all_refused": estimate(refused)}


def _structure(world: World, account: str, hour: datetime, one: Any, prompts: int) -> dict[str, Measured]:
    sample = _sample(world, account, hour, "payload")
    novelty = sample["keys"] / sample["calls"] if sample["calls"] else None
    template = _template_share(world, account, hour, prompts)
    of_hour = world.keys.get((account, hour, "payload"), {})
    slope = None
    if of_hour and prompts >= 2 * one["prompt_known"] > 0:
        distinct_1h = one["prompt_known"] * (len(of_hour) / sum(count for count, _ in of_hour.values()))
        slope = math.log(prompts * novelty / distinct_1h) / math.log(prompts / one["prompt_known"])
    both = None if template is None or novelty is None else template * novelty
    return {
        "template_share_24h": (template, prompts),
        "payload_novelty_24h": (novelty, prompts),
        "templated_novelty_24h": (both, prompts),
        "near_duplicate_share_1h": (_near_duplicates(world, account, hour, one), one["prompt_known"]),
        "coverage_slope_24h": (slope, prompts),
    }


def _template_share(world: World, account: str, hour: datetime, prompts: int) -> float | None:
    """Prompts that carry a key of at least five prompts and a twentieth of all, used in the hour, in the best place."""
    if not prompts:
        return None
    carried = [0]
    for kind in ("head", "tail", "line", "shingle"):
        by_place: dict[Any, list[int]] = defaultdict(list)
        for key, (count, _) in world.day_counts(account, hour, kind).items():
            if count >= 5 and count >= prompts // 20:
                by_place[(key % 2**64) >> 60 if kind == "shingle" else 0].append(count)
        carried += [max(counts) if kind == "line" else sum(counts) for counts in by_place.values()]
    return max(carried) / prompts


def _near_duplicates(world: World, account: str, hour: datetime, one: Any) -> float | None:
    """The hour's prompts that carry a shingle key of at least five prompts of the day, in the slot with the fewest of those but for one other."""
    by_slot = dict.fromkeys(world.policy.traits.shingle_slots, 0)
    for key, (count, _) in world.day_counts(account, hour, "shingle").items():
        if count >= 5:
            by_slot[(key % 2**64) >> 60] += world.keys[account, hour, "shingle"][key][0]
    return sorted(by_slot.values())[1] / one["prompt_known"] if one["prompt_known"] and len(by_slot) > 1 else None


def _top_template(world: World, account: str, hour: datetime) -> tuple[str | None, int | None]:
    found = [
        (-count, kind, key)
        for kind in ("head", "tail", "line", "shingle")
        for key, (count, _) in world.day_counts(account, hour, kind).items()
    ]
    return min(found)[1:] if found else (None, None)


def _refused_variants(world: World, account: str, hour: datetime) -> int:
    searches = [
        refused
        for kind in ("head", "tail", "line", "shingle")
        for count, refused in world.day_counts(account, hour, kind).values()
        if refused >= world.policy.rules.bypass_refusal_share * count
    ]
    return min(max(searches, default=0), _sample(world, account, hour, "payload")["all_refused"])
