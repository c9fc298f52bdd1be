"""Campaigns (L2): accounts that share rare keys and are driven as one.

`tie` looks at shared keys one by one, in any number of shards: whose holders have more in common than the key? `step` brings
the tied keys of all shards together into campaigns, and says what those add to the accounts in them.
"""

from transforms.campaigns.base import Base, base_of, facts
from transforms.campaigns.habits import Habits
from transforms.campaigns.state import CampaignState
from transforms.campaigns.step import step
from transforms.campaigns.ties import TieState
from transforms.campaigns.ties import step as tie

__all__ = ["Base", "CampaignState", "Habits", "TieState", "base_of", "facts", "step", "tie"]
