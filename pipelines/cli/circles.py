"""With whom an account shares keys that few others hold, and why that is no campaign: plain data, and the sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from schemas.policy import Campaigns
from schemas.trait import TRAIT_KINDS
from transforms.campaigns.cards import pay_as_one
from transforms.campaigns.kinds import TEXT, TIES

FEW = 300
"""Accounts that hold a key, beyond which it is told of no more: the smallest published pool had 273 heads (threats.md 1.1), and
what more hold than a pool has is a popular tool or phrase far more often."""

ALIKE = 0.8
"""Part of two keys' holders that must be the same for both to be told in one line: an account in five uses other words."""

MOST = 5
"""Circles that are told: the others say less."""

_ON_FILE = ("payment", "signup")
"""Kinds that say something of the account and not of its calls: they are shown once a day."""

_LEAST_SHARE = 0.05
"""Share of an account's calls below which what it shares is a coincidence of a few prompts."""

_MOST_NAMED = 20
"""As many of the others as are named, like linked accounts of a finding."""

NAMES = {
    "head": ("the first words of its prompts", "first words of prompts"),
    "tail": ("the last words of its prompts", "last words of prompts"),
    "line": ("a line of its prompts", "lines of prompts"),
    "shingle": ("a piece of its prompts", "pieces of prompts"),
    "system": ("its system prompt", "system prompts"),
    "tools": ("its set of tools", "sets of tools"),
    "client": ("its client fingerprint", "client fingerprints"),
    "agent": ("its user agent", "user agents"),
    "object": ("an object that it fetched", "objects fetched"),
    "handle_issued": ("a reasoning handle", "reasoning handles issued"),
    "handle_used": ("a reasoning handle", "reasoning handles redeemed"),
    "prefix": ("its network", "networks"),
    "api_key": ("its API key", "API keys"),
    "payment": ("its payment instrument", "payment instruments"),
    "signup": ("the hour and path of its sign-up", "hours and paths of sign-up"),
}
"""Each kind of key that is looked at, of one and of several."""

KINDS = tuple(kind.name for kind in TRAIT_KINDS if kind.name in NAMES)
"""Those kinds, in the order of the catalogue."""


@dataclass(frozen=True)
class Shared:
    """What is known of the keys that an account shares with few others.

    Attributes:
        account_id: the account.
        calls: its calls in the time looked at.
        since: start of that time.
        held: kind, key, label, account_id, calls: of every holder of these keys, and what it showed of them.
        cards: payment instrument by account, of those on file.
        appraised: `transforms.campaigns.appraising.appraised` of some of the keys.
        campaigns: ids and accounts of all campaigns of the lake that any of the holders are counted in.
    """

    account_id: str
    calls: int
    since: datetime
    held: pl.DataFrame
    cards: Mapping[str, str]
    appraised: pl.DataFrame
    campaigns: Mapping[str, Sequence[str]]


def circles(shared: Shared, policy: Campaigns) -> list[dict[str, Any]]:
    """Sets of accounts that hold keys together, at most MOST, those first that most of the account's calls show and few others share.

    Each says who (`account_ids` of at most twenty others, `others` how many there are), by what (`keys`, their number by kind),
    how many of the account's calls show any (`calls`, `share`) and of all together (`exchanges`), and `says` and `because` in words.
    """
    holders = {
        (kind, key): frozenset(accounts)
        for kind, key, accounts in shared.held.group_by("kind", "key", maintain_order=True)
        .agg(pl.col("account_id").unique().sort())
        .iter_rows()
    }
    groups: list[tuple[frozenset[str], list[tuple[str, int]]]] = []
    for of_key in sorted(holders, key=lambda one: (-len(holders[one]), KINDS.index(one[0]), one[1])):
        accounts = holders[of_key]
        for seed, keys in groups:
            if len(accounts & seed) >= ALIKE * len(accounts | seed):
                keys.append(of_key)
                break
        else:
            groups.append((accounts, [of_key]))
    told = [_circle(keys, set().union(*(holders[key] for key in keys)), shared, policy) for _, keys in groups]
    told = [one for one in told if one["share"] >= _LEAST_SHARE]
    told.sort(key=lambda one: (-_interest(one, policy), one["account_ids"]))
    return told[:MOST]


def _interest(circle: Mapping[str, Any], policy: Campaigns) -> float:
    """By what is told first: the more of its calls and the fewer others, but two or three accounts are no pool."""
    is_pool = min(1.0, (1 + circle["others"]) / policy.least_accounts)
    return float(circle["share"] * is_pool / math.log10(10 + circle["others"]))


