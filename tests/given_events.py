"""Hypothesis strategies for event logs: few accounts, times on and around every border, everything often absent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import polars_hash as plh
from hypothesis import strategies as st

from schemas.event import EVENT, OPERATIONS, STRONG_BASES, WEAK_BASES, Presence

DAY = datetime(2026, 3, 2, tzinfo=UTC)
EVERYTHING = sum(int(bit) for bit in Presence)
LOW_SLOT = 2**59  # a shingle key of slot 0
LEAST, MOST = -(2**63), 2**63 - 1  # of any key
LARGEST = 2**40  # of any count that ingest lets in

_BORDERS = [timedelta(minutes=minutes) for minutes in (0, 5, 10, 29, 30, 31, 60, 65, 120, 1380, 1435, 1440, 1445, 1500)]
_STEPS = [timedelta(microseconds=us) for us in (-1001, -1000, -1, 0, 1, 999, 1000)]


def _times() -> st.SearchStrategy[datetime]:
    on_border = st.builds(
        lambda border, step: max(DAY + border + step, DAY), st.sampled_from(_BORDERS), st.sampled_from(_STEPS)
    )
    anywhere = st.integers(0, 30 * 3600 * 1000).map(lambda ms: DAY + timedelta(milliseconds=ms))
    return on_border | anywhere


def _maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


def _some(*values: int) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(st.sampled_from(values), max_size=3)


_OBJECTS = (
    "/files/f-1",
    "/files/f-2",
    "/files/f-3",
    "/files/f-1/content",
    "/files/f-2/content",
    "f-9",
    "f-10",
    "\u0663",
    "file",
)
_COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "source": st.sampled_from(["a", "b"]),
    "position": st.integers(0, 2**20),
    "event_id": st.integers(0, 40).map(lambda number: f"e{number}"),
    "time": _times(),
    "account_id": st.sampled_from(["acct", "acct-2", "zoë"]),
    "account_basis": st.sampled_from(STRONG_BASES + WEAK_BASES),
    "plan": _maybe("free", "pro"),
    "account_created_at": _maybe(DAY - timedelta(days=3), DAY + timedelta(hours=3)),
    "signup_path": _maybe("web", "edu"),
    "payment_id": _maybe("card-1", "card-2"),
    "api_key_id": _maybe("k1", "k2"),
    "end_user": _maybe(1, LEAST),
    "network_prefix": _maybe("10.0.0.0/24", "10.0.1.0/24"),
    "user_agent": _maybe("curl", "sdk"),
    "client_fingerprint": _maybe("t13d"),
    "operation": st.sampled_from(OPERATIONS),
    "object": _maybe(*_OBJECTS),
    "model_requested": _maybe("m-large", "m-small"),
    "http_status": _maybe(200, 401, 403, 429, 500),
    "finish_reason": _maybe("stop", "length", "MAX_TOKENS"),
    "is_refused": _maybe(True, False),
    "latency_ms": _maybe(0, 1500, 90_000, LARGEST),
    "input_tokens": _maybe(0, 1, 2, 100, 121, LARGEST),
    "output_tokens": _maybe(0, 63, 64, 2000, LARGEST),
    "cached_input_tokens": _maybe(0, 50, 500),
    "reasoning_tokens": _maybe(0, 100),
    "bytes_out": _maybe(0, 4096),
    "cost_micro_usd": _maybe(0, 1234, LARGEST),
    "temperature": _maybe(0.0, -0.0, 0.7),
    "top_p": _maybe(1.0),
    "n_choices": _maybe(1, 2),
    "max_tokens": _maybe(1, 256),
    "logprobs": _maybe(True, False),
    "top_logprobs": _maybe(5, 9, 10, 20),
    "logit_bias_size": _maybe(0, 3),
    "logit_bias_keys": _some(0, 5, -7, LEAST, MOST),
    "response_format": _maybe("text", "json_object"),
    "stream": _maybe(True, False),
    "tool_count": _maybe(0, 2),
    "tool_schema": _maybe(11),
    "message_count": _maybe(1, 2, 3, 9),
    "prompt_digest": _maybe(1, 2, LEAST, MOST),
    "prompt_chars": _maybe(0, 59, 60, 4000),
    "system_digest": _maybe(21),
    "head_key": _maybe(31, MOST),
    "tail_key": _maybe(41, 42),
    "line_keys": _some(LEAST, 52, 53),
    "shingle_keys": _some(LOW_SLOT, LOW_SLOT + 1, -(2**62), 2**62, 3 * 2**60),
    "passage_keys": _some(81, LEAST, MOST),
    "carried_key": _maybe(81, MOST),
    "answer_key": _maybe(81, LEAST),
    "response_digest": _maybe(61),
    "response_chars": _maybe(0, 4, 312, 9000),
    "language": _maybe("en", "fr", "und"),
    "elicits_reasoning": _maybe(True, False),
    "has_rubric": _maybe(True, False),
    "asks_system_prompt": _maybe(True, False),
    "has_reasoning_tags": _maybe(True, False),
    "handles_issued": _some(71, MOST),
    "handles_used": _some(71, MOST, LEAST),
    "presence": st.sampled_from([0, int(Presence.PARAMETERS), EVERYTHING, EVERYTHING]),
}


def logs(max_events: int = 25) -> st.SearchStrategy[pl.DataFrame]:
    """EVENT frames in any order, with records that repeat a call, some of them with other content."""
    events = st.lists(
        st.fixed_dictionaries(_COLUMNS),
        max_size=max_events,
        unique_by=lambda event: (event["source"], event["position"]),
    )
    return events.map(framed)


def framed(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as an EVENT frame; columns that are left out are null."""
    frame = pl.DataFrame(rows, schema={name: EVENT.polars[name] for name in _COLUMNS}, orient="row")
    missing = [pl.lit(None, kind).alias(name) for name, kind in EVENT.polars.items() if name not in frame.columns]
    hashed = plh.col("account_id").nchash.xxh3_64().reinterpret(signed=True).alias("account_hash")
    return frame.with_columns(missing).with_columns(hashed).select(EVENT.columns)


