"""From events in any order to what each account did in each tick: ordered, each call once, counted."""

from transforms.order.sequence import Sequenced, in_order
from transforms.order.step import Ordered, OrderState, step

__all__ = ["OrderState", "Ordered", "Sequenced", "in_order", "step"]
