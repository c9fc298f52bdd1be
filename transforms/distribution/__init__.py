"""The distribution test (L3): what an account's calls look like together, against what those of its peers look like.

`step` turns sampled calls into vectors by hour and over 24 hours, a day's learning makes references of them,
`measured` says how far accounts lie from their peers, `campaigns_tested` the same of a campaign's accounts, and `trailing` sums past hours again.
`carried_by` takes out of a snapshot what another one can be `pinned` to.
"""

from transforms.distribution.carrying import CarriedReference, carried_by, fault_of, pinned, recipe
from transforms.distribution.measuring import measured, pooled, references
from transforms.distribution.state import ClosedVectors, DistributionState, OpenVectors
from transforms.distribution.step import step, still_open, trailing
from transforms.distribution.together import campaigns_tested

__all__ = [
    "CarriedReference",
    "ClosedVectors",
    "DistributionState",
    "OpenVectors",
    "campaigns_tested",
    "carried_by",
    "fault_of",
    "measured",
    "pinned",
    "pooled",
    "recipe",
    "references",
    "step",
    "still_open",
    "trailing",
]
