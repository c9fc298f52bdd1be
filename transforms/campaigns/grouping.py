"""Which tied keys belong to one campaign: those whose holders are largely the same accounts.

A graph of keys, not of accounts: two keys are one where enough of the holders of either hold the other too. Two campaigns
that share some accounts stay two, and an account may be in several. A key that only some of a campaign's accounts hold (a
wording among many) is joined to the campaign afterwards, and so cannot join two of them. Nor can a user agent, which is
anybody's: it belongs to the group with most of its holders, and makes one only where no other key does. What several pools say that
have words of their own beside it (tasks of one published collection, a popular phrase) is a bridge, and belongs to none. Components are scipy's: a sparse
matrix of keys by accounts gives all intersections in one product, and scipy is there already for River.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csgraph, csr_array
from scipy.special import gammaln

from schemas.policy import Campaigns
from transforms.campaigns.kinds import TEXT

F64 = npt.NDArray[np.float64]
Key = tuple[str, int]
"""Kind and key of a trait."""

FEW = 8
"""As many keys are compared pair by pair: 28 intersections cost less than making a matrix."""

ANYBODYS = "agent"
"""Kind of key that anybody may send: a user agent names a public tool, of which two pools may use the same."""


def components(keys: Sequence[Key], holders: Mapping[Key, set[int]], policy: Campaigns) -> list[list[Key]]:
    """The keys in groups, each in the order given; groups in the order of their first keys; bridges are in none.

    Args:
        keys: tied keys.
        holders: accounts that hold each of them; not empty.
        policy: overlap, overlap_of_larger, bridged, bridged_most, strangers, strangers_chance, least_accounts.

    >>> holders = {("head", 1): {1, 2, 3}, ("tail", 2): {2, 3}, ("head", 3): {3, 4, 5, 6}}
    >>> components(list(holders), holders, Campaigns())
    [[('head', 1), ('tail', 2)], [('head', 3)]]
    """
    bridges = _bridges([key for key in keys if key[0] in TEXT], holders, policy)
    own = _connected([key for key in keys if key[0] != ANYBODYS and key not in bridges], holders, policy)
    left = []
    everyone = [set().union(*(holders[key] for key in group)) for group in own]
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
    groups = [sorted(group, key=place.__getitem__) for group in [*own, *_connected(left, holders, policy)]]
    return sorted(groups, key=lambda group: place[group[0]])


def _bridges(keys: Sequence[Key], holders: Mapping[Key, set[int]], policy: Campaigns) -> set[Key]:
    """Words that several pools send which have words of their own: most holders hold one of several keys of strangers.

    Small ones first: what is a bridge itself has more accounts than the pools that it bridges.
    """
    if len(keys) < 3:
        return set()
    held = _matrix([holders[key] for key in keys])
    common, sizes = (held @ held.T).toarray(), held.sum(axis=1)
    strange = common <= policy.strangers * np.minimum(sizes[:, None], sizes[None, :])
    is_bridge = np.zeros(len(keys), dtype=np.bool_)
    for one in np.argsort(sizes, kind="stable").tolist():
        both = common[one]
        is_part = (both >= policy.overlap * sizes) | (both >= policy.overlap_of_larger * sizes[one])
        is_some = (both >= policy.bridged * sizes[one]) & (both <= (1.0 - policy.bridged) * sizes[one])
        left = is_part & is_some & (sizes >= policy.least_accounts) & ~is_bridge
        pools: list[int] = []
        while left.any():
            places = np.flatnonzero(left)
            pools.append(int(places[sizes[places].argmin()]))
            left &= strange[pools[-1]]
        if len(pools) > 1 and _are_strangers(common, one, pools, policy):
            accounts = set().union(*(holders[keys[pool]] for pool in pools)) & holders[keys[one]]
            is_bridge[one] = len(accounts) >= policy.bridged_most * sizes[one]
    return {keys[one] for one in np.flatnonzero(is_bridge).tolist()}


def _are_strangers(common: npt.NDArray[np.int64], one: int, pools: Sequence[int], policy: Campaigns) -> bool:
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


def _connected(keys: Sequence[Key], holders: Mapping[Key, set[int]], policy: Campaigns) -> list[list[Key]]:
    if not keys:
        return []
    labels = (labels_of_few if len(keys) <= FEW else labels_of_many)([holders[key] for key in keys], policy)
    groups: dict[int, list[Key]] = {}
    for key, label in zip(keys, labels, strict=True):
        groups.setdefault(label, []).append(key)
    return list(groups.values())


def labels_of_many(sets: Sequence[set[int]], policy: Campaigns) -> list[int]:
    """A number for each key, of its component, or of the one that this is a part of."""
    held = _matrix(sets)
    common, sizes = (held @ held.T).tocoo(), held.sum(axis=1)
    smaller, larger = (pick(sizes[common.row], sizes[common.col]) for pick in (np.minimum, np.maximum))
    is_edge = (common.data >= policy.overlap * smaller) & (common.data >= policy.overlap_of_larger * larger)
    edges = common.data[is_edge], (common.row[is_edge], common.col[is_edge])
    _, labels = csgraph.connected_components(csr_array(edges, shape=common.shape), directed=False)
    return [int(label) for label in _with_parts(held, labels, policy)]


def labels_of_few(sets: Sequence[set[int]], policy: Campaigns) -> list[int]:
    """The same without matrices, of which making one costs more than the intersections of a few sets."""
    of = [{number} for number in range(len(sets))]
    for one, other in combinations(range(len(sets)), 2):
        common, sizes = len(sets[one] & sets[other]), (len(sets[one]), len(sets[other]))
        if common >= policy.overlap * min(sizes) and common >= policy.overlap_of_larger * max(sizes):
            both = of[one] | of[other]
            for number in both:
                of[number] = both
    everyone = [set().union(*(sets[number] for number in group)) for group in of]
    whole: list[int] = []
    into: dict[int, int] = {}
    for first in sorted({min(group) for group in of}, key=lambda first: (-len(everyone[first]), first)):
        least = policy.overlap * len(everyone[first])
        into[first] = next((one for one in whole if len(everyone[one] & everyone[first]) >= least), first)
        if into[first] == first:
            whole.append(first)
    return [into[min(group)] for group in of]


def _matrix(holders: Sequence[set[int]]) -> csr_array:
    """Keys by accounts, 1 where the account holds the key."""
    names = {account: place for place, account in enumerate(sorted(set().union(*holders)))}
    rows = np.repeat(np.arange(len(holders)), [len(each) for each in holders])
    columns = np.fromiter((names[account] for each in holders for account in each), dtype=np.int64, count=len(rows))
    return csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(len(holders), len(names)))


def _with_parts(held: csr_array, labels: npt.NDArray[np.int32], policy: Campaigns) -> npt.NDArray[np.int64]:
    """Labels in which a component lies with the largest other one that has `overlap` of its accounts.

    Largest first, so that a component which has itself become a part takes nothing in.
    """
    count = int(labels.max()) + 1
    members = csr_array(
        (np.ones(len(labels), dtype=np.int64), (labels, np.arange(len(labels)))), shape=(count, len(labels))
    )
    accounts = (members @ held).sign()
    common, sizes = (accounts @ accounts.T).toarray(), accounts.sum(axis=1)
    order = np.lexsort((np.arange(count), -sizes))
    into = np.arange(count, dtype=np.int64)
    whole: list[int] = []
    for one in order.tolist():
        fits = [other for other in whole if common[one, other] >= policy.overlap * sizes[one]]
        if fits:
            into[one] = fits[0]
        else:
            whole.append(one)
    return into[labels]
