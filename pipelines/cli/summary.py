"""What a backfill did, or would do, as text and as data."""

import dataclasses
from collections.abc import Mapping, Sequence

from pipelines.cli.output import Output, cell, iso, neutral
from pipelines.cli.progress import duration
from pipelines.request import COUNTS, Estimate, SourceCounts, Summary

MOST_SOURCES = 30
"""With more sources than this, a table shows only those with a problem, and the total."""


def show_summary(summary: Summary, output: Output) -> None:
    """Writes the summary: tables of sources, then what was found; all of it as one object in JSON; sources in CSV."""
    if output.format == "csv":
        output.rows(["name", "format", *COUNTS, "refused_because"], [dataclasses.astuple(s) for s in summary.sources])
        return
    output.record(dataclasses.asdict(summary), summary_text(summary))


def summary_text(summary: Summary) -> str:
    """The summary for people."""
    total = SourceCounts("total", None, **{name: sum(getattr(s, name) for s in summary.sources) for name in COUNTS})
    shown = list(summary.sources)
    if len(shown) > MOST_SOURCES:
        shown = [s for s in shown if s.rejects or s.too_late or s.refused_because]
    rows = [
        [neutral(s.name), s.format or "", *[f"{getattr(s, name):,}" for name in COUNTS], cell(s.refused_because)]
        for s in [*shown, total]
    ]
    lines = aligned(["source", "format", *[name.replace("_", " ") for name in COUNTS], "refused because"], rows)
    if len(shown) < len(summary.sources):
        lines.append(f"{len(summary.sources) - len(shown):,} sources without rejects are not shown")
    closed = "no tick closed" if summary.closed_until is None else f"closed until {iso(summary.closed_until)}"
    lines += ["", f"{summary.accounts:,} accounts, {summary.days:,} days, {closed}; {summary.waiting:,} events wait"]
    lines += [_flagged(summary), f"rates by models: {rates_text(summary.scored_alike, summary.least_alike)}"]
    if summary.quarantined:
        days = ", ".join(iso(day)[:10] for day in summary.quarantined)
        lines.append(f"not learned, because the audit failed: {days} (table `quality` says why)")
    appended = total.appended
    lines.append(
        f"took {duration(summary.seconds)}" + (f", {appended / summary.seconds:,.0f} events/s" if appended else "")
    )
    return "\n".join(lines)


def show_estimate(estimate: Estimate, output: Output) -> None:
    """Writes what a backfill would do."""
    fields = [field.name for field in dataclasses.fields(estimate.sources[0])] if estimate.sources else []
    if output.format == "csv":
        output.rows(fields, [dataclasses.astuple(source) for source in estimate.sources])
        return
    rows = [
        [neutral(s.name), s.format or "refused", megabytes(s.bytes), f"{s.records:,}", cell(s.why)]
        for s in estimate.sources
    ]
    lines = aligned(["source", "format", "size", "records", "why"], rows)
    records, size = (sum(getattr(s, name) for s in estimate.sources) for name in ("records", "bytes"))
    cost = f"about {duration(estimate.seconds)} and {megabytes(estimate.disk_bytes)} of disk"
    lines += ["", f"about {records:,} records in {megabytes(size)}; {cost}; nothing was written"]
    output.record(dataclasses.asdict(estimate), "\n".join(lines))


def _flagged(summary: Summary) -> str:
    if not sum(summary.flagged.values()):
        return "flagged: none"
    new = sum(summary.newly_flagged.values())
    text = f"flagged: {_tiers(summary.flagged)}; {new:,} of them by this backfill"
    if summary.accounts:
        text += f", which closed {summary.account_days:,} days of {summary.accounts:,} accounts"
    return text


def rates_text(alike: int, least: Mapping[str, int]) -> str:
    """What models can say by now of how rare an account's day is.

    Args:
        alike: account-days of the largest reference.
        least: by tier, how many it takes for a rate as small as its budget.

    >>> rates_text(440, {"review": 999, "act": 9999})
    'none yet: 440 account-days scored alike, review takes 999; rules, shapes and campaigns flag without them'
    """
    days = f"{alike:,} account-days scored alike"
    if alike < least["review"]:
        return f"none yet: {days}, review takes {least['review']:,}; rules, shapes and campaigns flag without them"
    if alike < least["act"]:
        return f"for review: {days}; act takes {least['act']:,}"
    return f"for review and act: {days}"


def _tiers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[tier]:,} {tier}" for tier in ("act", "review") if counts.get(tier))


def megabytes(count: int) -> str:
    """A size in the unit that suits it.

    >>> megabytes(512), megabytes(2_500_000), megabytes(7_200_000_000)
    ('0.5 KB', '2.5 MB', '7.2 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1000:.1f} KB"


def aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table; columns that are empty in every row are left out."""
    kept = [index for index in range(len(headers)) if any(row[index] for row in rows)]
    table: list[list[str]] = [[line[index] for index in kept] for line in (headers, *rows)]
    widths = [max(len(line[index]) for line in table) for index in range(len(kept))]
    return ["  ".join(_pad(text, width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _pad(text: str, width: int) -> str:
    is_number = text.replace(",", "").isdecimal()
    return text.rjust(width) if is_number else text.ljust(width)
