"""An account in numbers, as of the end of every hour in which it called."""

from transforms.features.step import FeatureState, step, still_open

__all__ = ["FeatureState", "step", "still_open"]
