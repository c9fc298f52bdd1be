"""Traits as they travel to the shards: integers only, and one word that stands for kind and key.

Words are spread evenly over 64 bits whatever the keys are like, so that any bits of them make shards of equal size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from schemas.trait import LAST_SAMPLED, TRAIT, TRAIT_KINDS
from transforms.sketches.mix import mix, unmix

KINDS = (
    "head", "tail", "line", "shingle", "system", "tools", "object", "handle_issued", "handle_used", "client", "agent",
    "prefix", "api_key", "payment", "signup", "payload", "payer", "answer_given",
    "answer_carried", "answer_pasted",
)  # fmt: skip
"""Kinds that are compared across accounts; their places are stored: new kinds are added at the end."""

COME_BACK = ("answer_given", "answer_carried", "answer_pasted")
"""Kinds that are not of the index of shared keys: what an answer opens with, and what came in that may be one (reuse.py)."""

MINUTE = 60_000_000

ROWS = pl.Schema(
    {
        "word": pl.UInt64(),  # stands for kind and key
        "account_hash": pl.Int64(),
        "kind": pl.UInt8(),  # place in KINDS
        "tick": pl.Int32(),  # minutes since 1970
        "after": pl.UInt32(),  # microseconds from the tick's start to the first call
        "count": pl.UInt32(),
        "refused": pl.UInt32(),
        "elicited": pl.UInt32(),
        "output_tokens": pl.Int64(),
    }
)
NAMES = pl.Schema({"account_hash": pl.Int64(), "account_id": pl.String()})

_MOMENT = pl.Datetime("us", "UTC")
_SAME_KEYS = {"handle_used": "handle_issued", "answer_carried": "answer_given", "answer_pasted": "answer_given"}
"""Who redeems a handle and who was given it show one key, and so do who was answered and who sends the answer in."""

_SALTS = mix(np.array([1 + KINDS.index(_SAME_KEYS.get(kind, kind)) for kind in KINDS], dtype=np.uint64))


@dataclass(frozen=True)
class Compact:
    """Traits of kinds that are compared across accounts.

    Attributes:
        rows: `ROWS`; those of one account in the order of tick and kind.
        names: `NAMES` of their accounts, each once.
    """

    rows: pl.DataFrame
    names: pl.DataFrame

    @classmethod
    def of(cls, traits: pl.DataFrame) -> Self:
        """TRAIT rows, sorted by key; of other kinds nothing is kept, of exact prompts a sample."""
        kinds = traits["kind"].cast(pl.Enum([kind.name for kind in TRAIT_KINDS])).to_physical().to_numpy()
        places = _PLACES[kinds]
        is_left_out = (places == KINDS.index("payload")) & (traits["key"].to_numpy() > LAST_SAMPLED)
        chosen = np.flatnonzero((places < len(KINDS)) & ~is_left_out)
        kept, code = traits[chosen], places[chosen]
        rows = kept.select(
            pl.Series("word", mix(kept["key"].to_numpy().view(np.uint64) ^ _SALTS[code])),
            "account_hash",
            pl.Series("kind", code),
            pl.col("tick").to_physical() // MINUTE,
            (pl.col("first_time") - pl.col("tick")).to_physical().alias("after"),
            "count",
            "refused",
            "elicited",
            "output_tokens",
        )
        names = kept.select("account_hash", "account_id").unique("account_hash", maintain_order=True)
        return cls(rows.cast(ROWS), names)

    @classmethod
    def together(cls, rows: Iterable[pl.DataFrame], names: Iterable[pl.DataFrame]) -> Self:
        """What several groups of accounts sent, as one."""
        every = pl.concat([pl.DataFrame(schema=ROWS), *rows])
        known = pl.concat([pl.DataFrame(schema=NAMES), *names])
        return cls(every.rechunk(), known.unique("account_hash").rechunk())

    def but(self, kinds: Iterable[str]) -> Self:
        """Without some kinds."""
        is_one = _is_of(kinds)
        return self if not self.rows.select(is_one.any()).item() else type(self)(self.rows.filter(~is_one), self.names)

    def traits(self, kinds: Iterable[str]) -> pl.DataFrame:
        """TRAIT rows of some kinds, in the order they have here."""
        rows = self.rows.filter(_is_of(kinds))
        if rows.is_empty():
            return TRAIT.empty()
        return TRAIT.shape(described(rows).join(self.names, on="account_hash", maintain_order="left"))

    def shards(self, number: int) -> Iterator[Self]:
        """The same in so many parts, by word."""
        shard = self.rows["word"].to_numpy() % np.uint64(number)
        for one in range(number):
            rows = self.rows[np.flatnonzero(shard == one)]
            yield type(self)(rows, self.names.join(rows.select("account_hash"), on="account_hash", how="semi"))


def _is_of(kinds: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col("kind") == KINDS.index(kind) for kind in kinds)


def described(rows: pl.DataFrame) -> pl.DataFrame:
    """`ROWS` and whatever else they have, with kind, key, tick and first_time in place of word, kind, tick and after."""
    kinds, start = rows["kind"].to_numpy(), pl.col("tick").cast(pl.Int64) * MINUTE
    keys = unmix(rows["word"].to_numpy().copy()) ^ _SALTS[kinds]
    return rows.drop("word", "after").with_columns(
        pl.Series("key", keys.view(np.int64)),
        kind=pl.Series(KINDS).gather(kinds),
        tick=start.cast(_MOMENT),
        first_time=(start + rows["after"].cast(pl.Int64)).cast(_MOMENT),
    )


_PLACES = np.array(
    [KINDS.index(kind.name) if kind.name in KINDS else len(KINDS) for kind in TRAIT_KINDS], dtype=np.uint8
)
