"""Order, tallies and traits once more: plain Python over all events in memory, slow and obvious.

Nothing here is shared with the kernels but the contracts' column names, the catalogue of trait kinds and the policy.
"""

import hashlib
import math
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import polars_hash as plh

from schemas.event import EVENT, Presence
from schemas.policy import Policy
from schemas.tally import TALLY
from schemas.trait import TRAIT, TRAIT_KINDS

Event = dict[str, Any]
Row = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def floor(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - EPOCH) % length


def in_order(events: pl.DataFrame) -> list[Event]:
    """Every call once, by account, time and id."""
    calls: dict[tuple[str, datetime, str], list[Event]] = defaultdict(list)
    for event in events.to_dicts():
        calls[event["account_id"], event["time"], event["event_id"]].append(event)
    return [min(calls[call], key=_preference) for call in sorted(calls)]


def _preference(event: Event) -> tuple[str, str, int]:
    content = tuple(
        (value - EPOCH) // US if isinstance(value, datetime) else value
        for value in (event[name] for name in EVENT.columns if name not in ("source", "position"))
    )
    return hashlib.blake2b(repr(content).encode(), digest_size=16).hexdigest(), event["source"], event["position"]


def with_memory(calls: list[Event], policy: Policy) -> list[Event]:
    """The calls with what they owe to earlier calls: gap_ms, answered_after_refusal, numbered, sequential."""
    tick = policy.time.tick
    remembered = {id(call) for cell in cells(calls, tick).values() for call in _remembered_refusals(cell)}
    shapes = {key: _remembered_shapes(cell) for key, cell in cells(calls, tick).items()}
    out = []
    for place, call in enumerate(calls):
        earlier = [other for other in calls[:place] if other["account_id"] == call["account_id"]]
        out.append(
            call
            | {
                "gap_ms": _gap(call, earlier),
                "answered_after_refusal": _is_answer(call, earlier, remembered),
                "numbered": _walk(call) is not None,
                "sequential": _follows(call, earlier, shapes, tick),
            }
        )
    return out


def cells(calls: list[Event], length: timedelta) -> dict[tuple[str, datetime], list[Event]]:
    found: dict[tuple[str, datetime], list[Event]] = defaultdict(list)
    for call in calls:
        found[call["account_id"], floor(call["time"], length)].append(call)
    return found


def _gap(call: Event, earlier: list[Event]) -> int | None:
    if not earlier or call["time"] - earlier[-1]["time"] > HOUR:
        return None
    return (call["time"] - earlier[-1]["time"]) // timedelta(milliseconds=1)


def _remembered_refusals(cell: list[Event]) -> list[Event]:
    refused = [call for call in cell if call["is_refused"] and call["prompt_digest"] is not None]
    kept = sorted({call["prompt_digest"] for call in refused})[:128]
    return [call for call in refused if call["prompt_digest"] in kept]


def _is_answer(call: Event, earlier: list[Event], remembered: set[int]) -> bool:
    is_answered = call["is_refused"] is False and (call["http_status"] is None or call["http_status"] < 400)
    return (
        is_answered
        and call["prompt_digest"] is not None
        and any(
            id(other) in remembered
            and other["prompt_digest"] == call["prompt_digest"]
            and timedelta() < call["time"] - other["time"] <= timedelta(hours=24)
            for other in earlier
        )
    )


def _walk(call: Event) -> tuple[tuple[str, str], int] | None:
    """Shape and number of what was downloaded."""
    name = call["object"]
    if call["operation"] != "download" or name is None:
        return None
    digits = [place for place, letter in enumerate(name) if letter in "0123456789"]
    if not digits:
        return None
    begin = end = digits[-1]
    while begin > 0 and name[begin - 1] in "0123456789" and end - begin < 17:
        begin -= 1
    return (name[:begin], name[end + 1 :]), int(name[begin : end + 1])


def shape_key(shape: tuple[str, str]) -> int:
    return label_key("\x00".join(shape))


def _remembered_shapes(cell: list[Event]) -> set[tuple[str, str]]:
    uses: dict[tuple[str, str], int] = defaultdict(int)
    for call in cell:
        walk = _walk(call)
        if walk is not None:
            uses[walk[0]] += 1
    return set(sorted(uses, key=lambda shape: (-uses[shape], shape_key(shape)))[:16])


def _follows(call: Event, earlier: list[Event], shapes: dict[Any, set[Any]], tick: timedelta) -> bool:
    walk = _walk(call)
    if walk is None:
        return False
    for other in reversed(earlier):
        before = _walk(other)
        if before is None or before[0] != walk[0]:
            continue
        cell = floor(other["time"], tick)
        if cell != floor(call["time"], tick) and walk[0] not in shapes[other["account_id"], cell]:
            continue
        return before[1] + 1 == walk[1] and call["time"] - other["time"] <= HOUR
    return False


