"""`stillwatch evaluate`: a lake's findings against the truth of its world."""

from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option


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
    """Tells how many thieves of the world DIR the lake flags, how many others, and how late.

    Rates come with 95 % intervals; accounts labelled grey (resellers, unlicensed synthetic data) count neither way.
    Detectors never see the truth: this command reads it beside the lake.

    \b
    Examples:
      stillwatch evaluate --lake lake --world world
      stillwatch evaluate --lake lake --world world --format json
    """
    import polars as pl

    from pipelines.lake.lake import Lake
    from schemas.truth import TRUTH
    from transforms.evaluate import by_archetype, curve, overall

    lake = Lake.open(lake_path)
    truth = TRUTH.conform(pl.read_parquet(world / "truth.parquet"))
    flagged = lake.read("flagged_accounts").filter(~pl.col("provisional"))
    day = (pl.col("window_end") - pl.duration(microseconds=1)).dt.truncate("1d").alias("day")
    benign = truth.filter(pl.col("label") == "benign").lazy().select("account_id")
    days = lake.scan("account_windows").select("account_id", day).unique().join(benign, on="account_id", how="semi")
    account_days = days.select(pl.len()).collect().item()
    table = by_archetype(truth, flagged)
    rates = overall(truth, flagged, account_days)
    scores = curve(truth, lake.scan("account_scores").select("account_id", "score").collect())
    output = Output(output_format)
    if output_format == "csv":
        output.frame(table)
        return
    told = {
        "rates": {
            name: {"hits": rate.hits, "trials": rate.trials, "value": rate.value, "interval": rate.interval}
            for name, rate in rates.items()
        },
        "scores": scores,
        "archetypes": table.to_dicts(),
    }
    output.record(told, _text(told))


def _text(told: dict[str, Any]) -> str:
    lines = []
    for name, rate in told["rates"].items():
        lines.append(
            f"{name:34} {_share(rate['value']):>8}  {rate['hits']:,} of {rate['trials']:,}{_interval(rate['interval'])}"
        )
    lines += ["", *[f"{name:34} {_share(value):>8}" for name, value in told["scores"].items()], ""]
    lines.append(
        f"{'archetype':22} {'label':10} {'accounts':>8} {'flagged':>8} {'rate':>8}  {'95 %':>17}  {'exchanges before':>16}  hours to flag"
    )
    for row in told["archetypes"]:
        before = "" if row["exchanges_before"] is None else f"{row['exchanges_before']:,.0f}"
        hours = "" if row["hours_to_flag"] is None else f"{row['hours_to_flag']:.1f}"
        span = f"{_share(row['rate_low'])} to {_share(row['rate_high'])}"
        lines.append(
            f"{row['archetype']:22} {row['label']:10} {row['accounts']:>8,} {row['flagged']:>8,} {_share(row['rate']):>8}  {span:>17}  {before:>16}  {hours}"
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}" if value >= 0.1 or value == 0 else f"{value:.2%}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({_share(interval[0])} to {_share(interval[1])})"
