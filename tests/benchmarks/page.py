"""docs/performance.md: the measured values put into a page that is written by hand."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import plot
from benchmarks.goals import goals

TEMPLATE = Path(__file__).with_name("performance.md")
FIGURES = (
    "stages-canonical.svg",
    "stages-litellm.svg",
    "growth-events.svg",
    "growth-accounts.svg",
    "growth-days.svg",
    "links-growth.svg",
)
_AXES = {"events": "records", "accounts": "accounts", "days": "days"}
_OF_ALL = ("goals", "machine")
Results = Mapping[str, Any]


def markdown(results: Results) -> str:
    """The whole page; a part that was not measured says so."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, section in SECTIONS.items():
        is_there = name in results or name in _OF_ALL
        text = text.replace(f"{{{name}}}", section(results) if is_there else "Not measured.")
    for name in FIGURES:
        if name.partition("-")[0] not in results:
            text = re.sub(rf"!\[[^]]*\]\(figures/{name}\)\n", "", text)
    return text


def figures(results: Results) -> dict[str, str]:
    """Every figure of the page by the name of its file."""
    drawn = {}
    growth = results["growth"]["measured"]["points"] if "growth" in results else []
    for dimension, field in _AXES.items():
        points = [point for point in growth if point["dimension"] == dimension]
        if not points:
            continue
        drawn[f"growth-{dimension}.svg"] = plot.panels(
            [
                ("processor, us a record", dimension, [(point[field], point["microseconds"]) for point in points]),
                ("peak memory, MiB", dimension, [(point[field], point["megabytes"]) for point in points]),
            ]
        )
    if "links" in results:
        days = results["links"]["measured"]["points"]
        clocks = (("all", "processor, us a new trait"), ("step", "without reading and writing the index"))
        drawn["links-growth.svg"] = plot.panels(
            [(title, "remembered", [(day["held"], _each(day, clock)) for day in days]) for clock, title in clocks]
        )
    stages = results["stages"]["measured"] if "stages" in results else {}
    for kind, timed in stages.items():
        title = f"{kind}: {timed['records']:,} records, {timed['whole']:.1f} us of the processor each"
        drawn[f"stages-{kind}.svg"] = plot.bars(title, _by_size(timed["microseconds"]), "us")
    return drawn


def write(results: Results, docs: Path) -> None:
    """Writes the page and its figures."""
    (docs / "performance.md").write_text(markdown(results), encoding="utf-8")
    folder = docs / "figures"
    folder.mkdir(exist_ok=True)
    for name, text in figures(results).items():
        (folder / name).write_text(text, encoding="utf-8")


def text(results: Results, parts: Sequence[str]) -> str:
    """What was measured just now, for a terminal, and how it stands to the goals."""
    told = [SECTIONS[part](results) for part in parts]
    return "\n\n".join([*told, _goals(results)]) + "\n"


def _goals(results: Results) -> str:
    rows = [(goal.what, goal.wanted, goal.measured, goal.verdict) for goal in goals(results)]
    return _table(("what", "goal", "measured", "met"), rows)


def _machine(results: Results) -> str:
    seen = {}
    for name in SECTIONS:
        if name in results:
            about = results[name]["machine"]
            what = f"{about['processors']} processors, {about['gib']} GiB, Python {about['python']}"
            scale = "" if results[name]["scale"] == 1 else f", at {results[name]['scale']:g} of the usual sizes"
            seen.setdefault(f"{what}{scale}, load {about['load']} before", []).append(name)
    return "\n".join(f"- {', '.join(parts)}: {what}." for what, parts in seen.items())


def _contest(results: Results) -> str:
    rows = []
    for work in results["contest"]["measured"].values():
        size = work["bytes"] / work["records"]
        rows.append((f"**{work['title']}**: {work['records']:,} of {size:,.0f} bytes", "", "", "", ""))
        rows.append(("stillwatch, to a committed lake", *_cost(work["stillwatch"]), ""))
        for name, other in work["others"].items():
            ratio = f"{other['ratio']['processor']:.2f} / {other['ratio']['wall']:.2f}"
            rows.append((name, *_cost(other), ratio))
    names = ("", "records/s", "us of the processor a record", "peak MiB", "stillwatch's speed: processor / wall")
    return _table(names, rows)


def _cost(figures: Mapping[str, float]) -> tuple[str, str, str]:
    each = f"{figures['microseconds']:.1f} ({figures['microseconds_least']:.1f} to {figures['microseconds_most']:.1f})"
    return f"{figures['records_per_second']:,.0f}", each, f"{figures['megabytes']:,.0f}"


def _stages(results: Results) -> str:
    kinds = results["stages"]["measured"]
    names: dict[str, None] = {}
    for kind in kinds.values():
        names |= dict.fromkeys(name for name, _ in _by_size(kind["microseconds"]))
    rows = [(name, *[f"{kind['microseconds'].get(name, 0):.2f}" for kind in kinds.values()]) for name in names]
    rows.append(("**whole process**", *[f"**{kind['whole']:.2f}**" for kind in kinds.values()]))
    return _table(("us a record", *[f"{name}, {kind['records']:,}" for name, kind in kinds.items()]), rows)


