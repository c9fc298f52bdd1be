"""How a campaign goes on, in words: who began and fell silent, and when its accounts call."""

from collections.abc import Mapping
from typing import Any

_CLOCK = 0.15
"""Share of visits in the quietest six hours from which that is said to be around the clock; 0.25 is the most there can be."""


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
    return "; ".join(parts)
