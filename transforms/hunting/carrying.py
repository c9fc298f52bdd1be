"""Keys of known thieves carried back over history: who showed them before anybody knew whose they are.

Live linkage asks whether the holders of a key are driven as one, and remembers a key for `links.memory_days`. A hunt asks less,
because it knows more: whether an account that has a known thief's keys would have them by chance. The chance that an account
shows a given key is taken from the accounts nobody suspects; it counts as often as there are keys that are not of the same
accounts, so that many keys make no suspect. Keys of one group (what is said, the software that says it, the network, who
pays) are not independent of each other and count once, by the rarest.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from schemas.policy import Policy
from schemas.trait import TRAIT_KINDS

_TIME = pl.Datetime("us", "UTC")
_KEY = ["kind", "key"]

GROUP_OF = {
    kind.name: kind.group for kind in TRAIT_KINDS if kind.group in ("content", "software", "network", "identity")
}
"""Kinds whose keys are carried, and what accounts that share one have in common."""

_SPEAKS = ("content", "software")
"""Groups of which one must take part: an office shares its network and its card."""

KNOWN = pl.Schema(
    {"account_id": pl.String(), "basis": pl.String(), "id": pl.String(), "known_since": _TIME, "kind": pl.String()}
)
"""One row an account and what makes it known: the campaign it is in, or a verdict; `kind` is that of the theft."""

SHOWN = pl.Schema(
    {
        "account_id": pl.String(),
        "account_hash": pl.Int64(),
        "kind": pl.String(),
        "key": pl.Int64(),
        "calls": pl.Int64(),
        "output_tokens": pl.Int64(),
        "first_seen": _TIME,
        "last_seen": _TIME,
    }
)
"""One row an account and key: calls that showed it, their output tokens (null where not known), the first of them, the
last tick with one."""

CARRIED = pl.Schema(
    {
        "basis": pl.String(),
        "id": pl.String(),
        "kind": pl.String(),
        "key": pl.Int64(),
        "group": pl.String(),
        "accounts": pl.Int64(),
        "known_since": _TIME,
        "theft": pl.String(),
        "set": pl.UInt64(),
    }
)
"""One row a key that is carried back: whose, how many of these accounts showed it, and the number of the set of them."""


@dataclass(frozen=True)
class Held:
    """What an account that nobody knew has of a known thief's keys.

    Attributes:
        account_id: the account.
        account_hash: its hash.
        basis: campaign or verdict.
        id: the campaign, or the account that was judged.
        known_since: when that was known.
        theft: kind of theft.
        signals: one a group of keys, SIGNAL_TYPE.
        reasons: one sentence a signal.
        first_seen: first call with one of the keys.
        last_seen: last tick with one.
        exchanges: calls that showed the key shown most.
        output_tokens: of these; None where not known.
    """

    account_id: str
    account_hash: int
    basis: str
    id: str
    known_since: datetime
    theft: str
    signals: tuple[dict[str, Any], ...]
    reasons: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    exchanges: int
    output_tokens: int | None

    @property
    def points(self) -> float:
        """What the signals add up to."""
        return math.fsum(signal["points"] for signal in self.signals)


def known_accounts(campaigns: pl.DataFrame, verdicts: pl.DataFrame, kinds: Mapping[str, str]) -> pl.DataFrame:
    """The accounts whose keys are carried, as KNOWN: those of campaigns, and those judged to be thieves.

    Args:
        campaigns: CAMPAIGN rows; those that became part of another speak by that one.
        verdicts: VERDICT rows, all of them; the latest of an account holds, and takes a cleared one out of campaigns.
        kinds: kind of theft by account, of those flagged.
    """
    latest = verdicts.sort("account_id", "given_at").unique("account_id", keep="last", maintain_order=True)
    confirmed = latest.filter(pl.col("verdict") == "true_positive")
    kind = pl.col("account_id").replace_strict(dict(kinds), default="unknown", return_dtype=pl.String)
    judged = confirmed.select(
        "account_id",
        pl.lit("verdict").alias("basis"),
        pl.col("account_id").alias("id"),
        known_since="given_at",
        kind=kind,
    )
    cleared = latest.filter(pl.col("verdict").is_in(["false_positive", "benign", "test"]))
    own = campaigns.filter(pl.col("merged_into").is_null())
    members = own.select(
        pl.col("account_ids").alias("account_id"),
        pl.lit("campaign").alias("basis"),
        pl.col("campaign_id").alias("id"),
        known_since="flagged_at",
        kind="kind",
    ).explode("account_id")
    both = pl.concat([members.join(cleared, on="account_id", how="anti"), judged]).cast(KNOWN)
    return both.sort("basis", "id", "account_id")


def carried(shown: pl.DataFrame, known: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The keys of known accounts that are theirs, as CARRIED.

    Of a campaign, keys that as many of its accounts showed as a campaign needs (`campaigns.least_accounts`); of both, keys of as
    many calls as a theft needs (`campaigns.least_calls`).

    Args:
        shown: SHOWN rows of known accounts.
        known: KNOWN rows.
        policy: campaigns.least_accounts, campaigns.least_calls.
    """
    limits = policy.campaigns
    least = pl.when(pl.col("basis") == "campaign").then(limits.least_accounts).otherwise(1)
    group = pl.col("kind").replace_strict(GROUP_OF, default=None, return_dtype=pl.String)
    owned = (
        shown.filter(pl.col("kind").is_in(list(GROUP_OF)))
        .join(known.rename({"kind": "theft"}), on="account_id")
        .group_by("basis", "id", *_KEY)
        .agg(
            pl.col("calls").sum(),
            accounts=pl.col("account_id").n_unique().cast(pl.Int64),
            known_since=pl.col("known_since").min(),
            theft=pl.col("theft").min(),
            set=pl.col("account_hash").unique().sort().cast(pl.String).str.join(" "),
        )
        .filter((pl.col("accounts") >= least) & (pl.col("calls") >= limits.least_calls))
    )
    # The sets are numbered: only whether two are one matters.
    number = pl.col("set").rank("dense").cast(pl.UInt64)
    return owned.with_columns(group=group, set=number).select(CARRIED.names()).sort("basis", "id", *_KEY)


