"""Sampled calls made by hand: a call is what is said of it, everything else is ordinary."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import polars_hash as plh

from schemas.call import SAMPLED_CALL
from schemas.event import Presence
from transforms.distribution.embedding import embed

DAY = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(minutes=5)
EVERYTHING = sum(int(bit) for bit in Presence)

ORDINARY: dict[str, Any] = {
    "operation": "chat",
    "input_tokens": 300,
    "output_tokens": 120,
    "tool_count": 0,
    "message_count": 2,
    "prompt_chars": 400,
    "language": "en",
    "elicits_reasoning": False,
    "has_rubric": False,
    "presence": EVERYTHING,
}


def calls(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """SAMPLED_CALL rows by key.

    Args:
        rows: columns of a call; `second` (since midnight, default its number) stands for the time, account `acct` by default.
    """
    made = []
    for number, row in enumerate(rows):
        time = DAY + timedelta(seconds=row.get("second", number))
        said = {name: value for name, value in row.items() if name != "second"}
        tick = DAY + (time - DAY) // TICK * TICK
        made.append({"account_id": "acct", "event_id": f"e{number:06d}", "time": time, "tick": tick} | ORDINARY | said)
    layout = {name: kind for name, kind in SAMPLED_CALL.polars.items() if name != "account_hash"}
    frame = pl.DataFrame(made, schema=layout)
    hashed = frame.select(plh.col("account_id").nchash.xxh3_64().reinterpret(signed=True).alias("account_hash"))
    return SAMPLED_CALL.conform(frame.with_columns(hashed["account_hash"]))


def population(seed: int, accounts: int = 200, most: int = 160) -> pl.DataFrame:
    """EMBEDDING rows of a day of accounts that each have habits of their own."""
    chance = np.random.default_rng(seed)
    rows = []
    for account in range(accounts):
        sent, made, head = chance.lognormal(6, 1), chance.lognormal(4, 1), int(chance.integers(2**62))
        count = int(chance.integers(25, most))
        rows += [
            {
                "account_id": f"s{seed}-{account}",
                "second": int(second),
                "input_tokens": int(sent * chance.lognormal(0, 0.4)),
                "output_tokens": int(made * chance.lognormal(0, 0.4)),
                "head_key": head if chance.random() < 0.5 else int(chance.integers(2**62)),
            }
            for second in np.sort(chance.integers(0, 86_400, count))
        ]
    return embed(calls(rows))
