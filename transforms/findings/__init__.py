"""Findings: from scores and hits to flagged accounts, each with its reasons, and their revisions.

`step` gives SCORE and FINDING rows, `provisional` the accounts that an open hour would flag, `review_list` what a person
should look at.
"""

from transforms.findings.calibration import Calibration
from transforms.findings.reviewing import review_list, standing
from transforms.findings.state import FindingsState
from transforms.findings.step import Inputs, Judge, linked_accounts, open_accounts, provisional, step

__all__ = [
    "Calibration",
    "FindingsState",
    "Inputs",
    "Judge",
    "linked_accounts",
    "open_accounts",
    "provisional",
    "review_list",
    "standing",
    "step",
]
