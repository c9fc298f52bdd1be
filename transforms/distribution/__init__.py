"""The distribution test (L3): what an account's calls look like together, against what those of its peers look like.

`step` turns sampled calls into vectors by hour and over 24 hours, a day's learning makes references of them,
`measured` says how far accounts lie from their peers, `campaigns_tested` the same of a campaign's accounts, and `trailing` sums past hours again.
"""

from transforms.distribution.measuring import measured, pooled, references
from transforms.distribution.state import ClosedVectors, DistributionState, OpenVectors
from transforms.distribution.step import step, still_open, trailing
from transforms.distribution.together import campaigns_tested

__all__ = [
    "ClosedVectors",
    "DistributionState",
    "OpenVectors",
    "campaigns_tested",
    "measured",
    "pooled",
    "references",
    "step",
    "still_open",
    "trailing",
]
