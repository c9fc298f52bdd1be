"""Which campaign of before a set of accounts is: the one that was counted against most of them, if it is the same accounts.

A campaign goes on in a set that has at least half of the accounts it was counted against, or of which they are at least half:
then it has grown, or lost some. One key in common is not enough: a pool that uses a phrase of a small group does not become that
group. A campaign of which another one has at least half of the accounts has become part of it.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """What sets of accounts are called.

    Attributes:
        of: by number of the set, the campaign of before that goes on in it; sets without one are new.
        gone: by campaign of before, number of the set that it has become part of.
    """

    of: dict[int, str]
    gone: dict[str, int]


def continued(sets: Sequence[AbstractSet[int]], told: Mapping[str, AbstractSet[int]]) -> Names:
    """The campaigns of before that go on in the sets; the largest overlap chooses first, then the smaller id.

    Args:
        sets: accounts that belong together now.
        told: by campaign id, the accounts it was counted against.

    >>> told = {"c-1": {1, 2, 3, 4}, "c-2": {7, 8}, "c-3": {5, 90, 91}}
    >>> continued([{1, 2, 3, 4, 5, 7, 8}, {20, 21}], told)
    Names(of={0: 'c-1'}, gone={'c-2': 0})
    """
    common = sorted(
        (-len(accounts & of_name), name, number)
        for number, accounts in enumerate(sets)
        for name, of_name in told.items()
        if not accounts.isdisjoint(of_name)
    )
    of: dict[int, str] = {}
    for negative, name, number in common:
        goes_on = -2 * negative >= min(len(told[name]), len(sets[number]))
        if goes_on and number not in of and name not in of.values():
            of[number] = name
    gone: dict[str, int] = {}
    for negative, name, number in common:
        if -2 * negative >= len(told[name]) and number in of and name not in of.values():
            gone.setdefault(name, number)
    return Names(of, gone)
