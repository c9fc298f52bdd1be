"""Evidence in plain sentences; numbers and the project's own words only, nothing a user wrote."""

from collections.abc import Sequence

from schemas.feature import FEATURE
from transforms.findings.hourly import Signal

_MOST = 12
"""As many sentences as a person reads; signals are all kept as data."""


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
    """One sentence a signal, in their order."""
    return [_reason(signal) for signal in signals[:_MOST]]


def would_clear(signals: Sequence[Signal], contract: str | None) -> list[str]:
    """What would have cleared the account: each signal's bound, a contract, a verdict.

    Args:
        signals: strongest first.
        contract: what the accounts file says of the account's contract, None if nothing.
    """
    lines = [line for line in (_bound(signal) for signal in signals[:_MOST]) if line]
    filed = "none is on file" if contract is None else "the one on file does not"
    return [
        *lines,
        f"a contract that permits it (policy: allow.contracts); {filed}",
        "a verdict of benign or false_positive",
    ]


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
    side = "above" if _is_low(signal) else "below"
    if signal["layer"] == "L2":
        return (
            f"its campaign's accounts turning out not to belong together in {signal['signal']}: {number(signal['observed'])}, "
            f"where unrelated accounts show {number(signal['expected'])}; see `stillwatch campaigns`"
        )
    return f"{signal['signal']} {side} {number(signal['expected'])}{_unit(signal)}"


def _is_low(signal: Signal) -> bool:
    observed, expected = signal["observed"], signal["expected"]
    return observed is not None and expected is not None and observed < expected


def _unit(signal: Signal) -> str:
    feature = FEATURE.get(signal["signal"])
    return f" {feature.unit}" if feature is not None and feature.unit not in ("share", "ratio") else ""
