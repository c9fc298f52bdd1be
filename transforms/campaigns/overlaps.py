"""How many accounts hold both of two keys, kept as holders come: a new holder changes as many numbers as it holds keys.

What was worked out from some keys stays true until one of them is touched: it has a new holder, or one whose card has changed. So what a
tick costs follows from what is new in it, not from how many accounts hold the keys already.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from transforms.campaigns.kinds import Key

Result = TypeVar("Result")
Counts = npt.NDArray[np.int32]

Paid = tuple[datetime, str | None]
"""When an account was told of, and its payment instrument then, None where none is on file."""


class Overlaps(Mapping[Key, set[int]]):
    """Accounts (hash) by key, how many of them each two keys have in common, and the card of each account.

    Attributes:
        cards: payment instrument of each account, None where none is on file; what was told last of it.
    """

    def __init__(self) -> None:
        self.cards: dict[int, str | None] = {}
        self._told: dict[int, tuple[datetime, str]] = {}
        self._holders: dict[Key, set[int]] = {}
        self._places: dict[Key, int] = {}
        self._keys: dict[int, list[int]] = {}
        self._common: Counts = np.zeros((8, 8), dtype=np.int32)
        self._known: dict[Hashable, Any] = {}
        self._known_of: dict[Key, set[Hashable]] = {}

    def tell(self, key: Key, paid: Mapping[int, Paid]) -> bool:
        """Takes in accounts that hold a key, and how each pays; whether that says anything new.

        >>> now, overlaps = datetime(2026, 3, 2), Overlaps()
        >>> overlaps.tell(("head", 1), {1: (now, None), 2: (now, None)}), overlaps.tell(("tail", 2), {2: (now, "a")})
        (True, True)
        >>> overlaps.common([("head", 1), ("tail", 2)]).tolist(), overlaps.cards
        ([[2, 1], [1, 1]], {1: None, 2: 'a'})
        """
        holders = self._holders.setdefault(key, set())
        new = paid.keys() - holders
        if new:
            holders |= new
            self._count(self._place(key), new)
            self._touch([key])
        return self._pay(paid) or bool(new)

    def common(self, keys: Iterable[Key]) -> Counts:
        """Accounts that hold both, for each two of these keys; in the diagonal how many hold the key."""
        places = [self._place(key) for key in keys]
        return self._common[np.ix_(places, places)]

    def everyone(self, keys: Iterable[Key]) -> frozenset[int]:
        """Accounts that hold any of these keys."""
        of = tuple(keys)
        return self.remembered(("everyone", of), of, lambda: frozenset().union(*(self[key] for key in of)))

    def remembered(self, what: Hashable, keys: Iterable[Key], work: Callable[[], Result]) -> Result:
        """What follows from nothing but who holds these keys and how those pay; worked out again once one of them was touched."""
        if what not in self._known:
            self._known[what] = work()
            for key in keys:
                self._known_of.setdefault(key, set()).add(what)
        return cast("Result", self._known[what])

    def __getitem__(self, key: Key) -> set[int]:
        return self._holders[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._holders)

    def __len__(self) -> int:
        return len(self._holders)

    def _place(self, key: Key) -> int:
        """The key's row; the matrix grows to twice its size once all are taken."""
        place = self._places.setdefault(key, len(self._places))
        if place == len(self._common):
            self._common = np.pad(self._common, (0, place))
        return place

    def _count(self, place: int, new: Iterable[int]) -> None:
        keys = [self._keys.setdefault(account, []) for account in new]
        counts = Counter(chain.from_iterable(keys))
        others = list(counts)
        self._common[place, others] += np.fromiter(counts.values(), np.int32)
        self._common[others, place] = self._common[place, others]
        self._common[place, place] += len(keys)
        for of_account in keys:
            of_account.append(place)

    def _pay(self, paid: Mapping[int, Paid]) -> bool:
        """Notes cards; what is told of an earlier time says nothing, whichever comes first."""
        is_new = False
        for account, (tick, card) in paid.items():
            told = tick, card or ""
            before = self._told.get(account)
            if before is None or told > before:
                self._told[account] = told
                self.cards[account] = card
                if before is not None and before[1] != told[1]:
                    keys = list(self._places)
                    self._touch(keys[place] for place in self._keys[account])
                    is_new = True
        return is_new

    def _touch(self, keys: Iterable[Key]) -> None:
        for key in keys:
            for what in self._known_of.pop(key, ()):
                self._known.pop(what, None)
