"""The audit of a closed day: Great Expectations suites derived from the contracts, and comparison with earlier days.

Loading Great Expectations takes two seconds and a quarter of a gigabyte, so it is loaded by the first `audit` or by `prepare`, not by
importing this room.
"""

from transforms.quality.facts import DayFacts, facts_of
from transforms.quality.gate import audit, audit_facts, is_fit_for_learning, prepare
from transforms.quality.suite import Expectation, Suite, contract_suite, history_suite

__all__ = [
    "DayFacts",
    "Expectation",
    "Suite",
    "audit",
    "audit_facts",
    "contract_suite",
    "facts_of",
    "history_suite",
    "is_fit_for_learning",
    "prepare",
]
