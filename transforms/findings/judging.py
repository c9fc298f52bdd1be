"""What a finding is about: its kind, severity, techniques and damage."""

from collections.abc import Iterable, Mapping

from schemas.card import Card
from schemas.finding import SEVERITIES

TECHNIQUES = {
    "distillation": ("AML.T0024.002", "AML.T0040"),
    "reverse_engineering": ("AML.T0024.002", "AML.T0063"),
    "bulk_download": ("AML.T0024",),
    "relay": ("AML.T0008.005",),
}
"""Kind -> MITRE ATLAS ids of what the models see; rules bring their own."""

_SEVERE_FROM = {1_000: "medium", 10_000: "high", 100_000: "critical"}
"""Exchanges gone -> how bad: the first recipes need 1,000, most 10,000 to 100,000 (threats.md 4.2)."""

TIER_RANK = {"review": 0, "act": 1}


def severity(exchanges: int, rules: Iterable[str], cards: Mapping[str, Card]) -> str:
    """The worse of what left and what the rules are about."""
    by_damage = [name for least, name in _SEVERE_FROM.items() if exchanges >= least]
    return max([SEVERITIES[0], *by_damage, *(cards[rule].severity for rule in rules)], key=SEVERITIES.index)


def kind(weights: Mapping[str, float]) -> tuple[str, float]:
    """The kind of the strongest reason, the first by name of equals, and what that counts; `unknown` where there is none."""
    if not weights:
        return "unknown", 0.0
    name = min(weights, key=lambda one: (-weights[one], one))
    return name, weights[name]


def techniques(rules: Iterable[str], pattern: str | None, cards: Mapping[str, Card]) -> list[str]:
    """ATLAS ids, sorted: the rules' own, and those of the kind the models saw, if any."""
    found = {one for rule in rules for one in cards[rule].techniques}
    return sorted(found | set(TECHNIQUES.get(pattern, ()) if pattern is not None else ()))
