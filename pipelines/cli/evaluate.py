"""`stillwatch evaluate`: a lake's findings against the truth of its world."""

import json
from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import lake_option
from pipelines.cli.output import Output, format_option

_DAMAGE = {1_000: "1k", 10_000: "10k", 52_000: "52k"}
"""Damage tiers shown in the table; JSON has all."""


@click.command()
@lake_option
@click.option(
    "--world",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder that `simulate` wrote; its truth.parquet and attacks.parquet are read.",
)
@click.option(
    "--page",
    "page_path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write everything as one HTML page with plots.",
)
@click.option("--baselines", "with_baselines", is_flag=True, help="Show what simpler methods find on the same stream.")
@click.option(
    "--calibrate",
    "other",
    nargs=2,
    metavar="LAKE DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another lake and its world, on whose honest accounts the baselines' thresholds are set.",
)
@click.option(
    "--grid",
    "grid_file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rows of `make evaluation`, for the page and JSON: how detection degrades from world to world.",
)
@format_option()
def command(
    lake_path: Path,
    world: Path,
    page_path: Path | None,
    with_baselines: bool,
    other: tuple[Path, Path] | None,
    grid_file: Path | None,
    output_format: str,
) -> None:
    """Tells how many thieves of the world DIR the lake flags, how many others, and how much had left by then.

    Rates come with 95 % intervals. Accounts labelled grey (resellers, synthetic data without a contract) count neither
    as found nor as wrong; what a contract permits is counted as suppressed, not as flagged. Detectors never see the
    truth: this command reads it beside the lake. With --format csv, one row an account: what became of it.

    \b
    Examples:
      stillwatch evaluate --lake lake --world world
      stillwatch evaluate --lake lake --world world --format json
      stillwatch evaluate --lake lake --world world --page evaluation.html
      stillwatch evaluate --lake lake --world world --baselines
    """
    from pipelines.judgement import beside_baselines, judge
    from pipelines.lake.lake import Lake
    from transforms.evaluate import page

    lake = Lake.open(lake_path)
    judgement = judge(lake, world)
    output = Output(output_format)
    if output_format == "csv":
        output.frame(judgement.found)
        return
    told = judgement.told()
    if with_baselines or other is not None:
        told["baselines"] = beside_baselines(
            lake, judgement, None if other is None else (Lake.open(other[0]), other[1])
        )
    if grid_file is not None:
        told["grid"] = json.loads(grid_file.read_text(encoding="utf-8"))
    if page_path is not None:
        page_path.write_text(page(told, f"{lake_path.name} against {world.name}"), encoding="utf-8")
        click.echo(f"page in {page_path}", err=True)
    output.record(told, _text(told))


def _text(told: dict[str, Any]) -> str:
    lines = []
    for name, rate in told["rates"].items():
        counts = f"{rate['hits']:,} of {rate['trials']:,}"
        lines.append(f"{name:36} {_share(rate['value']):>8}  {counts}{_span(rate['interval'])}")
    lines += ["", "By score alone, whatever the thresholds (thieves acting alone)"]
    for row in told["scores"]:
        span = None if row["low"] is None else (row["low"], row["high"])
        lines.append(f"{row['measure']:48} {_share(row['value']):>8} {_span(span)}")
    lines += ["", *_campaigns(told["campaigns"])]
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
    lines += _detectors(told["detectors"])
    lines += _baselines(told["baselines"]) if "baselines" in told else []
    return "\n".join(lines)


def _detectors(told: list[dict[str, Any]]) -> list[str]:
    rows = []
    for row in told:
        caught = [
            f"{name} {each['named']}/{each['accounts']}" for name, each in row["thieves"].items() if each["named"]
        ]
        days, upper = row["days"], row["named_days_upper"]
        shares = [_share(row[name] / days if days else None) for name in ("spoke_days", "named_days")]
        bound = "" if upper is None else _share(upper)
        rows.append([row["detector"], f"{row['spoke_days']:,}", shares[0], f"{row['named_days']:,}", shares[1], bound])
        rows[-1].append(f"{row['right']:,}")
        rows[-1].append(", ".join(caught))
    head = ["detectors", "spoke", "share", "named", "share", "at most", "thieves", "named of each archetype"]
    told_days = f"{told[0]['days']:,}" if told else "0"
    return [
        "",
        *_aligned(head, rows),
        f"spoke: of {told_days} honest account-days, those on which it had points; named: those with a finding that names it, at most (95 %)",
    ]


def _campaigns(told: dict[str, Any]) -> list[str]:
    if not told["flagged"]:
        return [f"campaigns                            the lake flags none; the world has {told['recall']['trials']:,}"]
    recall = told["recall"]
    upper = told["false_per_account_week_upper"]
    bound = "" if upper is None else f"; at most {upper * 1e6:,.0f} a week at a million accounts (95 %)"
    rows = [
        [
            row["true_id"],
            row["archetype"],
            f"{row['heads']:,}",
            _share(row["attack_share"]),
            "yes" if row["is_found"] else "no",
            f"{row['fragments']:,}",
            "" if row["purity"] is None else _share(row["purity"]),
            "" if row["head_recall"] is None else _share(row["head_recall"]),
            f"{row['exchanges']:,}",
            f"{row['taken']:,}",
            "" if row["prevented"] is None else _share(row["prevented"]),
            "" if row["hours"] is None else f"{row['hours']:.1f}",
        ]
        for row in told["true"]
    ]
    head = [
        "campaigns",
        "archetype",
        "heads",
        "attack",
        "found",
        "as",
        "purity",
        "heads in",
        "exchanges",
        "taken",
        "spared",
        "hours",
    ]
    return [
        f"{'campaigns found':36} {_share(recall['value']):>8}  {recall['hits']:,} of {recall['trials']:,}{_span(recall['interval'])}",
        f"{'false campaigns':36} {told['false']:>8,}  of {told['flagged']:,} flagged, {told['impure']:,} impure, in {told['account_weeks']:,.0f} benign account-weeks{bound}",
        "",
        *_aligned(head, rows),
    ]  # fmt: skip


def _baselines(told: dict[str, Any]) -> list[str]:
    rows = [
        [
            row["method"],
            "" if row["threshold"] is None else f"{row['threshold']:.3g}",
            *["" if row[name] is None else _share(row[name]) for name in _COMPARED],
        ]
        for row in told["rows"]
    ]
    head = ["method", "threshold", "false days", "alone", "heads", "precision", "of heads"]
    return ["", told["said"], *_aligned(head, rows)]


_COMPARED = ("false_days", "alone", "heads", "precision_alone", "precision_heads")


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