def _kernels(results: Results) -> str:
    measured = results["kernels"]["measured"]
    rows = [
        (f"fingerprints of a prompt of {characters} characters", _spread(each))
        for characters, each in measured["fingerprints"].items()
    ]
    real = measured["real"]
    size = real["bytes"] / real["records"] / 1000
    rows.append((f"decoding a LiteLLM payload of {size:.1f} KB to columns", _spread(real["decode"])))
    rows.append(("the same, fingerprints and claims included", _spread(real["with_fingerprints"])))
    rows.append(("the same payload by Polars' `read_ndjson` with the fields named", _spread(real["polars"])))
    for kind, both in measured["damaged"].items():
        rows += [
            (f"decoding {kind}, {name}", _spread(both[name]["with_fingerprints"])) for name in ("clean", "damaged")
        ]
    return _table(("kernel", "us of the processor each (least to most)"), rows)


def _spread(each: Mapping[str, float]) -> str:
    return f"{each['median']:.2f} ({each['least']:.2f} to {each['most']:.2f})"


def _damage(results: Results) -> str:
    rows = []
    for kind, both in results["damage"]["measured"].items():
        exact = f"{both['lines']} of {both['lines']}" if both["exact"] else "not all, or others"
        rows.append(
            (
                kind,
                f"{both['clean']['microseconds']:.1f}",
                f"{both['damaged']['microseconds']:.1f}",
                f"{both['ratio']['processor']:.2f}",
                exact,
            )
        )
    names = ("whole job", "us a record, clean", "0.1 % damaged", "speed of clean", "bad lines named exactly")
    return _table(names, rows)


def _growth(results: Results) -> str:
    measured = results["growth"]["measured"]
    rows = [
        (
            point["dimension"],
            f"{point['records']:,}",
            f"{point['accounts']:,}",
            f"{point['days']}",
            f"{point['account_hours'] / point['records']:.3f}",
            f"{point['microseconds']:.1f}",
            f"{point['megabytes']:,.0f}",
        )
        for point in measured["points"]
    ]
    fit = measured["fit"]
    said = (
        f"Processor time is about {fit['start_seconds']:.1f} s to start, {fit['microseconds_a_record']:.1f} us a record, "
        f"{fit['microseconds_an_account_hour']:.1f} us an account-hour (a row of `account_windows`) and {fit['seconds_a_day']:.1f} s a day that closes: no point is further "
        f"than {fit['largest_error']:.0%} from that."
    )
    names = ("grows", "records", "accounts", "days", "account-hours a record", "us a record", "peak MiB")
    return f"{_table(names, rows)}\n\n{said}"


def _latency(results: Results) -> str:
    measured = results["latency"]["measured"]
    rows = [
        (
            name,
            f"{each['wall']:.2f}",
            f"{each['after_start']:.2f}" if "after_start" in each else "",
            f"{each['megabytes']:,.0f}",
        )
        for name, each in measured["questions"].items()
    ]
    table = _table(("question", "wall s", "s after start-up", "peak MiB"), rows)
    return f"A lake of {measured['accounts']:,} accounts, {measured['records']:,} events.\n\n{table}"


def _links(results: Results) -> str:
    measured = results["links"]["measured"]
    days, ticks = measured["points"], measured["ticks"]
    rows = [
        (
            f"{number + 1}",
            f"{day['held']:,}",
            *[f"{_each(day, clock):.2f}" for clock in ("all", "read", "step", "write")],
            f"{sum(day['bytes'].values()) / 1e6:,.0f}",
            f"{day['written'] / 1e6:,.1f}",
        )
        for number, day in enumerate(days)
        if number % 5 == 0 or number == len(days) - 1
    ]
    sizes = ", ".join(
        f"{stage} {size / 1e6:,.1f}" for stage, size in sorted(days[-1]["bytes"].items()) if stage != "links"
    )
    tick = sum(sum(one["seconds"].values()) for one in ticks) / len(ticks)
    said = (
        f"{measured['traits']:,} traits of {measured['accounts']:,} accounts on {len(days)} days, made and indexed in "
        f"{measured['processor'] / 60:.1f} min of one processor ({measured['wall'] / 60:.1f} by the clock), "
        f"{measured['megabytes']:,.0f} MiB at most. MB by part at the end: {sizes}. "
        f"On the full index a run of one tick ({ticks[-1]['new']:,} traits) takes {tick:.1f} s of the processor "
        f"and writes {sum(one['written'] for one in ticks) / len(ticks) / 1e6:.1f} MB."
    )
    names = ("day", "remembered", "us a new trait", "reading", "searching", "writing", "MB of state", "MB written")
    return f"{said}\n\n{_table(names, rows)}"


def _each(day: Mapping[str, Any], clock: str) -> float:
    """Microseconds of the processor a new trait."""
    seconds = day["seconds"]
    return float(sum(seconds.values()) if clock == "all" else seconds[clock]) / float(day["new"]) * 1e6


def _by_size(values: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


SECTIONS: dict[str, Callable[[Results], str]] = {
    "goals": _goals,
    "machine": _machine,
    "contest": _contest,
    "stages": _stages,
    "kernels": _kernels,
    "damage": _damage,
    "growth": _growth,
    "latency": _latency,
    "links": _links,
}
