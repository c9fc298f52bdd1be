"""Hunting: what is known now, held against what accounts did before it was known.

`known_accounts` says who is known, `carried` which of their keys are theirs, `holders` who else showed these; `gathered`
makes HUNT rows of that and of what later models say.
"""

from transforms.hunting.carrying import CARRIED, KNOWN, SHOWN, Held, carried, holders, known_accounts
from transforms.hunting.gathering import Hunt, Live, gathered

__all__ = ["CARRIED", "KNOWN", "SHOWN", "Held", "Hunt", "Live", "carried", "gathered", "holders", "known_accounts"]
