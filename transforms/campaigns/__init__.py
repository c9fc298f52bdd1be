"""Campaigns (L2): accounts that share rare keys and are driven as one.

`tie` looks at shared keys one by one, in any number of shards: whose holders have more in common than the key? `step` brings
the tied keys of all shards together into campaigns, and says what those add to the accounts in them. `ring` does the same with
accounts that send in each other's reasoning handles and answers.
"""

from transforms.campaigns.base import Base, base_of, facts
from transforms.campaigns.customers import but_among_customers
from transforms.campaigns.habits import Habits
from transforms.campaigns.ring_rows import with_rings
from transforms.campaigns.ring_state import RingState
from transforms.campaigns.rings import step as ring
from transforms.campaigns.state import CampaignState
from transforms.campaigns.step import step
from transforms.campaigns.ties import TieState
from transforms.campaigns.ties import step as tie

__all__ = [
    "Base", "CampaignState", "Habits", "RingState", "TieState", "base_of", "but_among_customers", "facts", "ring", "step", "tie", "with_rings",
]  # fmt: skip
