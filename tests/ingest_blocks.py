"""Blocks of log lines and what adapters make of them, for tests of the ingest room."""

from collections.abc import Sequence
from itertools import pairwise

from schemas.policy import Policy, SourceRule
from transforms.ingest import ADAPTERS, Block, Context, Decoded, FingerprintKey, Framing

SOURCE = "0123456789abcdef"
KEY = FingerprintKey(bytes(range(32)))


def context(policy: Policy | None = None, **rule: object) -> Context:
    """A context of a source without rules, but for those named."""
    return Context(SOURCE, "calls.log", SourceRule(**rule), Policy() if policy is None else policy, KEY)  # type: ignore[arg-type]


def decoded(
    adapter: str, data: bytes, framing: Framing = "lines", policy: Policy | None = None, **rule: object
) -> Decoded:
    """What an adapter makes of a whole source."""
    return ADAPTERS[adapter].decode(Block(data, 0, 1, framing), context(policy, **rule))


def blocks(lines: Sequence[bytes], cuts: Sequence[int]) -> list[Block]:
    """The lines as blocks that end behind the lines of these numbers."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(lines)}), len(lines)]
    made, offset = [], 0
    for low, high in pairwise(edges):
        data = b"".join(line + b"\n" for line in lines[low:high])
        made.append(Block(data, offset, low + 1, "lines"))
        offset += len(data)
    return made
