"""Campaigns for a terminal: one block each, as wide as the window, with every sentence of evidence."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.cli.course import course, together
from pipelines.cli.output import cell, neutral

WIDTH = 100
"""Columns where output goes to no terminal: what fits on a page and in a mail."""

NARROWEST = 60
"""Narrower than that the names of the facts leave no room for them."""

_ACCOUNTS = 8
"""As many of its accounts as a block names: enough to look one up with `stillwatch explain`."""


def blocks(campaigns: Iterable[Mapping[str, Any]], width: int) -> str:
    """The campaigns, one block each, an empty line between; every value in it is neutral.

    Args:
        campaigns: rows of `campaigns`, each with its latest row of `campaign_tests` as `latest_test` (None if it has none).
        width: columns; no line is longer unless a single word is.
    """
    return "\n\n".join("\n".join(_block(one, width)) for one in campaigns)


def terminal_width() -> int:
    """Columns of the terminal, or COLUMNS if that is set; WIDTH where neither is known."""
    return max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def _block(campaign: Mapping[str, Any], width: int) -> Iterator[str]:
    title = [campaign["tier"], campaign["kind"].replace("_", " "), f"{campaign['accounts']:,} accounts"]
    yield f"{neutral(campaign['campaign_id'])}: {', '.join(title)}"
    facts = {
        "flagged": f"{_when(campaign['flagged_at'])}, after {_gone(campaign)}",
        "seen": f"{_when(campaign['first_seen'])} to {_when(campaign['last_seen'])}",
        "taken": _taken(campaign),
        "tied by": cell(campaign["link_kinds"]),
        "course": "; ".join((*filter(None, [course(campaign)]), *together(campaign["latest_test"]))),
        "accounts": _accounts(campaign["account_ids"]),
        "merged": "" if campaign["merged_into"] is None else f"has become part of {neutral(campaign['merged_into'])}",
        "evidence": _weight(campaign),
    }
    for name, told in facts.items():
        if told:
            yield from _wrapped(f"  {name.ljust(max(map(len, facts)))}  ", told, width)
    for number, sentence in enumerate(campaign["evidence"], 1):
        yield from _wrapped(f"    {number}. ", neutral(sentence), width)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _gone(campaign: Mapping[str, Any]) -> str:
    """What had left by the flag."""
    calls, tokens = campaign["exchanges_before"], campaign["output_tokens_before"]
    return f"{calls:,} of its calls" + ("" if tokens is None else f" and {tokens:,} output tokens")


def _taken(campaign: Mapping[str, Any]) -> str:
    parts = [f"{campaign['exchanges']:,} calls", f"{campaign['exchanges_per_day']:,.0f} a day"]
    if campaign["output_tokens"] is not None:
        parts.insert(1, f"{campaign['output_tokens']:,} output tokens")
    if campaign["damage_tier"] is not None:
        parts.append(f"past {campaign['damage_tier']:,}")
    if campaign["next_tier_at"] is not None:
        parts.append(f"at this rate the next damage tier falls {_when(campaign['next_tier_at'])}")
    return ", ".join(parts)


def _accounts(ids: Sequence[str]) -> str:
    more = len(ids) - _ACCOUNTS
    return cell(ids[:_ACCOUNTS]) + (f" and {more:,} more (--format json names all)" if more > 0 else "")


def _weight(campaign: Mapping[str, Any]) -> str:
    holders = campaign["evidence_accounts"]
    held = "" if holders is None else f", of what {holders:,} accounts share"
    return f"{campaign['score']:.1f} decades{held}"


def _wrapped(start: str, told: str, width: int) -> list[str]:
    """The text behind its start, further lines below the text; ids and words stay whole."""
    return textwrap.wrap(
        told,
        width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
