"""Campaigns in words: kind, one sentence for an account's finding, one a signal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.trait import TRAIT_KINDS
from transforms.campaigns.kinds import LEANING, PAYER, PIECES, ROVING

_WORDS = {
    "head": "the first words of prompts",
    "tail": "the last words of prompts",
    "line": "lines of prompts",
    "shingle": "pieces of prompts",
    "system": "the system prompt",
    "tools": "the set of tools",
    "client": "the client fingerprint",
    "agent": "the user agent",
    "prefix": "a new network every day",
    "object": "the objects fetched",
    "handle_issued": "reasoning handles",
    "handle_used": "reasoning handles",
    "answer_carried": "conversations that go on from each other's answers",
    "answer_pasted": "each other's answers in prompts",
    "payment": "payment instruments",
}
_KINDS = (
    {PAYER: ("payment",)}
    | {roving: (kind, "prefix") for kind, roving in ROVING.items()}
    | {leaning: (kind,) for kind, leaning in LEANING.items()}
)
"""What keys are made of that are no kind of trait in the lake."""
HARVEST = "distillation"
"""Kind of a campaign whose calls ask for what a student model learns from."""

PROBING = "reverse_engineering"
"""Kind of a campaign whose calls take the model apart (work.is_probing), whatever its accounts share."""

TOLD_FROM = 1.0
"""Decades from which a signal is told beside a stronger one: what one benign group in ten shows, or fewer."""

_ORDER = [kind.name for kind in TRAIT_KINDS]


def kind_of(keys: Iterable[tuple[str, int]], signals: Sequence[Mapping[str, Any]]) -> str:
    """What a campaign looks like, by what its accounts share and what its calls are about.

    Prompts with one instruction are a harvest, and so are calls with one system prompt that ask for reasoning or grades. The
    same tools or system prompt around prompts that share nothing are a harness in front of other people: a relay. Software
    alone, or a card alone, says that somebody resells or pools: a person has to look.

    Args:
        keys: what its accounts share.
        signals: of the ties that speak for it.
    """
    kinds = {kind for kind, _ in keys}
    if kinds & set(PIECES) or any(signal["signal"] == "extraction_claims" for signal in signals):
        return HARVEST
    if "object" in kinds:
        return "bulk_download"
    return "relay" if kinds & {"system", "tools", "handle_issued", "handle_used"} else "resale"


def link_kinds(keys: Iterable[tuple[str, int]], *, is_of_purse: bool) -> list[str]:
    """Kinds of what ties a campaign, sorted: `payment` where a card is the key or puts its pieces together, `prefix` where its accounts move.

    >>> link_kinds([("client", 1), ("payer", 2)], is_of_purse=False)
    ['client', 'payment']
    >>> link_kinds([("roving_agent", 1)], is_of_purse=False)
    ['agent', 'prefix']
    """
    kinds = {kind for key, _ in keys for kind in _KINDS.get(key, (key,))}
    return sorted(kinds | ({"payment"} if is_of_purse else set()))


def detail(campaign: Mapping[str, Any]) -> str:
    """One sentence for the finding of an account in it; numbers and the project's own words only."""
    shared = list(dict.fromkeys(_WORDS[kind] for kind in sorted(campaign["link_kinds"], key=_ORDER.index)))
    return (
        f"one of {campaign['accounts']:,} accounts of campaign {campaign['campaign_id']} that share "
        f"{' and '.join([', '.join(shared[:-1]), shared[-1]] if len(shared) > 1 else shared)}, "
        f"with {campaign['exchanges']:,} exchanges in all"
    )


def evidence(signals: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence a signal, in their order; left out is what says little where something says more."""
    told = [signal for place, signal in enumerate(signals) if place == 0 or signal["points"] >= TOLD_FROM]
    return [
        f"{signal['signal']} is {_number(signal['observed'])}, ordinary {_number(signal['expected'])}: {signal['detail']} "
        f"({signal['points']:.1f} decades)"
        for signal in told
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
