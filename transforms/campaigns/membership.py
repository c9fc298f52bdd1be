"""Which of the accounts that hold a campaign's keys belong to it, and which merely use the same words or tools."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.policy import Campaigns
from transforms.campaigns.kinds import ANYBODYS, CHOSEN, PAYER, SOFTWARE, Key
from transforms.campaigns.parts import Part


class Holding(NamedTuple):
    """What one account did with one key.

    Attributes:
        calls: calls that showed the key.
        output_tokens: their output tokens, None where not known.
        first_time: the first of them.
        last_tick: tick of the last.
        is_fresh: whether the account was young when it began, None where its age is not on file.
        card: its payment instrument, None where none is on file.
        is_signed: whether it is a customer one knows (customers.py), None where no contract is on file.
        kind: the kind of the key.
    """

    calls: int
    output_tokens: int | None
    first_time: datetime
    last_tick: datetime
    is_fresh: bool | None
    card: str | None
    is_signed: bool | None = None
    kind: str = ""


Members = dict[int, list[Holding]]
"""Accounts (hash) of a campaign with their holdings of its keys."""

Held = Mapping[Key, Mapping[int, Holding]]

SHORTEST = timedelta(minutes=5)
"""What a call lasts at least: an account is not counted as infinitely busy in the first tick in which it is seen."""


def members(part: Part, held: Held, policy: Campaigns) -> Members:
    """Accounts that belong to a campaign, with their holdings.

    One key may be in many mouths. So an account must show enough of what the campaign shows, and not be one of those who merely
    use the same: bystanders are told by their ages, cards and clients, whichever the others have in common. Customers one knows are bystanders. A campaign in
    pieces has the members of each.

    Args:
        part: the campaign's keys, and the accounts among which its members are.
        held: holdings by key and account.
        policy: `policy.campaigns`.
    """
    found: Members = {}
    if part.pieces:
        for piece in part.pieces:
            for account, holdings in members(piece, held, policy).items():
                found[account] = found.get(account, []) + holdings
        return found
    for key in part.keys:
        for account, holding in held[key].items():
            if account in part.accounts:
                found.setdefault(account, []).append(holding)
    showing = _showing_most(part, _of_several_keys(part, found, held), held, policy)
    if any(kind in CHOSEN for kind, _ in part.keys):
        showing = _as_often(showing, policy)
    bystanders = _bystanders(part, showing, held, policy)
    return {
        account: holdings
        for account, holdings in showing.items()
        if account not in bystanders and not holdings[0].is_signed
    }


def _of_several_keys(part: Part, found: Members, held: Held) -> Members:
    """Those who hold two of the keys, or the only one: a template shows in several keys of one call. A user agent alone is anybody's."""
    least = min(2, len(part.keys))
    own = {account for key in part.keys if key[0] != ANYBODYS for account in held[key]} or set(found)
    return {account: holdings for account, holdings in found.items() if len(holdings) >= least and account in own}


