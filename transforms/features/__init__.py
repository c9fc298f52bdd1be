"""An account in numbers, as of the end of every hour in which it called."""

from transforms.features.state import FeatureState
from transforms.features.step import step, still_open

__all__ = ["FeatureState", "step", "still_open"]
