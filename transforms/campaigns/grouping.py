"""Which tied keys belong to one campaign: those whose holders are largely the same accounts.

A graph of keys, not of accounts: two keys are one where enough of the holders of either hold the other too. Two campaigns
that share some accounts stay two, and an account may be in several. A key that only some of a campaign's accounts hold (a
wording among many) is joined to the campaign afterwards, and so cannot join two of them. Nor can a user agent, which is
anybody's: it belongs to the group with most of its holders, and makes one only where no other key does. What several pools say that
have words of their own beside it (tasks of one published collection, a popular phrase) is a bridge, and belongs to none. Components are scipy's, which
is there already for River.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csgraph
from scipy.special import gammaln

from schemas.policy import Campaigns
from transforms.campaigns.kinds import ANYBODYS, TEXT, Key
from transforms.campaigns.overlaps import Counts, Overlaps

F64 = npt.NDArray[np.float64]


def components(keys: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[list[Key]]:
    """The keys in groups, each in the order given; groups in the order of their first keys; bridges are in none.

    Args:
        keys: tied keys.
        holders: accounts that hold each of them; not empty.
        policy: overlap, overlap_of_larger, bridged, bridged_most, strangers, strangers_chance, least_accounts.

    >>> from datetime import datetime
    >>> now, holders = datetime(2026, 3, 2), Overlaps()
    >>> for key, accounts in ((("head", 1), (1, 2, 3)), (("tail", 2), (2, 3)), (("head", 3), (3, 4, 5, 6))):
    ...     is_new = holders.tell(key, dict.fromkeys(accounts, (now, None)))
    >>> components(list(holders), holders, Campaigns())
    [[('head', 1), ('tail', 2)], [('head', 3)]]
    """
    of = tuple(keys)
    return holders.remembered(("components", of), of, lambda: _components(of, holders, policy))


def _components(keys: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[list[Key]]:
    bridges = _bridges([key for key in keys if key[0] in TEXT], holders, policy)
    own = _connected([key for key in keys if key[0] != ANYBODYS and key not in bridges], holders, policy)
    left = []
    everyone = [holders.everyone(group) for group in own]
    for agent in [key for key in keys if key[0] == ANYBODYS]:
        common = [len(holders[agent] & accounts) for accounts in everyone]
        fits = [
            number
            for number, accounts in enumerate(everyone)
            if common[number] >= policy.overlap * min(len(accounts), len(holders[agent]))
        ]
        if fits:
            own[max(fits, key=lambda number: (common[number], -number))].append(agent)
        else:
            left.append(agent)
    place = {key: number for number, key in enumerate(keys)}
    groups = [sorted(group, key=place.__getitem__) for group in (*own, *_connected(left, holders, policy))]
    return sorted(groups, key=lambda group: place[group[0]])


def _bridges(keys: Sequence[Key], holders: Overlaps, policy: Campaigns) -> set[Key]:
    """Words that several pools send which have words of their own: most holders hold one of several keys of strangers.

    Small ones first: what is a bridge itself has more accounts than the pools that it bridges.
    """
    if len(keys) < 3:
        return set()
    common = holders.common(keys)
    sizes = common.diagonal()
    of_one = sizes[:, None]
    strange = common <= policy.strangers * np.minimum(of_one, sizes)
    is_part = (common >= policy.overlap * sizes) | (common >= policy.overlap_of_larger * of_one)
    is_some = (common >= policy.bridged * of_one) & (common <= (1.0 - policy.bridged) * of_one)
    may_be_pool = is_part & is_some & (sizes >= policy.least_accounts)
    several = np.count_nonzero(may_be_pool, axis=1) > 1
    is_bridge = np.zeros(len(keys), dtype=np.bool_)
    for one in [one for one in np.argsort(sizes, kind="stable").tolist() if several[one]]:
        left = may_be_pool[one] & ~is_bridge
        pools: list[int] = []
        while left.any():
            places = np.flatnonzero(left)
            pools.append(int(places[sizes[places].argmin()]))
            left &= strange[pools[-1]]
        if len(pools) > 1 and _are_strangers(common, one, pools, policy):
            accounts = holders.everyone([keys[pool] for pool in pools]) & holders[keys[one]]
            is_bridge[one] = len(accounts) >= policy.bridged_most * sizes[one]
    return {keys[one] for one in np.flatnonzero(is_bridge).tolist()}


def _are_strangers(common: Counts, one: int, pools: Sequence[int], policy: Campaigns) -> bool:
    """Whether keys have fewer of another one's accounts in common than wordings would that its accounts draw at random."""
    number = common[one, one]
    return all(
        at_most(common[this, that], number, common[one, this], common[one, that]) <= policy.strangers_chance
        for place, this in enumerate(pools)
        for that in pools[:place]
    )