def _showing_most(part: Part, several: Members, held: Held, policy: Campaigns) -> Members:
    """Those with a quarter of the keys and a tenth of the calls of those that show most, three at least (one or two are chance).

    A head shows most of what its pool shows, about as often as the others; more than half of all may be bystanders. One that
    sends half of the keys with a client of the campaign needs a tenth of what they made in a time as long as its own: a head
    that takes a banned one's place has not called for long.
    """
    if not several:
        return {}
    keys = {account: len(holdings) for account, holdings in several.items()}
    calls = {account: max(holding.calls for holding in holdings) for account, holdings in several.items()}
    most_keys, most_calls = (sorted(of.values())[9 * len(of) // 10] for of in (keys, calls))
    programs = {account for key in part.keys if key[0] in SOFTWARE for account in held[key]}
    began = {account: min(holding.first_time for holding in holdings) for account, holdings in several.items()}
    now = max(holding.last_tick for holdings in several.values() for holding in holdings) + SHORTEST
    lasting = now - min(began[account] for account in several if calls[account] >= most_calls)

    def shows_enough(account: int) -> bool:
        if 4 * keys[account] < most_keys or calls[account] < policy.least_calls_each:
            return False
        return 10 * calls[account] >= most_calls or (
            account in programs
            and 2 * keys[account] >= most_keys
            and 10 * calls[account] * lasting >= most_calls * (now - began[account])
        )

    return {account: holdings for account, holdings in several.items() if shows_enough(account)}


def _bystanders(part: Part, showing: Members, held: Held, policy: Campaigns) -> set[int]:
    """Who merely uses what the campaign uses. Where a card is what they share, it speaks for nobody: then only ages tell."""
    if any(kind == PAYER for kind, _ in part.keys):
        return _old(showing, policy)
    share = policy.alike_agents if is_of_software(part) else policy.alike
    return (
        _unbound(part, held, showing, policy)
        | _unlike(showing, share, policy)
        | _paying_alone(showing)
        | _old_purses(showing)
    )


def _as_often(members: Members, policy: Campaigns) -> Members:
    """Those with about as many calls as the others, or more: who moves and sends the same program (chosen.py) has nothing else in common with them."""
    calls = {account: max(holding.calls for holding in holdings) for account, holdings in members.items()}
    usual = sorted(calls.values())[len(calls) // 2] if calls else 0
    return {account: members[account] for account, number in calls.items() if number >= policy.as_often * usual}


def is_of_software(part: Part) -> bool:
    """Whether software is all that the accounts of a campaign share."""
    return all(kind in SOFTWARE or kind in CHOSEN for kind, _ in part.keys)


def _unbound(part: Part, held: Held, members: Members, policy: Campaigns) -> set[int]:
    """Accounts that have neither the client nor a card in common with others, where most have: words alone may be common.

    Where software is all they share, it is no second thing, and nearly all (`alike`) must share cards. Where most send the same
    clients, a card counts if a quarter (same_cards) of those it pays for do: colleagues share cards too, and one bought account
    may have the card of another pool.
    """
    own = {account: holdings[0].card for account, holdings in members.items()}
    number = Counter(own.values())
    paired = {account for account, card in own.items() if card is not None and number[card] > 1}
    if is_of_software(part):
        return own.keys() - paired if len(paired) >= policy.alike * len(own) else set()
    clients = {account for key in part.keys if key[0] == "client" for account in held[key]} & own.keys()
    if 2 * len(clients) > len(members):
        paid, of_clients = Counter(own.values()), Counter(own[account] for account in clients)
        cards = {
            card for card, number in of_clients.items() if card is not None and number >= policy.same_cards * paid[card]
        }
        return {account for account, card in own.items() if account not in clients and card not in cards}
    return own.keys() - paired - clients if 2 * len(paired) > len(members) else set()


def _paying_alone(members: Members) -> set[int]:
    """Old accounts with a card of their own, among accounts most of which share cards with others."""
    cards = {account: holdings[0].card for account, holdings in members.items()}
    number = Counter(cards.values())
    alone = {account for account, card in cards.items() if card is None or number[card] < 2}
    return {account for account in alone if members[account][0].is_fresh is False and 2 * len(alone) < len(members)}


def _old_purses(members: Members) -> set[int]:
    """Old accounts whose card pays for no young one, among accounts most of which are young."""
    ages = {account: holdings[0].is_fresh for account, holdings in members.items()}
    if 2 * sum(is_fresh is True for is_fresh in ages.values()) <= len(ages):
        return set()
    of_young = {members[account][0].card for account, is_fresh in ages.items() if is_fresh}
    return {
        account for account, is_fresh in ages.items() if is_fresh is False and members[account][0].card not in of_young
    }


def _old(members: Members, policy: Campaigns) -> set[int]:
    """Old accounts among such of which nearly all (`alike`) are young."""
    ages = {account: holdings[0].is_fresh for account, holdings in members.items()}
    known = [is_fresh for is_fresh in ages.values() if is_fresh is not None]
    is_young = 2 * len(known) >= len(members) and sum(known) >= policy.alike * len(known)
    return {account for account, is_fresh in ages.items() if is_young and is_fresh is False}


def _unlike(members: Members, share: float, policy: Campaigns) -> set[int]:
    """Old accounts that share no card with another, among accounts of which such a share is young: they pay for themselves and use the same tool.

    Where software is all they share (a library's default client, a user agent; the share is lower than `alike`), the other must be
    young: colleagues share a card and an agent.
    """
    ages = {account: holdings[0].is_fresh for account, holdings in members.items()}
    known = [is_fresh for is_fresh in ages.values() if is_fresh is not None]
    if 2 * len(known) < len(members) or sum(known) < share * len(known):
        return set()
    is_strict = share < policy.alike
    cards = Counter(
        holdings[0].card for account, holdings in members.items() if ages[account] is not False or not is_strict
    )
    least = 1 if is_strict else 2
    return {
        account
        for account, is_fresh in ages.items()
        if is_fresh is False and (members[account][0].card is None or cards[members[account][0].card] < least)
    }
