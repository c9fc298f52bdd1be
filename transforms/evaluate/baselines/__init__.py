"""What simpler or published methods find on the same stream: each takes a lake's tables and scores accounts over time.

A baseline sees what a detector sees, never the truth. Its threshold is set elsewhere: on the honest accounts of another
world (`threshold`), at the rate of false alarms that stillwatch is allowed.
"""

from collections.abc import Callable

import polars as pl

from transforms.evaluate.baselines.comparing import ALLOWED, compared, threshold
from transforms.evaluate.baselines.distribution import mmd_windows
from transforms.evaluate.baselines.networks import shared_networks
from transforms.evaluate.baselines.prada import prada
from transforms.evaluate.baselines.tables import CALL_COLUMNS, SCORED, Tables, scored
from transforms.evaluate.baselines.trees import trees_only
from transforms.evaluate.baselines.windows import robust_z, template_share, volume

BASELINES: dict[str, Callable[[Tables], pl.DataFrame]] = {
    "volume: calls in 24 h": volume,
    "volume: robust z among peers": robust_z,
    "share of the commonest template": template_share,
    "half-space trees alone": trees_only,
    "PRADA on sketches": prada,
    "MMD of windows": mmd_windows,
    "accounts tied by networks": shared_networks,
}
"""Name -> method; every method gives rows of SCORED."""

__all__ = [
    "ALLOWED", "BASELINES", "CALL_COLUMNS", "SCORED", "Tables", "compared", "mmd_windows", "prada", "robust_z", "scored",
    "shared_networks", "template_share", "threshold", "trees_only", "volume",
]  # fmt: skip
