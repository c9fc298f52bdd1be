"""Findings: from scores and hits to flagged accounts, each with its reasons, and their revisions.

`step` gives SCORE and FINDING rows, `still_open` what the open hour would add, `open_findings` those that stand, and
`review_list` what a person should look at.
"""

from transforms.findings.calibration import Calibration
from transforms.findings.reviewing import open_findings, review_list, standing
from transforms.findings.state import FindingsState
from transforms.findings.step import Inputs, Judge, step, still_open

__all__ = [
    "Calibration",
    "FindingsState",
    "Inputs",
    "Judge",
    "open_findings",
    "review_list",
    "standing",
    "step",
    "still_open",
]
