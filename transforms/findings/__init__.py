"""Findings: from scores and hits to flagged accounts, each with its reasons, and their revisions.

`step` gives SCORE and FINDING rows, `still_open` what the open hour would add, `open_findings` those that stand,
`review_list` what a person should look at, `reconcile` what a rebuild has to say anew, and `compared` in what two histories
differ. `rescored` judges past hours by a later snapshot. Of tallies COLUMNS are read.
"""

from transforms.findings.calibration import Calibration, least_size
from transforms.findings.comparing import compared, compared_campaigns, flags
from transforms.findings.reconciling import by_finding, reconcile, standing_revisions
from transforms.findings.rescoring import rescored
from transforms.findings.reviewing import RESOLVES, open_findings, review_list, standing, suppressed
from transforms.findings.state import FindingsState
from transforms.findings.step import COLUMNS, Inputs, Judge, step, still_open

__all__ = [
    "COLUMNS",
    "RESOLVES",
    "Calibration",
    "FindingsState",
    "Inputs",
    "Judge",
    "by_finding",
    "compared",
    "compared_campaigns",
    "flags",
    "least_size",
    "open_findings",
    "reconcile",
    "rescored",
    "review_list",
    "standing",
    "standing_revisions",
    "step",
    "still_open",
    "suppressed",
]
