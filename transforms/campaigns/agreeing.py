"""When a key is enough: alone, or because a key of an independent kind is held by the same accounts.

A phrase and a client fingerprint are independent of each other: who sends a phrase of a published prompt sends it with any client.
Where those who send the one are those who send the other, and use both evenly, somebody drives them with one program. It needs
neither an accounts file nor claims. A tool may bring both a phrase and a client; whoever uses it, uses it unevenly.

A class, a workshop or a hackathon has one load, one hour of sign-ups, and one starter kit or exercise: a system prompt, tools, words.
So how even the load is and when the accounts were made are not enough, whatever the key is; something must speak that a class has
not (`beside_class`). A fleet of devices has one client, calls day and night and moves from network to network; the customers of one product,
who bring accounts of their own, have the product's words and its client: so networks, hours and an agreement are among what a class may have.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.policy import Campaigns
from transforms.campaigns.kinds import CHOSEN, PAYER, SOFTWARE, Key

PHRASES = ("head", "tail", "line", "shingle")
"""Kinds made of what is typed; system prompts and tools come with the software. Three words are common, but then so are those who send them."""

SOFTWARE_FAMILY = "software"
"""Family of the agreement."""

OF_A_CLASS = ("load", "age", "network", "hours", "leaning", SOFTWARE_FAMILY)
"""Families of signals that people have in common who were sent by one invitation to do the same, some of them on the road; devices of one make, which
run day and night; and the customers of one product, whose words and whose client are the product's."""

Row = Mapping[str, Any]
Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64 | np.float64]


def is_alone(
    kinds: pl.Series, points: F64, families: Counts, accounts: Counts, is_of_class: Bools, policy: Campaigns
) -> Bools:
    """Whether keys tie their holders by themselves.

    Args:
        kinds: kind of each key.
        points: sum of its signals' points.
        families: signals that say something.
        accounts: holders.
        is_of_class: whether what is none of OF_A_CLASS says less than beside_class.
        policy: as `needed` asks, and least_signals.
    """
    enough = points >= needed(kinds, accounts, is_of_class, policy)
    return np.asarray(enough & (families >= policy.least_signals))


def needed(kinds: pl.Series, accounts: Counts, is_of_class: Bools, policy: Campaigns) -> F64:
    """The points from which keys tie their holders by themselves.

    Args:
        kinds: kind of each key.
        accounts: holders.
        is_of_class: whether what is none of OF_A_CLASS says less than beside_class.
        policy: review_decades, large_decades, small_decades, software_decades, class_decades, class_accounts, large_accounts,
            small_accounts, payer_decades.
    """
    is_more = kinds.is_in([*SOFTWARE, *CHOSEN]).to_numpy() | is_of_class
    least = of_size(accounts, policy)
    least = np.where(is_more, np.maximum(policy.software_decades, least), least)
    least = np.where(is_of_class & (accounts < policy.class_accounts), policy.class_decades, least)
    return np.where((kinds == PAYER).to_numpy(), policy.payer_decades, least)


def of_size(accounts: Counts, policy: Campaigns) -> F64:
    """The points of a key, or a campaign, of so many accounts of which something speaks that a class has not."""
    least = np.where(accounts < policy.large_accounts, policy.review_decades, policy.large_decades)
    return np.where(accounts < policy.small_accounts, policy.small_decades, least)


def beside(signals: str) -> pl.Expr:
    """Points of the signals in a list column that are none of OF_A_CLASS."""
    element = pl.element().struct
    is_other = ~element.field("family").is_in(OF_A_CLASS)
    return pl.col(signals).list.eval(pl.when(is_other).then(element.field("points")).otherwise(0.0)).list.sum()


def may_agree(
    kinds: pl.Series, points: npt.NDArray[np.float64], load: npt.NDArray[np.float64], policy: Campaigns
) -> Bools:
    """Whether keys would tie if one of another kind agreed.

    Args:
        kinds: kind of each key.
        points: sum of its signals' points.
        load: those for an even load.
        policy: family_most (as much as one signal says at most), agree_load.
    """
    is_kind = kinds.is_in([*PHRASES, *SOFTWARE]).to_numpy()
    return np.asarray(is_kind & (points >= policy.family_most) & (load >= policy.agree_load))


