"""What the next window of an account is made of."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import polars as pl

from schemas.tally import ADDITIVE
from schemas.trait import TRAIT_KINDS
from transforms.sketches.deferring import Deferred
from transforms.sketches.packing import head_of, pack, unpack

TIME = pl.Datetime("us", "UTC")
HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 3
DAY = timedelta(days=1)

TEMPLATES = ("head", "line", "shingle", "tail")
SAMPLED = ("bias_token", "download", "payload")
DISTINCT_KINDS = {
    "languages_24h": "language",
    "prefixes_24h": "prefix",
    "agents_24h": "agent",
    "models_24h": "model",
    "end_users_24h": "end_user",
}
"""Feature by the kind whose distinct keys it counts."""

COMMONEST_KINDS = {
    "parameters_top_share_24h": "parameters",
    "length_band_24h": "length_band",
    "gap_modal_share_24h": "gap_second",
    "model_top_share_24h": "model",
}
"""Feature by the kind whose commonest key it looks at."""

KINDS = tuple(sorted({*TEMPLATES, *SAMPLED, *DISTINCT_KINDS.values(), *COMMONEST_KINDS.values()}))
KIND = pl.Enum(KINDS)
CAPS = {kind.name: kind for kind in TRAIT_KINDS if kind.name in KINDS}

DAY_SUMS = ("calls", "output_tokens", "tokens_known", "cost_micro_usd", "cost_known")

HOURS = pl.Schema(
    {"account_id": pl.String(), "account_hash": pl.Int64(), "hour": TIME, "first_time": TIME}
    | dict.fromkeys(ADDITIVE, pl.Int64())
    | {
        "presence": pl.Int64(),
        "plan": pl.String(),
        "account_created_at": TIME,
        "is_weak_account": pl.Boolean(),
        "sample_event_ids": pl.List(pl.String),
    }
)
PAST = pl.Schema(
    {"account_id": pl.String(), "hour": TIME} | dict.fromkeys(ADDITIVE, pl.Int64()) | {"presence": pl.Int64()}
)
"""What a later window wants to know of a closed hour."""

KEYS = pl.Schema(
    {
        "account_id": pl.String(),
        "kind": KIND,
        "key": pl.Int64(),
        "hour": pl.Int32(),
        "count": pl.Int64(),
        "refused": pl.Int64(),
    }
)
"""The hour is counted since 1970: most of a state's rows are keys, and a time would be half of their bytes."""

_CLOSED = {
    "hours": PAST,
    "keys": KEYS,
    "days": pl.Schema({"account_id": pl.String(), "day": TIME} | dict.fromkeys(DAY_SUMS, pl.Int64())),
    "accounts": pl.Schema(
        {
            "account_id": pl.String(),
            "first_seen": TIME,
            "last_seen": TIME,
            "lifetime_calls": pl.Int64(),
            "lifetime_output_tokens": pl.Int64(),
            "created_at": TIME,
            "plan": pl.String(),
        }
    ),
    "until": pl.Schema({"until": TIME}),
}
_OPEN = {"hours": HOURS, "keys": KEYS}


def hour_number(time: datetime) -> int:
    """Whole hours since 1970."""
    return (time - _EPOCH) // HOUR


@dataclass(frozen=True)
class ClosedHours(Deferred):
    """What is remembered of hours that have closed: the same object until the next one closes.

    Attributes:
        hours: the last 23, one row an account and hour with calls.
        keys: what was shown in these hours, one row an account, kind, key and hour; capped.
        days: sums of the last seven UTC days with closed hours.
        accounts: first and last call, lifetime sums up to the last closed hour, creation and plan as logged.
        until: one row with the end of the last of them; none before the first step.
    """

    hours: pl.DataFrame
    keys: pl.DataFrame
    days: pl.DataFrame
    accounts: pl.DataFrame
    until: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """None has closed yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _CLOSED.items()})

    def to_bytes(self) -> bytes:
        """The hours as versioned bytes."""
        return pack("features", _VERSION, {name: getattr(self, name) for name in _CLOSED})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "features", _VERSION))

    @staticmethod
    def require(head: bytes) -> None:
        """Nothing where these first bytes are of such hours; see `packing.head_of`."""
        head_of(head, "features", _VERSION)

    @staticmethod
    def closed_with(until: datetime) -> dict[str, pl.DataFrame]:
        """What is known of the hours without looking at them: the end of the last one, after a step until then."""
        return {"until": _until(until.replace(minute=0, second=0, microsecond=0))}

    @property
    def border(self) -> datetime | None:
        """End of the last closed hour; None before the first step."""
        return self.until["until"].max()  # type: ignore[return-value]

    def at(self, border: datetime, forget_days: int) -> Self:
        """Once the hours up to `border` have closed: what no later window reaches back to is forgotten."""
        today = border.replace(hour=0)
        return type(self)(
            hours=self.hours.filter(pl.col("hour") >= border - 23 * HOUR),
            keys=self.keys.filter(pl.col("hour") >= hour_number(border) - 23),
            days=self.days.filter(pl.col("day") >= today - 6 * DAY),
            accounts=self.accounts.filter(pl.col("last_seen") >= today - forget_days * DAY),
            until=_until(border),
        )


def _until(border: datetime) -> pl.DataFrame:
    return pl.DataFrame({"until": [border]}, schema=_CLOSED["until"])


@dataclass(frozen=True)
class OpenHours:
    """What is remembered of hours that have not closed; few rows beside those of the closed ones.

    Attributes:
        hours: their ticks.
        keys: what was shown in these ticks.
    """

    hours: pl.DataFrame
    keys: pl.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(**{name: pl.DataFrame(schema=schema) for name, schema in _OPEN.items()})

    def to_bytes(self) -> bytes:
        """The hours as versioned bytes."""
        return pack("open features", _VERSION, {name: getattr(self, name) for name in _OPEN})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; raises ValueError on other bytes."""
        return cls(**unpack(data, "open features", _VERSION))


@dataclass(frozen=True)
class FeatureState:
    """What the next window of an account is made of: two pieces, because the larger one changes only where an hour closes."""

    closed: ClosedHours
    open: OpenHours

    @classmethod
    def empty(cls) -> Self:
        """Nothing seen yet."""
        return cls(ClosedHours.empty(), OpenHours.empty())
