"""Why signals could not look: one line a group of missing fields, or a missing number of calls or peers."""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.event import Presence
from schemas.feature import FEATURES
from schemas.policy import Policy
from schemas.presence import blind_spots
from transforms.detectors.peers import Peers
from transforms.detectors.registry import shapes

I64 = npt.NDArray[np.int64]


def reasons(presence: I64, calls: I64, peers: Peers, policy: Policy) -> pl.Series:
    """A list of lines for each window of one peer group; windows are few in kind, so each kind is worded once.

    Args:
        presence: bits of what the day's calls could carry.
        calls: calls in 24 hours.
        peers: whom the group is compared with.
        policy: rates.l1_least_calls.
    """
    needed = np.int64(int(_needed()))
    least = sorted({f.least_calls for f in FEATURES if f.least_calls > policy.rates.l1_least_calls})
    bands = np.searchsorted(np.array([policy.rates.l1_least_calls, *least]), calls, side="right")
    kinds, which = np.unique(np.stack([presence & needed, bands]), axis=1, return_inverse=True)
    worded = [_lines(int(bits), int(band), least, peers, policy) for bits, band in zip(kinds[0], kinds[1], strict=True)]
    return pl.Series("abstained_because", worded, dtype=pl.List(pl.String)).gather(which.reshape(-1))


def _lines(bits: int, band: int, least: list[int], peers: Peers, policy: Policy) -> list[str]:
    if band == 0:
        return [f"fewer than {policy.rates.l1_least_calls} calls in 24 h: shares are noise"]
    lines = blind_spots(bits)
    for number, calls in enumerate(least, start=1):
        if band <= number:
            names = sorted(f.name for f in FEATURES if f.least_calls == calls and f.suspicious != "none")
            lines.append(f"fewer than {calls} calls in 24 h: {', '.join(names)}")
    if not peers.ranks:
        lines.append("no peers yet: features without a shipped prior")
    if peers.trees is None or peers.forest is None:
        lines.append("no trees yet: features that are rare only together")
    return lines


def _needed() -> Presence:
    needs = Presence(0)
    for feature in FEATURES:
        if feature.suspicious != "none":
            needs |= feature.needs
    for shape in shapes():
        needs |= shape.card.needs
    return needs | Presence.HANDLES | Presence.OBJECT | Presence.REASONING_TOKENS  # the last: shapes see more with it