def agreed(ties: pl.DataFrame, held: Mapping[Key, Collection[int]], policy: Campaigns) -> list[dict[str, Any]]:
    """The ties of a tick that hold: those of keys that are enough alone, and those with which another one agrees.

    Args:
        ties: TIE rows of one tick, by kind and key.
        held: accounts that hold each of the keys.
        policy: `policy.campaigns`.
    """
    is_of_class = ties.select(beside("signals") < policy.beside_class).to_series().to_numpy()
    points, families, accounts = (ties[name].to_numpy() for name in ("points", "families", "accounts"))
    alone = is_alone(ties["kind"], points, families, accounts, is_of_class, policy)
    keys: list[Key] = ties.select("kind", "key").rows()
    enough = {key for key, is_enough in zip(keys, alone, strict=True) if is_enough}
    phrases = [key for key in keys if key[0] in PHRASES]
    users = [_Users.of({key: set(held[key]) for key in keys if key[0] == kind}) for kind in SOFTWARE] if phrases else []
    shares: dict[Key, float] = {}
    for phrase in phrases if any(each.accounts for each in users) else ():
        senders = set(held[phrase])
        for of_kind in users:
            clients, share = _programs(senders, of_kind, policy)
            for key in (phrase, *clients) if clients else ():
                shares[key] = max(share, shares.get(key, 0.0))
    # Few hold: only of those the lists of signals are taken out of the frame.
    holding = [place for place, key in enumerate(keys) if key in enough or (key in shares and not is_of_class[place])]
    rows = zip(holding, ties[holding].iter_rows(named=True), strict=True)
    found = {
        keys[place]: row if keys[place] in enough else _with(row, shares[keys[place]], policy) for place, row in rows
    }
    least = dict(zip(keys, of_size(accounts, policy), strict=True))
    return [found[key] for key in sorted(found) if key in enough or found[key]["points"] >= least[key]]


@dataclass(frozen=True)
class _Users:
    """Who sends the clients of a kind: accounts by client, and clients by account."""

    accounts: Mapping[Key, set[int]]
    clients: Mapping[int, Sequence[Key]]

    @classmethod
    def of(cls, accounts: Mapping[Key, set[int]]) -> Self:
        clients: dict[int, list[Key]] = {}
        for key, of_key in accounts.items():
            for account in of_key:
                clients.setdefault(account, []).append(key)
        return cls(accounts, clients)


def _programs(senders: set[int], users: _Users, policy: Campaigns) -> tuple[list[Key], float]:
    """The few clients that hardly anybody but the senders of a phrase sends, and the share of accounts that send both.

    None where the senders send others too.
    """
    common = Counter(key for account in senders for key in users.clients.get(account, ()))
    own = [key for key, size in common.items() if size >= policy.agree * len(users.accounts[key])]
    clients = sorted(own, key=lambda key: (-common[key], key))[: policy.agree_clients]
    everyone = set().union(*(users.accounts[key] for key in clients))
    share = len(everyone & senders) / len(everyone | senders)
    return (clients, share) if len(everyone & senders) >= policy.agree * len(senders) else ([], 0.0)


def _with(row: Row, common: float, policy: Campaigns) -> dict[str, Any]:
    """The tie with the agreement."""
    signal = {
        "signal": "phrase_and_client",
        "layer": "L2",
        "family": SOFTWARE_FAMILY,
        "observed": round(common, 6),
        "expected": policy.agree,
        "peers": None,
        "tail": round(10.0**-policy.agree_decades, 9),
        "points": policy.agree_decades,
        "detail": "share of the accounts that send the phrase or the client which send both",
    }
    signals = sorted([*row["signals"], signal], key=lambda one: -one["points"])
    return dict(row) | {
        "points": round(sum(one["points"] for one in signals), 6),
        "families": len(signals),
        "signals": signals,
    }
