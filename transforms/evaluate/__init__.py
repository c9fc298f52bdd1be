"""How good a lake's findings are, held against the truth of its world; frames in, frames out."""

from transforms.evaluate.rates import Rate, by_archetype, curve, overall, wilson

__all__ = ["Rate", "by_archetype", "curve", "overall", "wilson"]
