"""An account in numbers, as of the end of every hour in which it called."""

from transforms.features.state import ClosedHours, FeatureState, OpenHours
from transforms.features.step import step, still_open

__all__ = ["ClosedHours", "FeatureState", "OpenHours", "step", "still_open"]
