"""`stillwatch rebuild`: the days since a border, computed again."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.main import DONE, QUALITY
from pipelines.cli.options import Moment, engine, engine_options, lake_option
from pipelines.cli.output import Output, format_option, iso, neutral

if TYPE_CHECKING:
    from pipelines.rebuild import Rebuilt
    from pipelines.rewind import Outlook


@click.command()
@lake_option
@click.option("--since", metavar="DAY", type=Moment(), required=True, help="The first UTC day to compute again.")
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML; without it the policy of the last run.",
)
@click.option("--dry-run", is_flag=True, help="Only tell where it would start and what it would compute again.")
@engine_options
@click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Fingerprint key; only needed to finish an interrupted backfill.",
)
@click.option("--quiet", is_flag=True, help="Tell warnings and errors only.")
@format_option()
def command(
    lake_path: Path,
    since: datetime,
    policy_file: Path | None,
    dry_run: bool,
    runner: str,
    scheduler: str | None,
    key_file: Path | None,
    quiet: bool,
    output_format: str,
) -> int:
    """Computes everything since a day again, from the events that are in the lake: no source is read.

    Use it after events came too late, after a change of the policy that asks for it (`stillwatch policy FILE` says so),
    after `release` or `replay`, or when a state is lost. It starts from the state kept at the border before the day (or at
    the last one before it) and takes in what was too late since then. Findings keep their ids: one that comes out the same
    says nothing, a changed one gets a further revision, one that nothing supports any more is withdrawn and leaves the
    review list. Killed and repeated, it goes on; so does any `backfill`.

    \b
    Examples:
      stillwatch rebuild --lake lake --since 2026-03-02 --dry-run
      stillwatch rebuild --lake lake --since 2026-03-02
      stillwatch rebuild --lake lake --since 2026-03-01 --policy policy.toml --format json
    """
    from pipelines.cli.progress import Progress
    from pipelines.rebuild import RebuildRequest, preview, rebuild
    from schemas.policy import Policy

    policy = None if policy_file is None else Policy.read(policy_file)
    request = RebuildRequest(lake_path, since, policy, key_file=key_file, **engine(runner, scheduler))
    output = Output(output_format)
    if dry_run:
        seen = preview(request)
        output.record(dataclasses.asdict(seen), outlook_text(seen))
        return DONE
    progress = Progress(quiet=quiet)
    rebuilt = rebuild(request, progress)
    progress.end()
    output.record(dataclasses.asdict(rebuilt), rebuilt_text(rebuilt))
    return QUALITY if rebuilt.quarantined else DONE


def outlook_text(seen: "Outlook") -> str:
    """What would be computed again, for people."""
    lines = [f"would start from {_start(seen.since)} and close again until {iso(seen.until)}"]
    lines.append(f"{seen.events:,} events, {seen.late:,} of them too late before")
    if seen.earlier_late:
        lines.append(f"{seen.earlier_late:,} late events are older and stay out: name an earlier day to take them in")
    lines += [f"{table}: {count:,} rows would be computed again" for table, count in seen.rows.items() if count]
    return "\n".join([*lines, "nothing was written"])


def rebuilt_text(done: "Rebuilt") -> str:
    """What was changed, for people."""
    from pipelines.cli.progress import duration

    closed = "nothing" if done.closed_until is None else iso(done.closed_until)
    lines = [f"computed {done.days:,} days again, from {_start(done.since)}, closed until {closed}"]
    lines.append(f"late events taken in: {done.late:,}")
    lines += [
        f"{table}: {now:,} rows" + (f", {now - before:+,}" if now != before else ", as many as before")
        for table, (before, now) in done.tables.items()
        if before or now
    ]
    lines.append("findings: " + ", ".join(f"{count:,} {what}" for what, count in done.findings.items()))
    for what, accounts in (("newly flagged", done.flagged), ("no longer flagged", done.unflagged)):
        if accounts:
            shown = ", ".join(neutral(account) for account in accounts[:20])
            lines.append(f"{what}: {shown}" + (f" and {len(accounts) - 20:,} more" if len(accounts) > 20 else ""))
    if done.quarantined:
        days = ", ".join(iso(day)[:10] for day in done.quarantined)
        lines.append(f"not learned, because the audit failed: {days} (table `quality` says why)")
    return "\n".join([*lines, f"took {duration(done.seconds)}"])


def _start(since: datetime | None) -> str:
    return "the beginning" if since is None else iso(since)[:10]
