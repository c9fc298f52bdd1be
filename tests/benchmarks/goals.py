"""The goals for speed, and how the measured values stand to them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NOT_MEASURED = "not measured"
_UNEXPLAINED = 0.15
"""Largest part of any point's time that the terms of the growth may leave unexplained, for them to count as named."""

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """One goal: what, the wanted value, the measured one, and whether it is met (empty where it was not measured)."""

    what: str
    wanted: str
    measured: str
    verdict: str


@dataclass(frozen=True)
class _Rule:
    what: str
    wanted: str
    measure: "Measure"


Measure = Callable[[Results], tuple[str, bool | str]]


def goals(results: Results) -> list[Goal]:
    """Every goal; one whose part was not measured says so, and so does one measured at other sizes than the usual."""
    found = []
    for rule in _RULES:
        parts = _Parts(results)
        try:
            measured, is_met = rule.measure(parts)
        except (KeyError, _Missing):
            found.append(Goal(rule.what, rule.wanted, NOT_MEASURED, ""))
            continue
        verdict = is_met if isinstance(is_met, str) else "yes" if is_met else "**no**"
        note = "" if parts.are_usual else " (not at the usual sizes)"
        found.append(Goal(rule.what, rule.wanted, measured, f"{verdict}{note}"))
    return found


class _Parts(dict[str, Any]):
    """What each part measured; remembers whether those that were looked at had the usual sizes."""

    def __init__(self, results: Results) -> None:
        super().__init__({name: part["measured"] for name, part in results.items()})
        self._scales = {name: part["scale"] for name, part in results.items()}
        self.are_usual = True

    def __getitem__(self, name: str) -> Any:
        self.are_usual &= self._scales.get(name, 1) == 1
        return super().__getitem__(name)


class _Missing(Exception):
    """A value a goal needs was not measured."""


def _against(work: str, other: str, least: float, clock: str = "processor") -> Measure:
    def measure(results: Results) -> tuple[str, bool | str]:
        ratio = results["contest"][work]["others"][other]["ratio"][clock]
        return (f"{ratio:.2f}", ratio >= least) if least < 1 else (f"{ratio:.1f} times", ratio >= least)

    return measure


def _real(results: Results) -> tuple[str, bool | str]:
    real = results["kernels"]["real"]
    times = real["polars"]["median"] / real["decode"]["median"]
    return f"{times:.2f} times", times >= 2


def _damaged(kind: str, least: float) -> Measure:
    def measure(results: Results) -> tuple[str, bool | str]:
        kernel, job = results["kernels"]["damaged"][kind], results["damage"][kind]
        share = kernel["clean"]["with_fingerprints"]["median"] / kernel["damaged"]["with_fingerprints"]["median"]
        exact = kernel["exact"] and job["exact"]
        whole = job["ratio"]["processor"]
        said = f"decoding {share:.2f}, whole job {whole:.2f}, {'exact' if exact else 'NOT exact'}"
        return said, exact and share >= least and whole >= least

    return measure


def _fingerprints(characters: str, most: float) -> Measure:
    def measure(results: Results) -> tuple[str, bool | str]:
        each = results["kernels"]["fingerprints"][characters]["median"]
        return f"{each:.1f} us", each <= most

    return measure


def _memory(results: Results) -> tuple[str, bool | str]:
    by_records = {p["records"]: p["megabytes"] for p in results["growth"]["points"] if p["dimension"] == "events"}
    if not {2_000_000, 20_000_000} <= set(by_records):
        raise _Missing
    large, small = by_records[20_000_000], by_records[2_000_000]
    return f"{large / small:.2f} times, {large:,.0f} MiB", large <= 1.3 * small and large < 2 * 2**10


def _flat(dimension: str) -> Measure:
    def measure(results: Results) -> tuple[str, bool | str]:
        each = [p["microseconds"] for p in results["growth"]["points"] if p["dimension"] == dimension]
        if len(each) < 2:
            raise _Missing
        grown = each[-1] / each[0] - 1
        said = f"{min(each):.1f} to {max(each):.1f} us, {grown:+.0%} from least to most {dimension}"
        if max(each) <= 1.15 * each[0]:
            return said, True
        fit = results["growth"]["fit"]
        return said, "named" if fit["largest_error"] <= _UNEXPLAINED else False

    return measure


def _latency(results: Results) -> tuple[str, bool | str]:
    slowest = {
        kind: max(
            each["after_start"]
            for name, each in results["latency"]["questions"].items()
            if name.startswith(kind) and "after_start" in each
        )
        for kind in ("query", "explain")
    }
    said = ", ".join(f"{kind} at most {seconds:.2f} s" for kind, seconds in slowest.items())
    return said, max(slowest.values()) < 1


def _links(results: Results) -> tuple[str, bool | str]:
    links = results["links"]
    said = f"{links['processor'] / 60:.1f} min of a processor, {links['megabytes']:,.0f} MiB"
    return said, links["processor"] < 2 * 10 * 60 and links["megabytes"] < 4 * 2**10


def _links_flat(results: Results) -> tuple[str, bool | str]:
    days = results["links"]["points"]
    each = [sum(day["seconds"].values()) / day["new"] * 1e6 for day in days]
    return f"{each[0]:.2f} us on the first day, {each[-1]:.2f} on the last", each[-1] <= 1.15 * each[0]


def _rules() -> Iterator[_Rule]:
    whole = "canonical records, whole job, processor a record"
    yield _Rule(f"{whole}: speed against the Polars script", ">= 0.25", _against("canonical", "Polars script", 0.25))
    yield _Rule(f"{whole}: against DuckDB", ">= 0.20", _against("canonical", "DuckDB SQL", 0.20))
    beam = _against("beam", "Beam pipeline, a call an element", 8, "wall")
    yield _Rule("the same by the clock, against Beam a call at a time", ">= 8 times", beam)
    text = _against("litellm", "Polars script", 0.60)
    yield _Rule("LiteLLM with full text, against the Polars script that reads the text", ">= 0.60", text)
    yield _Rule("real LiteLLM payloads of 12 KB: decoding, against Polars' reader", ">= 2 times", _real)
    yield _Rule("0.1 % damaged lines, canonical: share of clean speed", "exact, >= 0.35", _damaged("canonical", 0.35))
    yield _Rule("0.1 % damaged lines, LiteLLM: share of clean speed", "exact, >= 0.9", _damaged("litellm", 0.9))
    yield _Rule("fingerprints of 200 characters", "<= 4 us", _fingerprints("200", 4))
    yield _Rule("fingerprints of 2,000 characters", "<= 15 us", _fingerprints("2000", 15))
    honeypot = _against("honeypot", "honeypotllm 0.1.3", 5, "wall")
    yield _Rule("against honeypotllm, same events, by the clock", ">= 5 times", honeypot)
    yield _Rule("peak memory, 20 M events against 2 M", "<= 1.3 times, < 2 GiB", _memory)
    for dimension in ("events", "accounts", "days"):
        yield _Rule(f"processor a record as {dimension} grow", "<= 15 % more, or the term named", _flat(dimension))
    yield _Rule("shared keys of 100 M traits of 1 M accounts", "minutes on 2 processors, < 4 GiB", _links)
    yield _Rule("the same, a new trait as history grows", "<= 15 % more", _links_flat)
    yield _Rule("`query` and `explain`, a million accounts, after start-up", "< 1 s", _latency)


_RULES = tuple(_rules())