def at_most(shared: int, number: int, some: int, others: int) -> float:
    """Chance that two sets, of `some` and of `others`, drawn at random from a number of accounts share so many or fewer (hypergeometric).

    >>> round(at_most(0, 10, 5, 5), 6), round(at_most(5, 10, 5, 5), 6)
    (0.003968, 1.0)
    """
    shares = np.arange(max(0, some + others - number), min(shared, some, others) + 1)
    ways = _log_ways(some, shares) + _log_ways(number - some, others - shares) - _log_ways(number, others)
    return float(np.exp(ways).sum())


def _log_ways(of: int, taken: npt.NDArray[np.int64] | int) -> F64:
    """Logarithm of the number of ways in which so many are taken of a number."""
    return np.asarray(gammaln(of + 1) - gammaln(np.add(taken, 1)) - gammaln(np.subtract(of, taken) + 1))


def _connected(keys: Sequence[Key], holders: Overlaps, policy: Campaigns) -> list[list[Key]]:
    """The keys in components, and with each those that are a part of it."""
    if len(keys) < 2:
        return [list(keys)] if keys else []
    common = holders.common(keys)
    sizes = common.diagonal()
    smaller, larger = np.minimum(sizes[:, None], sizes), np.maximum(sizes[:, None], sizes)
    is_edge = (common >= policy.overlap * smaller) & (common >= policy.overlap_of_larger * larger)
    count, labels = csgraph.connected_components(is_edge, directed=False)
    groups = [[keys[place] for place in np.flatnonzero(labels == label).tolist()] for label in range(count)]
    place = {key: number for number, key in enumerate(keys)}
    whole = _with_parts(groups, _most_common(common, labels), holders, policy)
    return sorted((sorted(group, key=place.__getitem__) for group in whole), key=lambda group: place[group[0]])


def _most_common(common: Counts, labels: Counts) -> npt.NDArray[np.int64]:
    """How many accounts each two components have in common at the most: the sum over the keys of both."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max() + 1))
    by_row = np.add.reduceat(common[np.ix_(order, order)], starts, axis=0, dtype=np.int64)
    return np.asarray(np.add.reduceat(by_row, starts, axis=1))


def _with_parts(
    groups: list[list[Key]], most: npt.NDArray[np.int64], holders: Overlaps, policy: Campaigns
) -> list[list[Key]]:
    """Components, each with the smaller ones that lie in it: the largest that has `overlap` of their accounts.

    Largest first, so that a component which has itself become a part takes nothing in.
    """
    everyone = [holders.everyone(group) for group in groups]
    whole: list[int] = []
    found: dict[int, list[Key]] = {}
    for one in sorted(range(len(groups)), key=lambda one: (-len(everyone[one]), one)):
        least = policy.overlap * len(everyone[one])
        fits = (other for other in whole if most[one, other] >= least and len(everyone[one] & everyone[other]) >= least)
        into = next(fits, one)
        if into == one:
            whole.append(one)
        found.setdefault(into, []).extend(groups[one])
    return list(found.values())
