"""Evidence in plain sentences; numbers and the project's own words only, nothing a user wrote."""

from collections.abc import Sequence

from schemas.feature import FEATURE
from transforms.findings.hourly import Signal

_MOST = 12
"""As many sentences as a person reads; signals are all kept as data."""

_SAYS_LITTLE = 0.1
"""Share of honest accounts or groups with as much, above which a signal is no reason to tell where there is a stronger one."""

_ASK = {
    "load": "what deals its campaign's calls out so evenly: one customer's scheduler, a class or course on a timetable",
    "rhythm": "what lets its campaign's accounts take turns: one customer's scheduler or key rotation",
    "age": "the event, class or sale through which its campaign's accounts signed up",
    "payment": "one customer behind the payment instruments that pay for several of its campaign's accounts",
    "content": "the duty, product or contract for which its campaign's calls ask for reasoning, grades or long answers",
    "software": "the published program that sends what its campaign's accounts share",
    "network": "the service whose addresses its campaign's accounts call from, such as cloud jobs on fresh machines",
    "hours": "what its campaign's accounts do at night: services of customers all over the world, monitors",
    "identity": "one owner of the accounts that redeem each other's handles",
}
"""By family of what speaks for a campaign: what a person can ask the owners for, or look up on file."""


def number(value: float) -> str:
    """A number as a person writes it.

    >>> number(0.98123), number(20000.0), number(3.0)
    ('0.981', '20,000', '3')
    """
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share(value: float) -> str:
    """A share of accounts as a person says it.

    >>> share(0.25), share(0.01), share(0.001)
    ('1 in 4', '1 in 100', '1 in 1,000')
    """
    return f"1 in {round(1.0 / value):,}"


def reasons(signals: Sequence[Signal]) -> list[str]:
    """One sentence a signal, in their order; left out is what says little where something says more."""
    return [_reason(signal) for signal in _told(signals)]


def sentences(signals: Sequence[Signal]) -> list[str]:
    """One sentence for each of the strongest signals, in their order, whatever they say."""
    return [_reason(signal) for signal in signals[:_MOST]]


def would_clear(signals: Sequence[Signal], contract: str | None) -> list[str]:
    """What would have cleared the account: the bound of each signal that is told, what explains its campaign, a contract, a verdict.

    Args:
        signals: strongest first.
        contract: what the accounts file says of the account's contract, None if nothing.
    """
    lines = list(dict.fromkeys(line for line in map(_bound, _told(signals)) if line))
    filed = "none is on file" if contract is None else "the one on file does not"
    return [
        *lines,
        f"a contract that permits it (policy: allow.contracts); {filed}",
        "a verdict of benign or false_positive",
    ]


def _told(signals: Sequence[Signal]) -> list[Signal]:
    """The signals that a person is told of; properties of a shape are common alone, and stay together."""
    return [
        signal
        for place, signal in enumerate(signals)
        if place == 0 or signal["layer"] == "L0" or signal["tail"] is None or signal["tail"] <= _SAYS_LITTLE
    ][:_MOST]


def _reason(signal: Signal) -> str:
    if signal["layer"] == "L0":
        return f"{signal['signal']}: {signal['detail']} (threshold {number(signal['expected'])})"
    parts = [f"{signal['signal']} is {number(signal['observed'])}{_unit(signal)}"]
    if signal["peers"] is not None:
        parts.append(f"peers' median {number(signal['peers'])}")
    elif signal["family"] == "change":
        parts.append(f"before {number(signal['expected'])}")
    if signal["tail"] is not None:
        parts.append(f"{share(signal['tail'])} benign {'groups' if signal['layer'] == 'L2' else 'accounts'}")
    return f"{', '.join(parts)}: {signal['detail']}"


def _bound(signal: Signal) -> str | None:
    if signal["expected"] is None or signal["family"] == "change":
        return None
    if signal["layer"] in ("L1", "L3") and signal["signal"] not in FEATURE:
        return None  # a distance or a tree's depth: nothing of it is known but how far it is
    side = "above" if _is_low(signal) else "below"
    if signal["layer"] == "L2":
        what = _ASK.get(signal["family"], "the owner, contract or program that its campaign's accounts have in common")
        return f"{what}; see `stillwatch campaigns`"
    return f"{signal['signal']} {side} {number(signal['expected'])}{_unit(signal)}"


def _is_low(signal: Signal) -> bool:
    observed, expected = signal["observed"], signal["expected"]
    return observed is not None and expected is not None and observed < expected


def _unit(signal: Signal) -> str:
    feature = FEATURE.get(signal["signal"])
    return f" {feature.unit}" if feature is not None and feature.unit not in ("share", "ratio") else ""
