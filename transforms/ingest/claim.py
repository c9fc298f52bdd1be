"""A claim about a text: the phrases that make it, and what a negation takes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """One boolean about a text: true where a pattern is found.

    Attributes:
        patterns: regular expressions over lower-case text, in groups that are searched as one, the likeliest first.
        anchors: literals; every match of every pattern holds one, so a text without any need not be searched.
        is_negatable: whether what a negation turns is cut out first.
        narrower: by the number of a group literals of which every match of its patterns holds one: for groups that are dear to search
            and need rarer words than the claim.
    """

    patterns: tuple[tuple[str, ...], ...]
    anchors: tuple[str, ...]
    is_negatable: bool = True
    narrower: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


NEGATED = (
    r"(?:\b(?:do|does|did|should|must|can|could|would|will|may|need|shall)(?: not|n['’]t)\b|\bcannot\b|\bnever\b|\bwithout\b"
    r"|\bavoid\b|\brefrain from\b|\bno need to\b|\bnot (?:to|required|necessary)\b|\brather than\b|\binstead of\b"
    r"|不要|请勿|切勿|不必|无需|\bno (?:muestres|escribas|reveles)\b|\bne pas\b|\bnicht\b|\bnão\b|\bне\b)"
    r"[^.!?;,:\n。！？，]{0,28}"
)
"""A negation and the words it turns: cut out before a claim is looked for, so that a ban is not taken for a request."""
