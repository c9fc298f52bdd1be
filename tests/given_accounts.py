"""Small frames about accounts: columns left out are zero, false or empty; `minute` counts from midnight of DAY."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from schemas.contract import Contract
from schemas.event import Presence
from schemas.feature import FEATURES
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.registry import REGISTRY
from schemas.scored import SCORED
from schemas.shared import SHARED
from schemas.snapshot import NEWCOMERS
from schemas.tally import TALLY
from schemas.trait import TRAIT
from schemas.window import WINDOW

DAY = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(minutes=5)
HOUR = timedelta(hours=1)
EVERYTHING = sum(int(bit) for bit in Presence)

Row = Mapping[str, Any]


def account_hash(account: str) -> int:
    """A stand-in for xxh3: any fixed signed 64-bit hash will do."""
    return int.from_bytes(hashlib.blake2b(account.encode(), digest_size=8).digest(), "big", signed=True)


def at(minute: float) -> datetime:
    """A moment of DAY."""
    return DAY + timedelta(minutes=minute)


def tallies(rows: Iterable[Row]) -> pl.DataFrame:
    """TALLY rows; `calls` is 1 where nothing is said."""
    return _frame(TALLY, rows, {"calls": 1, "sample_event_ids": ["e1"], "presence": EVERYTHING})


def traits(rows: Iterable[Row]) -> pl.DataFrame:
    """TRAIT rows; `count` is 1 where nothing is said; `second` moves first_time inside the tick."""
    return _frame(TRAIT, rows, {"count": 1})


def foreign(rows: Iterable[Row]) -> pl.DataFrame:
    """FOREIGN rows."""
    return _frame(
        FOREIGN, ({**row, "issuer_hash": account_hash(row["issuer"])} for row in rows), {"kind": "handle_used"}
    )


def shared(rows: Iterable[Row]) -> pl.DataFrame:
    """SHARED rows; `count` is 1 where nothing is said."""
    return _frame(SHARED, rows, {"count": 1, "holders": 2})


def registry(rows: Iterable[Row]) -> pl.DataFrame:
    """REGISTRY rows; `age_days` is counted back from DAY."""
    drawn = []
    for row in rows:
        created = DAY - timedelta(days=row["age_days"])
        given = {key: value for key, value in row.items() if key != "age_days"}
        drawn.append(dict.fromkeys(REGISTRY.columns) | {"holds_from": DAY, "created_at": created} | given)
    return REGISTRY.conform(pl.DataFrame(drawn, schema=REGISTRY.polars))


def hits(rows: Iterable[Row]) -> pl.DataFrame:
    """HIT rows."""
    return _frame(HIT, rows, {"observed": 5.0, "expected": 3.0, "detail": "seen", "sample_event_ids": ["e1"]})


def windows(rows: Iterable[Row]) -> pl.DataFrame:
    """WINDOW rows: the hour that ends at `hour` (24 where nothing is said), 100 calls in 24 hours, a newcomer."""
    drawn = []
    for row in rows:
        account = row.get("account_id", "acc")
        hour = row.get("hour", 24)
        base: dict[str, Any] = dict.fromkeys(WINDOW.columns)
        base |= {
            "account_id": account,
            "account_hash": account_hash(account),
            "window_end": DAY + timedelta(hours=hour),
            "peer_group": NEWCOMERS,
            "presence": EVERYTHING,
            "lifetime_calls": 100,
            "lifetime_output_tokens": 0,
            "first_seen": DAY,
            "is_weak_account": False,
            "sample_event_ids": ["e1"],
            "provisional": False,
            "calls_24h": 100.0,
        }
        drawn.append(base | {key: value for key, value in row.items() if key != "hour"})
    return WINDOW.conform(pl.DataFrame(drawn, schema=WINDOW.polars))


def _frame(contract: Contract, rows: Iterable[Row], defaults: dict[str, Any]) -> pl.DataFrame:
    drawn = []
    for row in rows:
        account = row.get("account_id", "acc")
        tick = at(row.get("minute", 0))
        base: dict[str, Any] = {}
        for column in contract.arrow:
            kind = contract.polars[column.name]
            base[column.name] = (
                None if column.nullable else False if kind == pl.Boolean else [] if isinstance(kind, pl.List) else 0
            )
        base |= {"account_id": account, "account_hash": account_hash(account), "tick": tick}
        if "first_time" in base:
            base["first_time"] = tick + timedelta(seconds=row.get("second", 0))
        if "last_time" in base:
            base["last_time"] = base["first_time"]
        given = {key: value for key, value in row.items() if key not in ("minute", "second")}
        drawn.append(base | defaults | given)
    return contract.conform(pl.DataFrame(drawn, schema=contract.polars))


FEATURE_NAMES = tuple(feature.name for feature in FEATURES)


def scored(rows: Iterable[Row]) -> pl.DataFrame:
    """SCORED rows: the hour that ends at `hour`; one signal of the `structure` family carries the score unless given."""
    drawn = []
    for row in rows:
        account = row.get("account_id", "acc")
        points = row.get("l1_score")
        signal = {"signal": "templated_novelty_24h", "layer": "L1", "family": "structure", "observed": 0.97}
        signal |= {"expected": 0.8, "peers": 0.1, "tail": 0.07, "points": points, "detail": "One template."}
        base = {
            "account_id": account,
            "account_hash": account_hash(account),
            "window_end": DAY + timedelta(hours=row.get("hour", 1)),
            "peer_group": "pro/chat",
            "presence": EVERYTHING,
            "calls_24h": 500,
            "l1_score": None,
            "prior_points": points,
            "harvest_points": points,
            "families": 3,
            "pattern": None,
            "trees": None,
            "regime": "r",
            "abstained_because": [],
            "signals": [] if points is None else [signal],
            "sample_event_ids": ["w1"],
            "snapshot_id": None,
            "provisional": False,
        }
        drawn.append(base | {key: value for key, value in row.items() if key != "hour"})
    return SCORED.conform(pl.DataFrame(drawn, schema=SCORED.polars))
