"""What an account's calls look like together: sums of random Fourier features, exact integers that add up.

Vectors of the same map add, over hours and over accounts: the sum over a campaign's accounts is the campaign's vector, the
sum of `calls` its number of exchanges, and `transforms.distribution.pooled` says how far that lies from benign accounts.
"""

from dataclasses import dataclass

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field
from schemas.event import Presence

WAVES = 16
"""Random frequencies a kernel: each gives a cosine and a sine."""

UNIT = 127
"""A cosine of 1 as an integer: a call's part fits into one byte."""


@dataclass(frozen=True)
class EmbeddingMap:
    """One way to see a call, for all sources that carry what it needs.

    Attributes:
        name: the map.
        needs: what a source must carry; a call of one that does not is not seen by the map, never seen as zero.
        kernels: kernels that are added up, each with 2 * WAVES numbers.
    """

    name: str
    needs: Presence
    kernels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Numbers a vector."""
        return 2 * WAVES * len(self.kernels)


MAPS = (
    EmbeddingMap(
        "prompt",
        Presence.TOKENS | Presence.PROMPT | Presence.PARAMETERS | Presence.TOOLS | Presence.MESSAGES,
        ("tokens", "words", "manner"),
    ),
    EmbeddingMap("metadata", Presence.TOKENS, ("tokens",)),
)
"""In order of preference: a call is seen by the first whose needs its source carries, and by no other."""

EMBEDDING = Contract(
    name="account_embeddings",
    version=1,
    doc="One row is one account's hour, summed over a sample of its calls, as one map sees it.",
    key=("account_id", "window_end", "map"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("window_end", UTC_MICROSECONDS, "End of the hour.", required=True),
            field(
                "map",
                pa.string(),
                "Which calls are seen, and what of them (schemas.embedding.MAPS).",
                required=True,
                one_of=tuple(one.name for one in MAPS),
            ),
            field("calls", pa.int64(), "Calls in the sum.", required=True, unit="calls", at_least=1),
            field(
                "vector",
                pa.list_(pa.int32()),
                "Sum over these calls of cosines and sines, 127 for 1: for each kernel of the map its cosines, then its sines.",
                required=True,
            ),
        ]
    ),
)
