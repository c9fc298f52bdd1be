"""Random but well-formed event logs, made from a seed: what the stages behind ingest are tested with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import polars_hash as plh

from schemas.event import EVENT, Presence

DAY = datetime(2026, 3, 2, tzinfo=UTC)
EVERYTHING = sum(int(bit) for bit in Presence)


def event_log(seed: int, events: int, accounts: int = 5, start: datetime = DAY, hours: float = 24.0) -> pl.DataFrame:
    """EVENT rows, shuffled: bursts and pauses, repeated prompts, refusals, downloads, biased tokens, missing fields.

    Times fall on whole minutes often, so that ticks, hours, midnights and idle timeouts are met exactly.
    """
    rng = np.random.default_rng(seed)
    span = int(hours * 3600 * 1_000_000)
    times = rng.integers(0, span, events)
    on_minute = rng.random(events) < 0.4
    times[on_minute] = times[on_minute] // 300_000_000 * 300_000_000 + rng.integers(-1, 2, on_minute.sum())
    times = np.clip(times, 0, span - 1)
    names = [f"acct-{number}" for number in rng.integers(0, accounts, events)]

    def some(values: np.ndarray, share: float = 0.8) -> list[Any]:
        return [value.item() if kept else None for value, kept in zip(values, rng.random(events) < share, strict=True)]

    operations = rng.choice(["chat", "chat", "chat", "embedding", "download"], events)
    numbers = np.cumsum(rng.integers(0, 3, events))
    frame = pl.DataFrame(
        {
            "source": [f"source-{number}" for number in rng.integers(0, 2, events)],
            "position": np.arange(events) * 100,
            "event_id": [f"e{number}" for number in range(events)],
            "time": pl.Series([start + timedelta(microseconds=int(t)) for t in times], dtype=pl.Datetime("us", "UTC")),
            "account_id": names,
            "account_basis": "account",
            "plan": some(rng.choice(["free", "pro"], events), 0.3),
            "operation": operations,
            "object": [
                f"/files/f-{n}" if op == "download" else None for op, n in zip(operations, numbers, strict=True)
            ],
            "http_status": some(rng.choice([200, 200, 200, 429, 500], events)),
            "finish_reason": some(rng.choice(["stop", "length"], events)),
            "is_refused": some(rng.random(events) < 0.2),
            "latency_ms": some(rng.integers(1, 60_000, events)),
            "input_tokens": some(rng.integers(0, 5_000, events)),
            "output_tokens": some(rng.integers(0, 5_000, events)),
            "cached_input_tokens": some(rng.integers(0, 500, events)),
            "bytes_out": some(rng.integers(0, 50_000, events)),
            "cost_micro_usd": some(rng.integers(0, 90_000, events)),
            "temperature": some(rng.choice([0.0, 0.7], events)),
            "max_tokens": some(rng.choice([1, 256], events)),
            "logprobs": some(rng.random(events) < 0.1),
            "logit_bias_size": some(rng.integers(0, 3, events)),
            "logit_bias_keys": [
                list(map(int, rng.integers(0, 400, 3))) if rng.random() < 0.2 else None for _ in range(events)
            ],
            "message_count": some(rng.integers(1, 6, events)),
            "tool_count": some(rng.integers(0, 3, events)),
            "prompt_digest": some(rng.integers(-20, 20, events)),
            "head_key": some(rng.integers(0, 6, events)),
            "tail_key": some(rng.integers(0, 30, events)),
            "line_keys": [list(map(int, rng.integers(0, 9, 2))) if rng.random() < 0.5 else None for _ in range(events)],
            "shingle_keys": [
                list(map(int, rng.integers(-(2**63), 2**63 - 1, 4))) if rng.random() < 0.5 else None
                for _ in range(events)
            ],
            "language": some(rng.choice(["en", "fr", "zh"], events)),
            "network_prefix": some(rng.choice(["10.0.0.0/24", "10.0.1.0/24"], events)),
            "model_requested": some(rng.choice(["m-large", "m-small"], events)),
            "elicits_reasoning": some(rng.random(events) < 0.1),
            "signup_path": some(rng.choice(["web", "edu"], events)),
            "payment_id": some(rng.choice(["card-1", "card-2"], events)),
            "top_logprobs": some(rng.choice([5, 20], events)),
            "presence": EVERYTHING,
        },
        strict=False,
    )
    hashed = plh.col("account_id").nchash.xxh3_64().reinterpret(signed=True).alias("account_hash")
    return EVENT.conform(frame.with_columns(hashed)).sample(fraction=1.0, shuffle=True, seed=seed)
