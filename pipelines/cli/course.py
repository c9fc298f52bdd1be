"""How a campaign goes on, in words: who began and fell silent, when its accounts call, and what they do beside."""

from collections.abc import Mapping
from typing import Any

from pipelines.cli.output import neutral

_LANGUAGES = 5
"""As many languages as are named."""

_CLOCK = 0.15
"""Share of visits in the quietest six hours from which that is said to be around the clock; 0.25 is the most there can be."""

_NIGHT = 6
"""Hours of a night (schemas.campaign: nights)."""

_ALL = 0.995
"""Share that reads as 100 %."""

REFUSED = 0.2
"""Refused share from which it is worth a word: three honest accounts in a hundred have as much (schemas.feature refusal_share_24h)."""

FAR = 0.05
"""Share of honest groups that lie as far, from which a distance is worth a line: the threshold of the published test (threats.md 3.1)."""


def course(campaign: Mapping[str, Any]) -> str:
    """The facts of a row of `campaigns` that say how it goes on; empty where the row is older than they are."""
    parts: list[str] = []
    if campaign["fresh_share"] is not None:
        parts.append(f"{campaign['fresh_share']:.0%} began young")
    if campaign["joined_accounts"]:
        parts.append(f"{campaign['joined_accounts']:,} began within a day")
    if campaign["silent_accounts"]:
        parts.append(f"{campaign['silent_accounts']:,} fell silent, {campaign['replaced_accounts']:,} of them replaced")
    if campaign["quiet_share"] is not None:
        rhythm = "around the clock" if campaign["quiet_share"] >= _CLOCK else "with quiet hours"
        parts.append(f"{rhythm}: {campaign['quiet_share']:.0%} of visits in the quietest six hours")
    if campaign["rhythm_accounts"]:
        parts.append(_nights(campaign))
    if campaign["blocked_accounts"]:
        parts.append(
            f"{campaign['blocked_accounts']:,} were turned away, {campaign['failed_over_accounts']:,} of them failed over"
        )
    if campaign["pivot_model"] is not None:
        parts.append(f"{campaign['pivot_accounts']:,} went to {neutral(campaign['pivot_model'])} within a day")
    if campaign["focus"] is not None:
        parts.append(_focus(campaign))
    if campaign["payload_novelty"] is not None:
        parts.append(f"{campaign['payload_novelty']:.0%} of a day's prompts were new")
    if campaign["languages"]:
        named = ", ".join(map(neutral, campaign["languages"][:_LANGUAGES]))
        more = len(campaign["languages"]) - _LANGUAGES
        parts.append(f"in {named}{f' and {more} more languages' if more > 0 else ''}")
    return "; ".join(parts)


def _focus(campaign: Mapping[str, Any]) -> str:
    """How much of what its accounts do is the campaign's and within its template, and how much was refused, if that is much."""
    share = "all" if campaign["focus"] >= _ALL else f"at least {campaign['focus']:.0%}"
    said = f"{share} of its accounts' {campaign['calls']:,} calls show its keys"
    if campaign["template_share"] is not None:
        said += f", {campaign['template_share']:.0%} its pieces of prompts"
    return f"{said}, {campaign['refused_share']:.0%} were refused" if campaign["refused_share"] >= REFUSED else said


def _nights(campaign: Mapping[str, Any]) -> str:
    """When its accounts sleep, those of them whose day is known."""
    known, sleepless = campaign["rhythm_accounts"], campaign["sleepless_accounts"]
    found = [f"{hour:02d}-{(hour + _NIGHT) % 24:02d}" for hour in campaign["nights"] or ()]
    if not found:
        return f"none of {known:,} accounts whose day is known has a night"
    which = (
        f"one night ({found[0]} UTC)" if len(found) == 1 else f"{len(found)} different nights ({', '.join(found)} UTC)"
    )
    return f"{known - sleepless:,} of {known:,} accounts whose day is known have {which}"


def together(test: Mapping[str, Any] | None) -> list[str]:
    """What the distribution test says of a campaign's calls; nothing where it was not made or says nothing."""
    if test is None or test["tail"] is None or test["tail"] >= FAR:
        return []
    return [
        f"on {test['day']:%Y-%m-%d} its calls together lay as far from everyone's as those of {test['tail']:.2%} of honest groups"
    ]