def holders(
    shown: pl.DataFrame, keys: pl.DataFrame, known: pl.DataFrame, population: int, policy: Policy
) -> list[Held]:
    """The accounts not known that have keys of known ones, by account, basis and id.

    An account is named where chance gives such keys to less than `rates.review` of all accounts, if at least two groups say
    something (`campaigns.least_signals`), one of them content or software, each with `campaigns.least_calls_each` calls. A key
    that more accounts hold than `links.most_holders` is nobody's.

    Args:
        shown: SHOWN rows of all accounts, known or not, with any of the keys.
        keys: CARRIED rows.
        known: KNOWN rows.
        population: accounts in the lake.
        policy: `policy.campaigns`, rates.review, links.most_holders.
    """
    others = shown.join(known.select("account_id").unique(), on="account_id", how="anti")
    count = others.group_by(_KEY).agg(others=pl.col("account_id").n_unique().cast(pl.Int64))
    weighed = keys.join(count, on=_KEY).filter(pl.col("others") + pl.col("accounts") <= policy.links.most_holders)
    tried = dict(keys.group_by("group").agg(pl.col("set").n_unique()).iter_rows())
    strangers = max(1, population - known["account_id"].n_unique())
    rows = (
        others.join(weighed, on=_KEY)
        .filter(pl.col("calls") >= policy.campaigns.least_calls_each)
        .sort("account_id", "basis", "id", "group", "others", *_KEY)
    )
    found = []
    for _, mine in rows.group_by("account_id", "basis", "id", maintain_order=True):
        held = _held(mine, tried, strangers, policy)
        if held is not None:
            found.append(held)
    return found


def _held(mine: pl.DataFrame, tried: Mapping[str, int], strangers: int, policy: Policy) -> Held | None:
    """What one account has of one campaign's or account's keys; None where it is not enough."""
    said = []
    for row in mine.unique("group", keep="first", maintain_order=True).iter_rows(named=True):
        limits = policy.campaigns
        most = limits.identity_most if row["group"] == "identity" else limits.family_most
        chance = min(1.0, tried[row["group"]] * row["others"] / strangers)
        points = round(min(most, -math.log10(chance)), 6)
        if points > 0:
            said.append((points, row, chance))
    groups = {row["group"] for _, row, _ in said}
    enough = math.fsum(points for points, _, _ in said) >= -math.log10(policy.rates.review)
    if len(groups) < policy.campaigns.least_signals or not groups & set(_SPEAKS) or not enough:
        return None
    said.sort(key=lambda each: (-each[0], each[1]["group"]))
    first, most_shown = said[0][1], mine.sort("calls", *_KEY, descending=[True, False, False]).row(0, named=True)
    return Held(
        account_id=first["account_id"],
        account_hash=first["account_hash"],
        basis=first["basis"],
        id=first["id"],
        known_since=first["known_since"],
        theft=first["theft"],
        signals=tuple(_signal(points, row, chance, tried, strangers) for points, row, chance in said),
        reasons=tuple(_reason(points, row, strangers) for points, row, _ in said),
        first_seen=mine["first_seen"].min(),  # type: ignore[arg-type]
        last_seen=mine["last_seen"].max(),  # type: ignore[arg-type]
        exchanges=most_shown["calls"],
        output_tokens=most_shown["output_tokens"],
    )


def _signal(
    points: float, row: Mapping[str, Any], chance: float, tried: Mapping[str, int], strangers: int
) -> dict[str, Any]:
    return {
        "signal": f"known_{row['kind']}",
        "layer": "L2",
        "family": row["group"],
        "observed": float(row["others"]),
        "expected": strangers / tried[row["group"]],
        "peers": None,
        "tail": chance,
        "points": points,
        "detail": _whose(row),
    }


def _reason(points: float, row: Mapping[str, Any], strangers: int) -> str:
    return (
        f"known_{row['kind']}: {_whose(row)}, in {row['calls']:,} calls; {row['others']:,} of {strangers:,} accounts that "
        f"nobody suspects show it ({points:.1f} decades)"
    )


def _whose(row: Mapping[str, Any]) -> str:
    if row["basis"] == "verdict":
        return f"the same {row['kind']} as an account that was judged a true positive"
    return f"the same {row['kind']} as {row['accounts']:,} accounts of campaign {row['id']}"
