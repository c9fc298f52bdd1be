"""The evaluation as one self-contained page: what `evaluate` tells as JSON, drawn."""

from collections.abc import Sequence
from html import escape
from typing import Any

from schemas.finding import DAMAGE_TIERS
from transforms.evaluate import degradation
from transforms.evaluate.figures import Axis, Line, bars, curves

STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.6rem 0;font-size:13px}th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}figure{display:inline-block;margin:.5rem 1rem .5rem 0}svg text{font:11px sans-serif;fill:currentColor}
svg text.title{font-size:13px;font-weight:600}svg .grid{stroke:#8883}svg .level{stroke:#cf222e;stroke-dasharray:4 3}svg .span{stroke:currentColor;stroke-width:1.5}
.note{color:#777;font-size:13px}
"""

BUDGET = ("0.1 %", 0.001)
"""Share of account-days that may be flagged for review."""


def page(told: dict[str, Any], title: str) -> str:
    """HTML of what `Judgement.told` tells; no scripts, nothing loaded from elsewhere.

    Args:
        told: the evaluation as plain data.
        title: which lake and which world.
    """
    world = told["world"]
    counts = ", ".join(f"{count:,} {label}" for label, count in world["accounts"].items())
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{counts} accounts, {world['calls']:,} calls, {world['attack_calls']:,} of them attacks. Accounts labelled grey count neither as found nor as wrong. All figures come from this one world.</p>",
        _rates(told["rates"]),
        "<h2>Campaigns</h2>",
        _campaigns(told["campaigns"]),
        _figures(_timeline(told["timeline"])),
        "<h2>Scores, whatever the thresholds</h2>",
        _scores(told),
        _figures(_roc(told["curves"])),
        "<h2>Thieves, one by one</h2>",
        _table(
            ("archetype", "accounts", "found", "share", "95 %", "found, pure", "act", "median taken", "share taken", "hours"),
            [
                (
                    row["archetype"], row["accounts"], row["found"], _share(row["found_share"]),
                    _span(row["found_low"], row["found_high"]), f"{row['pure_found']} of {row['pure']}", row["acted"],
                    _number(row["taken_median"]), _share(row["taken_share"]), _number(row["hours_median"], 1),
                )
                for row in told["thieves"]
            ],
        ),
        "<h2>Those who are no thieves, worst first</h2>",
        _others(told["others"]),
        "<h2>Detectors, each by itself</h2>",
        _detectors(told["detectors"]),
        _baselines(told.get("baselines")),
        _degradation(told.get("grid")),
        _cost(told["cost"]),
    ]  # fmt: skip
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'


def _detectors(rows: Sequence[dict[str, Any]]) -> str:
    head = ("detector", "honest days", "spoke", "named", "share", "at most (95 %)", "thieves named", "by archetype")
    return _table(
        head,
        [
            (
                row["detector"], row["days"], row["spoke_days"], row["named_days"],
                _share(row["named_days"] / row["days"] if row["days"] else None), _share(row["named_days_upper"]), row["right"],
                ", ".join(f"{name} {each['named']}/{each['accounts']}" for name, each in row["thieves"].items() if each["named"]),
            )
            for row in rows
        ],
    )  # fmt: skip


def _rates(rates: dict[str, Any]) -> str:
    rows = [(name, _share(r["value"]), f"{r['hits']:,} of {r['trials']:,}", _interval(r)) for name, r in rates.items()]
    return _table(("", "share", "counted", "95 %"), rows)


def _campaigns(told: dict[str, Any]) -> str:
    if not told["flagged"]:
        return f"<p>The lake flags no campaign; the world has {told['recall']['trials']} that attack.</p>"
    recall, upper = told["recall"], told["false_per_account_week_upper"]
    bound = "" if upper is None else f" At most {upper * 1e6:,.0f} a week at a million accounts (95 %)."
    said = (
        f"<p>{recall['hits']} of {recall['trials']} found ({_share(recall['value'])}, 95 %: {_interval(recall)}). Of {told['flagged']} flagged, "
        f"{told['false']} are false and {told['impure']} impure, in {told['account_weeks']:,.0f} benign account-weeks.{bound}</p>"
    )
    head = (
        "campaign",
        "archetype",
        "heads",
        "attack share",
        "found",
        "as",
        "purity",
        "heads in",
        "exchanges",
        "taken",
        "tier",
        "spared",
        "hours",
    )
    rows = [
        (
            row["true_id"], f"{row['archetype']} ({row['label']})", row["heads"], _share(row["attack_share"]),
            "yes" if row["is_found"] else "no", row["fragments"], _share(row["purity"]), _share(row["head_recall"]),
            f"{row['exchanges']:,}", f"{row['taken']:,}", _number(row["damage_tier"]), _share(row["prevented"]),
            _number(row["hours"], 1),
        )
        for row in told["true"]
    ]  # fmt: skip
    wrong = [
        (
            row["campaign_id"],
            row["verdict"],
            row["accounts"],
            row["archetype"],
            _share(row["purity"]),
            row["flagged_at"],
        )
        for row in told["matches"]
        if row["verdict"] != "right"
    ]
    shown = _table(("false or impure", "verdict", "accounts", "mostly", "purity", "flagged at"), wrong) if wrong else ""
    return said + _table(head, rows) + shown


def _timeline(told: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        Line(
            row["true_id"],
            [(hour, total) for hour, total in row["points"]],
            tuple(row["flag"]) if row["flag"] else None,
        )
        for row in told
    ]
    levels = [(f"{tier // 1000}k", float(tier)) for tier in DAMAGE_TIERS]
    title = "Attacking calls so far; a ring marks the flag"
    return [curves(title, Axis("hours since the world's start"), Axis("calls", is_log=True), lines, levels)]


def _roc(told: dict[str, Any]) -> list[str]:
    lines = [Line(name, [(x, y) for x, y in points]) for name, points in told.items()]
    false = Axis("benign accounts above the threshold", is_log=True, is_share=True)
    return [curves("Thieves above it", false, Axis("thieves", is_share=True), lines)]


def _scores(told: dict[str, Any]) -> str:
    rows = [
        (f"{who}: {row['measure']}", _share(row["value"]), _span(row["low"], row["high"]))
        for who, key in (("acting alone", "scores"), ("heads of pools", "scores_of_heads"))
        for row in told[key]
        if row["value"] is not None
    ]
    looks = [
        (row["day"], row["looked_at"], row["thieves"], _share(row["thieves"] / row["looked_at"]), row["present"])
        for row in told["budget"]
        if row["looked_at"]
    ]
    head = ("day", "looked at", "thieves", "precision", "thieves present")
    return _table(("", "value", "95 %, bootstrap by account"), rows) + _table(head, looks)


def _others(rows: Sequence[dict[str, Any]]) -> str:
    head = (
        "class",
        "label",
        "accounts",
        "permitted",
        "flagged",
        "share",
        "95 %",
        "act",
        "days",
        "flagged days",
        "share",
        "95 %",
    )
    table = _table(
        head,
        [
            (
                row["archetype"], row["label"], row["accounts"], row["suppressed"], row["flagged"], _share(row["flagged_share"]),
                _span(row["flagged_low"], row["flagged_high"]), row["act"], row["days"], row["flagged_days"],
                _share(row["flagged_days_share"]), _span(row["flagged_days_low"], row["flagged_days_high"]),
            )
            for row in rows
        ],
    )  # fmt: skip
    drawn = [
        (row["archetype"], row["flagged_days_share"], row["flagged_days_low"], row["flagged_days_high"])
        for row in rows
        if row["label"] == "benign" and row["flagged_days_share"] is not None
    ]
    return table + _figures([bars("Benign account-days flagged, with 95 % intervals", drawn, BUDGET)])


def _baselines(told: dict[str, Any] | None) -> str:
    if not told:
        return ""
    head = (
        "method",
        "threshold",
        "benign days above",
        "alone found",
        "heads found",
        "average precision, alone",
        "heads",
    )
    rows = [
        (
            row["method"], _number(row["threshold"], 3), _share(row["false_days"]), _share(row["alone"]), _share(row["heads"]),
            _share(row["precision_alone"]), _share(row["precision_heads"]),
        )
        for row in told["rows"]
    ]  # fmt: skip
    return f"<h2>Baselines on the same stream</h2><p>{escape(told['said'])}</p>" + _table(head, rows)


def _degradation(rows: Sequence[dict[str, Any]] | None) -> str:
    if not rows:
        return ""
    head = (
        "what",
        "value",
        "worlds",
        "campaigns found",
        "false",
        "heads found",
        "alone found",
        "honest days flagged",
        "median taken",
        "us a call",
    )
    table = [
        (
            row["axis"], row["variant"] if row["axis"] in degradation.UNORDERED else f"{row['value']:g}", row["seeds"],
            f"{row['campaigns_found']} of {row['campaigns']}", row["campaigns_false"], f"{row['heads_found']} of {row['heads']}",
            f"{row['alone_found']} of {row['alone']}", f"{row['honest_days_flagged']} of {row['honest_days']}",
            _number(row["taken_median"]), _number(1e6 * row["processor"] * row["seeds"] / row["calls"]),
        )
        for row in degradation.summed(rows)
    ]  # fmt: skip
    said = "<h2>How it degrades</h2><p>Other worlds than the one above: small ones, each with one thing changed; median taken is a campaign's, and the cost holds what a run costs whatever its size.</p>"
    return said + _figures(degradation.figures(rows)) + _table(head, table) + _left_out(rows)


def _left_out(rows: Sequence[dict[str, Any]]) -> str:
    harvests, without = degradation.left_out(rows)
    if not without:
        return ""
    table = [
        (name, *[f"{listed} of {heads}" for listed, heads in (counted.get(h, (0, 0)) for h in harvests)])
        for name, counted in without
    ]
    said = (
        "<h2>What it rests on</h2><p>Heads of pools on the review list, by what the pool harvests, in worlds that are judged without one kind of "
        "evidence after the other.</p>"
    )
    return said + _table(("without", *harvests), table)


def _cost(told: dict[str, Any]) -> str:
    kept = [(name, f"{size:,}") for name, size in told["tables"].items() if size]
    said = (
        f"<h2>Cost</h2><p>{told['events']:,} events of {told['accounts']:,} accounts: {_number(told['bytes_per_event'], 1)} bytes an event in all "
        f"tables, {_number(told['state_bytes_per_account'])} bytes of state an account. What a run takes in time is in docs/performance.md.</p>"
    )
    return said + _table(("table", "bytes"), kept)


def _figures(drawn: Sequence[str]) -> str:
    return "".join(f"<figure>{figure}</figure>" for figure in drawn if figure)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}" if value >= 0.1 or value == 0 else f"{value:.2%}"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_share(low)} to {_share(high)}"


def _interval(rate: dict[str, Any]) -> str:
    return "" if rate["interval"] is None else _span(*rate["interval"])