def crowded(seed: int, events: int, hours: float, keys: int) -> pl.DataFrame:
    """A log in which ticks hold more keys than are kept: one busy account and one that calls now and then.

    Args:
        seed: of the random numbers.
        events: calls.
        hours: how long it lasts.
        keys: how many different keys there are of each kind.
    """
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, int(hours * 3600) * 1000, events))

    def drawn(values: int = keys) -> list[int]:
        spread = rng.integers(-(2**63), 2**63 - 1, values)
        return [int(spread[place]) for place in rng.integers(0, values, events)]

    fresh = [int(key) for key in rng.integers(-(2**63), 2**63 - 1, events)]
    prompts = [one if new else other for one, other, new in zip(fresh, drawn(), rng.random(events) < 0.5, strict=True)]
    tokens = rng.integers(0, 50_000, (events, 6))
    rows = {
        "source": ["s"] * events,
        "position": range(events),
        "event_id": [f"e{number:05d}" for number in range(events)],
        "time": [DAY + timedelta(milliseconds=int(ms)) for ms in times],
        "account_id": ["busy" if busy else "quiet" for busy in rng.random(events) < 0.9],
        "account_basis": ["account"] * events,
        "operation": ["download" if d else "chat" for d in rng.random(events) < 0.4],
        "object": [f"/{'abc'[shape % 3]}{shape}/{n}" for shape, n in zip(rng.integers(0, 25, events), rng.integers(0, 2000, events), strict=True)],
        "is_refused": [bool(refused) for refused in rng.random(events) < 0.6],
        "http_status": [200] * events,
        "input_tokens": [int(10 ** power) for power in rng.uniform(0, 5, events)],
        "output_tokens": [100] * events,
        "max_tokens": [int(n) for n in rng.integers(1, 60, events)],
        "logit_bias_size": [6] * events,
        "logit_bias_keys": [[int(token) for token in row] for row in tokens],
        "prompt_digest": prompts,
        "prompt_chars": [500] * events,
        "head_key": drawn(),
        "tail_key": drawn(3),
        "line_keys": [[key] for key in drawn()],
        "shingle_keys": [[key] for key in drawn()],
        "network_prefix": [f"10.0.{n}.0/24" for n in rng.integers(0, 60, events)],
        "language": ["en"] * events,
        "model_requested": ["m"] * events,
        "message_count": [1] * events,
        "presence": [EVERYTHING] * events,
    }  # fmt: skip
    frame = pl.DataFrame({name: pl.Series(values, dtype=EVENT.polars[name]) for name, values in rows.items()})
    return framed(
        frame.with_columns(pl.lit(None, EVENT.polars[n]).alias(n) for n in _COLUMNS if n not in rows).to_dicts()
    )
