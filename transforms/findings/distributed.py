"""What the distribution test adds to an hour's score, and how many account-days of peers were as far away."""

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.policy import Policy
from schemas.score import SIGNAL_TYPE
from transforms.findings.calibration import Calibration, p_values

SIGNAL = "distribution"

_HOUR = ["account_id", "window_end"]
_HALF = 0.5
"""A distance that every second benign account has says nothing."""

_SIGNAL = pl.Struct(pl.Schema(pa.schema(list(SIGNAL_TYPE))))
_FAR = "The calls of the last 24 hours together lie far from those of the peers{}; two of them are {} alike than two of a peer's."


def distribution_scores(
    tested: pl.DataFrame, scored: pl.DataFrame, calibration: Calibration, policy: Policy
) -> pl.DataFrame:
    """The L3 columns of SCORE for the hours that were looked at, and what they are made of.

    Args:
        tested: TESTED rows.
        scored: SCORED rows of the same hours.
        calibration: day maxima of excesses.
        policy: evidence.family_floor, rates.review.

    Returns:
        account_id, window_end, l3_score, l3_excess, l3_p_value, l3_regime, and l3_size (account-days in the reference),
        l3_abstained (why it was not tested, null if it was), l3_signals (null where nothing is said).
    """
    rows = tested.join(scored.select(*_HOUR, "peer_group"), on=_HOUR).sort(_HOUR)
    told = rows.filter(pl.col("excess").is_not_null())
    tail = np.maximum(told["tail"].to_numpy(), policy.evidence.family_floor)
    points = np.where(tail < _HALF, np.round(-np.log10(tail), 6), 0.0)
    told = p_values(told.with_columns(day_maximum="excess"), calibration, policy).select(
        *_HOUR,
        l3_score=pl.Series(points),
        l3_p_value="p_value",
        l3_size="reference_size",
        l3_signals=pl.when(pl.Series(points) > 0).then(
            pl.concat_list(_signal(pl.Series(tail), pl.Series(points)).cast(_SIGNAL))
        ),
    )
    return rows.select(*_HOUR, l3_excess="excess", l3_regime="regime", l3_abstained="abstained_because").join(
        told, on=_HOUR, how="left", maintain_order="left"
    )


def with_signals(hours: pl.DataFrame) -> pl.DataFrame:
    """The hours with `l3_signals` among their `signals`, strongest first."""
    says = pl.col("l3_signals").is_not_null()
    by_points = pl.element().sort_by(pl.element().struct.field("points"), descending=True, maintain_order=True)
    said = hours.filter(says).with_columns(signals=pl.concat_list("signals", "l3_signals").list.eval(by_points))
    return pl.concat([hours.filter(~says), said])


def _signal(tail: pl.Series, points: pl.Series) -> pl.Expr:
    pinned = pl.format(" in the pinned reference {}", "origin").fill_null("")
    how = pl.when(pl.col("alike") >= pl.col("peers_alike")).then(pl.lit("more")).otherwise(pl.lit("less"))
    return pl.struct(
        signal=pl.lit(SIGNAL),
        layer=pl.lit("L3"),
        family=pl.lit(SIGNAL),
        observed=pl.col("distance"),
        expected=pl.col("median"),
        peers=pl.col("median"),
        tail=tail,
        points=points,
        detail=pl.format(_FAR, pinned, how),
    )
