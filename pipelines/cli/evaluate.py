"""`stillwatch evaluate`: a lake's findings against the truth of its world."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option

if TYPE_CHECKING:
    import polars as pl

    from pipelines.lake.lake import Lake

_DAMAGE = {1_000: "1k", 10_000: "10k", 52_000: "52k"}
"""Damage tiers shown in the table; JSON has all."""


@click.command()
@lake_option
@click.option(
    "--world",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that `simulate` wrote; its truth.parquet is read.",
)
@format_option()
def command(lake_path: Path, world: Path, output_format: str) -> None:
    """Tells how many thieves of the world DIR the lake flags, how many others, and how much had left by then.

    Rates come with 95 % intervals. Accounts labelled grey (resellers, synthetic data without a contract) count neither
    as found nor as wrong; what a contract permits is counted as suppressed, not as flagged. Detectors never see the
    truth: this command reads it beside the lake. With --format csv, one row an account: what became of it.

    \b
    Examples:
      stillwatch evaluate --lake lake --world world
      stillwatch evaluate --lake lake --world world --format json
    """
    import polars as pl

    from pipelines.lake.lake import Lake
    from schemas.truth import TRUTH
    from transforms.evaluate import false_alarms, headline, ranking, recall, taken

    lake = Lake.open(lake_path)
    found = _outcomes(lake, TRUTH.conform(pl.read_parquet(world / "truth.parquet")))
    output = Output(output_format)
    if output_format == "csv":
        output.frame(found)
        return
    losses = taken(found, _calls_of_thieves(lake, found))
    scores = lake.scan("account_scores").select("account_id", "score").collect()
    told = {
        "rates": {
            name: {"hits": rate.hits, "trials": rate.trials, "value": rate.value, "interval": rate.interval}
            for name, rate in headline(found).items()
        },
        "scores": ranking(found, scores).to_dicts(),
        "thieves": recall(found, losses).to_dicts(),
        "others": false_alarms(found).to_dicts(),
    }
    output.record(told, _text(told))


def _outcomes(lake: "Lake", truth: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    from transforms.evaluate import outcomes

    flagged = lake.read("flagged_accounts").filter(~pl.col("provisional"))
    findings = lake.scan("findings").select("account_id", "tick", "activity", "tier").collect()
    active = lake.scan("account_windows").filter(~pl.col("provisional")).select("account_id", "window_end").collect()
    return outcomes(truth, flagged.select("account_id", "tier", "flagged_at", "status"), findings, active)


def _calls_of_thieves(lake: "Lake", found: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    thieves = found.filter(pl.col("label") == "extraction").lazy().select("account_id")
    return lake.scan("events").select("account_id", "time").join(thieves, on="account_id", how="semi").collect()


def _text(told: dict[str, Any]) -> str:
    lines = []
    for name, rate in told["rates"].items():
        counts = f"{rate['hits']:,} of {rate['trials']:,}"
        lines.append(f"{name:36} {_share(rate['value']):>8}  {counts}{_span(rate['interval'])}")
    lines += ["", "By score alone, whatever the thresholds (thieves acting alone)"]
    for row in told["scores"]:
        span = None if row["low"] is None else (row["low"], row["high"])
        lines.append(f"{row['measure']:48} {_share(row['value']):>8} {_span(span)}")
    thieves = [
        [
            row["archetype"],
            f"{row['accounts']:,}",
            *_counted(row, "found"),
            f"{row['pure_found']:,} of {row['pure']:,}",
            f"{row['acted']:,}",
            _number(row["taken_median"]),
            _share(row["taken_share"]),
            "" if row["hours_median"] is None else f"{row['hours_median']:.1f}",
            *[_number(row[f"below_{tier}"]) for tier in _DAMAGE],
        ]
        for row in told["thieves"]
    ]
    head = ["thieves", "accounts", "found", "share", "95 %", "pure", "act", "taken", "of all", "hours"]
    lines += ["", *_aligned([*head, *[f"<{name}" for name in _DAMAGE.values()]], thieves)]
    lines += [
        "pure: found, of those without cover; taken: median exchanges gone before the flag (never flagged: all); <1k: accounts that took fewer than a thousand",
        "",
    ]
    others = [
        [
            row["archetype"],
            row["label"],
            f"{row['accounts']:,}",
            f"{row['suppressed']:,}",
            *_counted(row, "flagged"),
            f"{row['act']:,}",
            f"{row['days']:,}",
            *_counted(row, "flagged_days"),
            f"{row['act_days']:,}",
        ]
        for row in told["others"]
    ]
    head = ["others", "label", "accounts", "permitted", "flagged", "share", "95 %", "act"]
    lines += _aligned([*head, "days", "flagged", "share", "95 %", "act"], others)
    return "\n".join(lines)


def _counted(row: dict[str, Any], name: str) -> list[str]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    span = "" if low is None else f"{_share(low)}-{_share(high)}"
    return [f"{row[name]:,}", _share(row[f"{name}_share"]), span]


def _aligned(head: list[str], rows: list[list[str]]) -> list[str]:
    """Lines with the first column to the left and the others to the right."""
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    return [
        "  ".join(f"{text:{'<' if not index else '>'}{widths[index]}}" for index, text in enumerate(row)).rstrip()
        for row in [head, *rows]
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}" if value >= 0.1 or value == 0 else f"{value:.2%}"


def _span(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({_share(interval[0])} to {_share(interval[1])})"
