"""Features of what an account's calls have in common: templates, payloads, and the commonest of other kinds."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.features.hours import Hours
from transforms.features.keys import Used
from transforms.features.measure import F64, Measure, count, divided
from transforms.features.samples import Sample
from transforms.features.state import COMMONEST_KINDS, TEMPLATES
from transforms.sketches.minhash import SLOTS
from transforms.sketches.mix import I64

LEAST_TEMPLATE_CALLS = 5
MOST_TEMPLATES = 20


@dataclass(frozen=True)
class Top:
    """The template key of each window's hour with the largest 24-hour count; null where there is none."""

    kind: pl.Series
    key: pl.Series


def templates(used: dict[str, Used], hours: Hours) -> Measure:
    """Share of the 24 hours' prompts that carry a template used in this hour.

    A key is a template's if at least five prompts and one in twenty carry it: pools use 1 to 20 templates (threats.md
    4.3). A prompt has one first key, one last key and one key a minhash slot, so these add up within their place; of
    lines it has several, so only the commonest counts. The best place counts.
    """
    prompts = hours.day["prompt_known"]
    least = np.maximum(LEAST_TEMPLATE_CALLS, prompts // MOST_TEMPLATES)
    carried = np.zeros(len(prompts), dtype=np.int64)
    for kind in TEMPLATES:
        keys = used[kind]
        is_template = keys.day >= least[keys.window]
        window, day, key = keys.window[is_template], keys.day[is_template], keys.key[is_template]
        if kind == "line":
            np.maximum.at(carried, window, day)
            continue
        slots = SLOTS if kind == "shingle" else 1
        slot = (key >> 60) & (SLOTS - 1) if kind == "shingle" else np.zeros_like(key)
        at_place = np.zeros(len(prompts) * slots, dtype=np.int64)
        np.add.at(at_place, window * slots + slot, day)
        carried = np.maximum(carried, at_place.reshape(-1, slots).max(axis=1, initial=0))
    return Measure(divided(carried, prompts), prompts)


def near_duplicates(shingles: Used, hours: Hours, slots: list[int]) -> Measure:
    """Share of the hour's prompts that repeat others of the 24 hours in nearly every part; at least, of many inputs at a time.

    A minhash slot holds a piece of the prompt from anywhere: a fixed instruction around a free payload is in some prompts' slots,
    a text of which a few words change is in nearly all prompts' slots. So the slot counts in which the fewest prompts but for one
    other carry a key of at least five prompts; that other one may be such as the text leaves empty. An hour keeps its commonest
    keys only (trait `shingle`), so that of inputs around more than some eight texts an hour not all are seen.

    Args:
        shingles: the shingle keys of the hours.
        hours: the windows.
        slots: which of the slots there are keys of (policy traits.shingle_slots); with fewer than two nothing is known.
    """
    prompts = hours.one["prompt_known"]
    place = shingles.window * SLOTS + ((shingles.key >> 60) & (SLOTS - 1))
    returns = shingles.day >= LEAST_TEMPLATE_CALLS
    repeated = np.zeros(len(prompts) * SLOTS, dtype=np.int64)
    np.add.at(repeated, place[returns], shingles.count[returns])
    if len(slots) < 2:
        return Measure(np.full(len(prompts), np.nan), prompts)
    return Measure(divided(np.sort(repeated.reshape(-1, SLOTS)[:, slots], axis=1)[:, 1], prompts), prompts)


def top_template(used: dict[str, Used], windows: int) -> Top:
    """The commonest template key of each window's hour; of equally common ones the first by kind and key."""
    best = np.zeros(windows, dtype=np.int64)
    for kind in TEMPLATES:
        np.maximum.at(best, used[kind].window, used[kind].day)
    found = np.full(windows, -1)
    keys = np.full(windows, np.iinfo(np.int64).max)
    for number, kind in enumerate(TEMPLATES):
        mine = used[kind]
        is_best = (mine.day == best[mine.window]) & (found[mine.window] == -1)
        np.minimum.at(keys, mine.window[is_best], mine.key[is_best])
        found[mine.window[is_best]] = number
    is_found = pl.Series(found >= 0)
    return Top(
        pl.Series(TEMPLATES).gather(pl.Series(found).set(~is_found, None)),
        pl.Series(keys).set(~is_found, None),
    )


def commonest(used: dict[str, Used], hours: Hours) -> dict[str, Measure]:
    """Shares of the most frequent key among those of the hour, over 24 hours."""
    wholes = {
        "parameters": "parameters_known",
        "length_band": "tokens_known",
        "gap_second": "gaps_known",
        "model": "calls",
    }
    out = {}
    for feature, kind in COMMONEST_KINDS.items():
        most = np.zeros(len(hours.hour), dtype=np.int64)
        np.maximum.at(most, used[kind].window, used[kind].day)
        whole = hours.day[wholes[kind]]
        out[feature] = Measure(divided(most, whole), whole)
    return out


def payloads(payload: Sample, keys: Used, template_share: F64, hours: Hours) -> dict[str, Measure]:
    """Features of exact prompts: how new they are, and how fast new ones come.

    Args:
        payload: the sample of exact prompts over 24 hours.
        keys: the exact prompts of the hour's sample.
        template_share: share of prompts within a template.
        hours: the windows.
    """
    prompts = hours.day["prompt_known"]
    novelty = divided(payload.keys, payload.calls)
    shown, calls = (np.zeros(len(prompts), dtype=np.int64) for _ in range(2))
    np.add.at(shown, keys.window, 1)
    np.add.at(calls, keys.window, keys.count)
    slope = _slope(hours.one["prompt_known"], prompts, divided(shown, calls), novelty)
    return {
        "payload_novelty_24h": Measure(novelty, prompts),
        "templated_novelty_24h": Measure(template_share * novelty, prompts),
        "coverage_slope_24h": Measure(slope, prompts),
    }


def refused_variants(payload: Sample, used: dict[str, Used], hours: Hours, least_share: float) -> Measure:
    """Refused calls that share a template key of the hour most of whose calls are refused, at most as many as differ."""
    most = np.zeros(len(hours.hour), dtype=np.int64)
    for kind in TEMPLATES:
        keys = used[kind]
        is_search = keys.day_refused >= least_share * keys.day
        np.maximum.at(most, keys.window[is_search], keys.day_refused[is_search])
    known = np.minimum(hours.day["refusal_known"], hours.day["prompt_known"])
    return count(np.minimum(most, payload.all_refused), known)


def _slope(one: I64, day: I64, novelty_1h: F64, novelty_24h: F64) -> F64:
    """D ln(distinct prompts) / d ln(prompts) between the hour and the 24 hours; NaN where these hardly differ."""
    grown = np.flatnonzero((day >= 2 * one) & (one > 0) & (novelty_1h > 0) & (novelty_24h > 0))
    distinct_1h, distinct_24h = one[grown] * novelty_1h[grown], day[grown] * novelty_24h[grown]
    slope = np.full(len(day), np.nan)
    slope[grown] = np.log(distinct_24h / distinct_1h) / np.log(day[grown] / one[grown])
    return slope
