"""Who holds the tied keys: rows, of which a key's are taken out one by one only when somebody asks for that key.

Most keys that nearly tie never found a campaign: a popular user agent has thousands of holders that nobody ever asks for. So
what is told at a tick stays in its frame, with a note where each key's rows begin and end.
"""

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from schemas.tie import TIED
from transforms.campaigns.kinds import Key
from transforms.campaigns.membership import Holding
from transforms.sketches.grouping import lengths_of

_KEY = ["kind", "key"]
_HOLDING = [*_KEY, "account_hash"]
_HELD = ["account_hash", *Holding._fields]
_Part = tuple[pl.DataFrame, int, int]
"""Rows of one key in a frame of _HELD: from where, and how many."""


class Holders(Mapping[Key, Mapping[int, Holding]]):
    """Holdings by key and account, as of the last tick told."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self._parts: dict[Key, list[_Part]] = {}
        self._taken: dict[Key, dict[int, Holding]] = {}
        self._last: dict[Key, _Part] = {}
        self._nameless: list[pl.DataFrame] = []
        self._names: dict[int, str] = {}

    def tell(self, tied: pl.DataFrame) -> dict[Key, dict[int, Holding]]:
        """Takes in holdings as of a tick, which replace former ones of the same account and key.

        Args:
            tied: TIED rows, sorted by kind and key.

        Returns:
            Those of keys that were asked for before.
        """
        of_asked: dict[Key, dict[int, Holding]] = {}
        self._last = {}
        if tied.is_empty():
            return of_asked
        self._frames.append(tied)
        self._nameless.append(tied.select("account_hash", "account_id"))
        starts = tied.select(pl.any_horizontal(pl.col(_KEY).ne_missing(pl.col(_KEY).shift())).arg_true()).to_series()
        places = starts.to_numpy()
        sizes = lengths_of(places, tied.height).tolist()
        held = tied.select(_HELD)  # once for all keys: there are thousands of them a tick
        for (kind, key), start, size in zip(tied[starts].select(_KEY).rows(), places.tolist(), sizes, strict=True):
            part = self._last[kind, key] = (held, start, size)
            taken = self._taken.get((kind, key))
            if taken is None:
                self._parts.setdefault((kind, key), []).append(part)
            else:
                of_asked[kind, key] = dict(_holdings(part))
                taken.update(of_asked[kind, key])
        return of_asked

    @property
    def told(self) -> Iterable[Key]:
        """Keys of which something was told last."""
        return self._last.keys()

    def showing(self, key: Key) -> set[int]:
        """Accounts of which something was told last about the key."""
        if key not in self._last:
            return set()
        frame, start, size = self._last[key]
        return set(frame["account_hash"].slice(start, size))

    @property
    def names(self) -> Mapping[int, str]:
        """Account id by hash, of all that were ever told."""
        for frame in self._nameless:
            self._names.update(frame.unique().rows())
        self._nameless = []
        return self._names

    def forget(self, keys: Iterable[Key]) -> None:
        """Drops what is known of keys."""
        gone = list(keys)
        if not gone:
            return
        for key in gone:
            self._parts.pop(key, None)
            self._taken.pop(key, None)
        dropped = pl.DataFrame(gone, schema=_key_schema(), orient="row")
        self._frames = [frame.join(dropped, on=_KEY, how="anti") for frame in self._frames]

    def rows(self, keys: Iterable[Key]) -> pl.DataFrame:
        """The latest TIED row of each holder of these keys, as of the tick of its last call with the key."""
        wanted = pl.DataFrame(list(keys), schema=_key_schema(), orient="row")
        latest = (
            pl.concat([TIED.empty(), *self._frames])
            .join(wanted, on=_KEY, how="semi", maintain_order="left")
            .unique(_HOLDING, keep="last", maintain_order=True)
            .with_columns(tick="last_tick")
        )
        return TIED.conform(latest)

    def __getitem__(self, key: Key) -> dict[int, Holding]:
        if key not in self._taken:
            holdings: dict[int, Holding] = {}
            for part in self._parts.pop(key):
                holdings.update(_holdings(part))
            self._taken[key] = holdings
        return self._taken[key]

    def __iter__(self) -> Iterator[Key]:
        yield from self._parts
        yield from self._taken

    def __len__(self) -> int:
        return len(self._parts) + len(self._taken)


def _holdings(part: _Part) -> Iterator[tuple[int, Holding]]:
    frame, start, size = part
    for account, *held in frame.slice(start, size).rows():
        yield account, Holding(*held)


def _key_schema() -> dict[str, pl.DataType]:
    return {"kind": pl.String(), "key": pl.Int64()}