def _circle(keys: list[tuple[str, int]], accounts: set[str], shared: Shared, policy: Campaigns) -> dict[str, Any]:
    chosen = pl.DataFrame(keys, schema=shared.held.select("kind", "key").schema, orient="row")
    rows = shared.held.join(chosen, on=["kind", "key"], how="semi")
    # A call shows one key of most kinds, and several kinds: an account counts with the kind that it showed most.
    of_kinds = rows.filter(~pl.col("kind").is_in(_ON_FILE)).group_by("account_id", "kind").agg(pl.col("calls").sum())
    shown = dict(of_kinds.group_by("account_id").agg(pl.col("calls").max()).iter_rows())
    own = min(shown.get(shared.account_id, shared.calls), shared.calls)
    others = sorted(accounts - {shared.account_id})
    numbers = {kind: sum(of == kind for of, _ in keys) for kind in KINDS}
    labels = rows.filter(pl.col("account_id") == shared.account_id).drop_nulls("label")
    circle: dict[str, Any] = {
        "account_ids": others[:_MOST_NAMED],
        "others": len(others),
        "keys": {kind: number for kind, number in numbers.items() if number},
        "labels": sorted(labels["label"].unique())[:3],
        "calls": own,
        "share": own / shared.calls if shared.calls else 0.0,
        "exchanges": sum(shown.values()) if shown else None,
        "since": shared.since,
    }
    circle["says"] = _says(circle)
    circle["because"] = _because(keys, accounts, circle["exchanges"] or 0, shared, policy)
    return circle


def _says(circle: Mapping[str, Any]) -> str:
    named = [
        NAMES[kind][0] if number == 1 else f"{number:,} {NAMES[kind][1]}" for kind, number in circle["keys"].items()
    ]
    what = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    label = f" ({', '.join(circle['labels'])})" if circle["labels"] else ""
    others = f"{circle['others']:,} other account{'' if circle['others'] == 1 else 's'}"
    told = f"shares {what}{label} with {others} and nobody else"
    if circle["exchanges"] is None:
        return told
    return (
        f"{told}: {circle['share']:.0%} of its calls show that, {circle['exchanges']:,} calls of all of them together"
    )


def _because(keys: Sequence[tuple[str, int]], accounts: set[str], calls: int, shared: Shared, policy: Campaigns) -> str:
    """Why these accounts are no campaign: the first condition that they do not meet."""
    if len(accounts) < policy.least_accounts:
        return f"it takes {policy.least_accounts} accounts (campaigns.least_accounts)"
    kinds = {kind for kind, _ in keys}
    if "payment" in kinds and not kinds & set(TIES):
        needed = f"{policy.payer_decades:g} decades (campaigns.payer_decades)"
        return f"a card ties those it pays for only where an even load, youth, and turns or new networks add up to {needed}: companies have one card"
    if not kinds & set(TIES):
        return "networks, sign-ups and API keys by themselves tie nobody: offices, classes and companies share them"
    counted = {name: len(accounts.intersection(ids)) for name, ids in shared.campaigns.items()}
    name = max(counted, key=lambda one: (counted[one], one), default=None)
    if name is not None and 2 * counted[name] >= len(accounts):
        return (
            f"{counted[name]:,} of these accounts are campaign {name}, which this one was not counted in: it pays or signed up unlike "
            "them, or shows little of what they share"
        )
    paid = [shared.cards[account] for account in accounts if account in shared.cards]
    customers = len(set(paid)) + len(accounts) - len(paid)
    if customers < policy.least_customers:
        return f"{customers} payment instrument{' pays' if customers == 1 else 's pay'} for all of them, as for a company's accounts (campaigns.least_customers)"
    cards = dict(enumerate(shared.cards.get(account) for account in sorted(accounts)))
    if kinds.isdisjoint(TEXT) and pay_as_one(cards, cards, policy):
        return f"no more than {policy.least_customers - 1} payment instruments pay for nearly all of them, who share software and no words, as a company's accounts do (campaigns.alike)"
    least = max(policy.least_calls, policy.least_calls_each * len(accounts))
    if calls < least:
        return f"{calls:,} calls show it, and it takes {least:,} (campaigns.least_calls, least_calls_each)"
    own = pl.DataFrame(list(keys), schema=shared.appraised.select("kind", "key").schema, orient="row")
    rows = shared.appraised.join(own, on=["kind", "key"], how="semi")
    best = rows.sort(pl.col("points") - pl.col("needed"), "kind", "key", descending=[True, False, False]).head(1)
    return (
        _short_of(best.row(0, named=True)) if best.height else "none of the keys has enough holders and calls by itself"
    )


def _short_of(tie: Mapping[str, Any]) -> str:
    speaking = [f"{signal['signal']} {signal['points']:.1f}" for signal in tie["signals"] if signal["points"] > 0]
    beside = f"({', '.join(speaking)})" if speaking else "(nothing speaks)"
    sum_of = f"what these accounts have in common beside it adds up to {tie['points']:.1f} decades {beside}"
    if not tie["is_alike"]:
        return f"{sum_of}, but not nearly all of them are young, or paid for together, or use it equally often (campaigns.alike, alike_load)"
    if tie["points"] < tie["needed"]:
        return f"{sum_of}, and it takes {tie['needed']:g}"
    return f"{sum_of}, which is enough by now: it was less when it was last looked at, or they send each other's prompts, as an evaluation does"