# -- tallies


def tallies(calls: list[Event], length: timedelta) -> pl.DataFrame:
    """TALLY rows of calls with memory."""
    rows = [_tally(account, tick, cell) for (account, tick), cell in cells(calls, length).items()]
    return TALLY.conform(pl.DataFrame(rows, schema=TALLY.polars))


def hidden(call: Event) -> int | None:
    """Reasoning tokens of a call, or as many as its text leaves of the output."""
    if call["input_tokens"] is None or call["output_tokens"] is None:
        return None
    if call["reasoning_tokens"] is not None:
        return int(call["reasoning_tokens"])
    output = int(call["output_tokens"])
    if call["response_chars"] is not None:
        written = min(int(call["response_chars"]) // 5, output)
        if written >= output / 2:
            return output - written
    return 0 if output == 0 else None


def _tally(account: str, tick: datetime, cell: list[Event]) -> Row:
    def number(holds: Callable[[Event], Any]) -> int:
        return sum(1 for call in cell if holds(call))

    def total(value: Callable[[Event], Any]) -> int:
        return sum(value(call) or 0 for call in cell)

    def has(name: str) -> Callable[[Event], bool]:
        return lambda call: call[name] is not None

    def carries_tokens(call: Event) -> bool:
        return call["input_tokens"] is not None and call["output_tokens"] is not None

    def is_multi(call: Event) -> bool:
        return call["message_count"] is not None and call["message_count"] >= 3

    def shows_cache(call: Event) -> bool:
        return is_multi(call) and call["cached_input_tokens"] is not None and call["input_tokens"] is not None

    def is_wide(call: Event) -> bool:
        return call["max_tokens"] == 1 and call["logprobs"] and (call["top_logprobs"] or 0) >= 10

    def is_graded(call: Event) -> bool:
        return call["has_rubric"] and call["output_tokens"] is not None and call["output_tokens"] < 64

    gaps = [call["gap_ms"] for call in cell if call["gap_ms"] is not None]
    bands = [_band(gap) for gap in gaps]
    plans = [call["plan"] for call in cell if call["plan"] is not None]
    created = [call["account_created_at"] for call in cell if call["account_created_at"] is not None]
    presence = 0
    for call in cell:
        presence |= call["presence"]
    cut = {"length", "LENGTH", "max_tokens", "MAX_TOKENS", "max_output_tokens", "MAX_OUTPUT_TOKENS"}
    return {
        "account_id": account,
        "account_hash": cell[0]["account_hash"],
        "tick": tick,
        "first_time": cell[0]["time"],
        "last_time": cell[-1]["time"],
        "calls": len(cell),
        "chat_calls": number(lambda c: c["operation"] in ("chat", "completion")),
        "embedding_calls": number(lambda c: c["operation"] == "embedding"),
        "download_calls": number(lambda c: c["operation"] == "download"),
        "status_known": number(has("http_status")),
        "errors": number(lambda c: c["http_status"] is not None and c["http_status"] >= 400),
        "throttled": number(lambda c: c["http_status"] == 429),
        "denied": number(lambda c: c["http_status"] in (401, 403)),
        "refusal_known": number(has("is_refused")),
        "refused": number(lambda c: c["is_refused"]),
        "answered_after_refusal": number(lambda c: c["answered_after_refusal"]),
        "tokens_known": number(carries_tokens),
        "cached_known": number(shows_cache),
        "reasoning_known": number(lambda c: hidden(c) is not None),
        "latency_known": number(has("latency_ms")),
        "bytes_known": number(has("bytes_out")),
        "cost_known": number(has("cost_micro_usd")),
        "finish_known": number(has("finish_reason")),
        "truncated": number(lambda c: c["finish_reason"] in cut),
        "parameters_known": number(lambda c: c["presence"] & Presence.PARAMETERS),
        "with_logprobs": number(lambda c: c["logprobs"]),
        "with_logit_bias": number(lambda c: c["logit_bias_size"]),
        "one_token": number(lambda c: c["max_tokens"] == 1),
        "wide_one_token": number(is_wide) if number(lambda c: c["presence"] & Presence.PARAMETERS) else None,
        "temperature_zero": number(lambda c: c["temperature"] == 0),
        "tools_known": number(has("tool_count")),
        "with_tools": number(lambda c: c["tool_count"]),
        "messages_known": number(has("message_count")),
        "multi_turn": number(is_multi),
        "prompt_known": number(has("prompt_digest")),
        "response_known": number(has("response_digest")),
        "reasoning_elicited": number(lambda c: c["elicits_reasoning"]),
        "reasoning_tagged": number(lambda c: c["has_reasoning_tags"]),
        "rubrics": number(lambda c: c["has_rubric"]),
        "grader_shaped": number(is_graded),
        "system_prompt_asks": number(lambda c: c["asks_system_prompt"]),
        "gaps_known": len(gaps),
        "sequential": number(lambda c: c["sequential"]),
        "numbered": number(lambda c: c["numbered"]),
        "input_tokens": total(lambda c: c["input_tokens"] if carries_tokens(c) else 0),
        "output_tokens": total(lambda c: c["output_tokens"] if carries_tokens(c) else 0),
        "cached_input_tokens": total(lambda c: c["cached_input_tokens"] if shows_cache(c) else 0),
        "cacheable_input_tokens": total(lambda c: c["input_tokens"] if shows_cache(c) else 0),
        "reasoning_tokens": total(hidden),
        "latency_ms": total(lambda c: c["latency_ms"]),
        "bytes_out": total(lambda c: c["bytes_out"]),
        "cost_micro_usd": total(lambda c: c["cost_micro_usd"]),
        "gap_ms": sum(gaps),
        "gap_squared": sum(gap * gap // 1000 for gap in gaps),
        **{f"gap_band_{band:02d}": bands.count(band) for band in range(24)},
        "presence": presence,
        "plan": max(plans, default=None),
        "account_created_at": min(created, default=None),
        "is_weak_account": any(call["account_basis"] == "address_and_agent" for call in cell),
        "sample_event_ids": [call["event_id"] for call in cell[:3]],
    }


def _band(gap_ms: int) -> int:
    """Bands of ln(seconds) from -1, 0.5 wide, borders rounded to the millisecond; open at both ends."""
    for band in range(23):
        if gap_ms < round(math.exp(-1.0 + 0.5 * (band + 1)) * 1000):
            return band
    return 23


# -- traits


def traits(calls: list[Event], policy: Policy, registry: dict[str, Row] | None = None) -> pl.DataFrame:
    """TRAIT rows of calls with memory; `registry` is what the operator knows, by account."""
    rows = []
    told: dict[tuple[str, datetime, str, int], datetime] = {}
    pays_for = Counter(filed.get("payment_id") for filed in (registry or {}).values())
    for (account, tick), cell in cells(calls, policy.time.tick).items():
        seen: dict[tuple[str, int], list[Event]] = defaultdict(list)
        labels: dict[tuple[str, int], str | None] = {}
        for call in cell:
            identities = [
                (kind, key, label)
                for kind, key, label in _identities(call, (registry or {}).get(account, {}))
                if told.setdefault((account, floor(tick, 24 * HOUR), kind, key), tick) == tick
            ]
            card = (registry or {}).get(account, {}).get("payment_id")
            if card is not None and pays_for[card] >= policy.campaigns.least_accounts:
                identities.append(("payer", label_key(card), None))
            for kind, key, label in sorted({*_shown(call, policy), *identities}, key=lambda shown: shown[:2]):
                seen[kind, key].append(call)
                labels[kind, key] = label
        for kind in TRAIT_KINDS:
            keys = {key: len(showing) for (name, key), showing in seen.items() if name == kind.name}
            for key in capped(keys, kind.keep, kind.per_tick):
                showing = seen[kind.name, key]
                rows.append(
                    {
                        "account_id": account,
                        "account_hash": cell[0]["account_hash"],
                        "tick": tick,
                        "kind": kind.name,
                        "key": key,
                        "label": labels[kind.name, key],
                        "count": len(showing),
                        "refused": sum(1 for call in showing if call["is_refused"]),
                        "first_time": showing[0]["time"],
                        "elicited": _sum_of_known(_claims(call) for call in showing),
                        "output_tokens": _sum_of_known(call["output_tokens"] for call in showing),
                        "blocked": _sum_of_known(_blocked(call) for call in showing),
                    }
                )
    return TRAIT.conform(pl.DataFrame(rows, schema=TRAIT.polars))


def _claims(call: Event) -> int | None:
    """1 for a call that carries an extraction claim, None for one that can carry none."""
    claims = [call["elicits_reasoning"], call["has_reasoning_tags"], call["has_rubric"]]
    return None if claims == [None, None, None] else int(any(claims))


def _blocked(call: Event) -> int | None:
    """1 for a call that was turned away, None for one without a status."""
    return None if call["http_status"] is None else int(call["http_status"] in {401, 403, 429})


def _sum_of_known(values: Iterator[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _identities(call: Event, filed: Row) -> Iterator[tuple[str, int, str | None]]:
    """What the account is paid with, and in which hour and by which path it was created; the operator knows best."""
    fields = {"payment_id": "payment_id", "created_at": "account_created_at", "signup_path": "signup_path"}
    known = {field: call[logged] if filed.get(field) is None else filed[field] for field, logged in fields.items()}
    if known["payment_id"] is not None:
        yield "payment", label_key(known["payment_id"]), None
    if known["created_at"] is not None and known["signup_path"] is not None:
        hour = floor(known["created_at"], HOUR)
        odd = [mixed(number) | 1 for number in range(1, 4)]
        total = odd[0] + label_key(known["signup_path"]) * odd[1] + ((hour - EPOCH) // HOUR) * odd[2]
        yield "signup", signed(mixed(total % 2**64)), f"{hour:%Y-%m-%dT%HZ} {known['signup_path']}"


def capped(counts: dict[int, int], keep: str, size: int) -> list[int]:
    """The keys that are kept."""
    if keep == "most":
        return sorted(counts, key=lambda key: (-counts[key], key))[:size]
    return sorted(counts)[:size]


_LABELLED = {
    "client": "client_fingerprint", "agent": "user_agent", "prefix": "network_prefix", "model": "model_requested",
    "language": "language", "operation": "operation", "object": "object", "api_key": "api_key_id",
}  # fmt: skip
_PLAIN = {
    "head": "head_key", "tail": "tail_key", "system": "system_digest", "tools": "tool_schema", "end_user": "end_user",
    "payload": "prompt_digest", "answer_carried": "carried_key",
}  # fmt: skip
_LISTS = {
    "line": "line_keys", "handle_issued": "handles_issued", "answer_pasted": "passage_keys",
    "bias_token": "logit_bias_keys", "shingle": "shingle_keys",
}  # fmt: skip


def _shown(call: Event, policy: Policy) -> Iterator[tuple[str, int, str | None]]:
    for kind, column in _LABELLED.items():
        if call[column] is not None and (kind, call[column]) != ("language", "und"):
            yield kind, label_key(call[column]), call[column]
    for kind, column in _PLAIN.items():
        if call[column] is not None:
            yield kind, call[column], None
    for kind, column in _LISTS.items():
        for key in call[column] or []:
            if kind == "bias_token":
                yield kind, signed(mixed(key % 2**64)), None
            elif kind != "shingle" or _is_chosen(key, call, policy):
                yield kind, key, None
    if call["handles_used"] and call["handles_used"][-1] is not None:
        yield "handle_used", call["handles_used"][-1], None
    if call["answer_key"] is not None and call["answer_key"] not in (call["passage_keys"] or []):
        yield "answer_given", call["answer_key"], None
    yield from _derived(call)


def _is_chosen(shingle: int, call: Event, policy: Policy) -> bool:
    is_long = call["prompt_chars"] is not None and call["prompt_chars"] >= policy.traits.shingle_least_characters
    return is_long and (shingle % 2**64) >> 60 in policy.traits.shingle_slots


def _derived(call: Event) -> Iterator[tuple[str, int, str | None]]:
    if call["object"] is not None:
        yield "download", label_key(call["object"]), None
    if call["presence"] & Presence.PARAMETERS:
        yield "parameters", _parameters(call), None
    if call["input_tokens"] is not None and call["output_tokens"] is not None:
        yield "length_band", _length_band(call["input_tokens"]), None
    if call["gap_ms"] is not None:
        yield "gap_second", call["gap_ms"] // 1000, None


_HASHES: dict[str, int] = {}


def label_key(text: str) -> int:
    """xxh3-64, signed."""
    if text not in _HASHES:
        column = pl.DataFrame({"text": [text]}).select(plh.col("text").nchash.xxh3_64().reinterpret(signed=True))
        _HASHES[text] = column.item()
    return _HASHES[text]


def mixed(word: int) -> int:
    """MurmurHash3's 64-bit finaliser."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        word = (word ^ word >> 33) * factor % 2**64
    return word ^ word >> 33


def signed(word: int) -> int:
    return word - 2**64 if word >= 2**63 else word


def _parameters(call: Event) -> int:
    names = ("temperature", "top_p", "n_choices", "max_tokens", "response_format", "stream", "tool_count")
    words, absent = [], 0
    for place, name in enumerate(names):
        value = call[name]
        if value is None:
            absent += 2**place
            words.append(0)
        elif isinstance(value, float):
            words.append(int.from_bytes(_double(value + 0.0), "little"))
        elif isinstance(value, str):
            words.append(label_key(value) % 2**64)
        else:
            words.append(int(value) % 2**64)
    odd = [mixed(number) | 1 for number in range(1, 10)]
    total = odd[0] + sum(word * factor for word, factor in zip([*words, absent], odd[1:], strict=True))
    return signed(mixed(total % 2**64))


def _double(value: float) -> bytes:
    return struct.pack("<d", value)


def _length_band(tokens: int) -> int:
    """How many of the borders 1.21, 1.21^2, ..., rounded up to whole tokens, are reached; equal borders count once."""
    borders = sorted({math.ceil(1.21**power) for power in range(1, 160)})
    return sum(1 for border in borders if tokens >= border)
