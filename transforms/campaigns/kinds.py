"""Kinds of trait that can tie accounts, and what is summed over the holders of a key."""

from schemas.trait import TRAIT_KINDS

TEXT = tuple(kind.name for kind in TRAIT_KINDS if kind.group == "content")
"""Kinds made of what calls say or offer."""

TIES = (*TEXT, *(kind.name for kind in TRAIT_KINDS if kind.group == "software"))
"""Kinds that can tie accounts: what is said and the software that says it; never network, payment or sign-up alone."""

TURNS = ("visits", "returns", "waits", "wait_squares", "pauses", "pause_squares", "company")
"""Sums over the visits to a key (turns.py): visits, those of accounts that had been there before, the visits that these
waited for and their squares, the minutes and their squares, and how many came in the same tick."""

SUMS = ("accounts", "calls", "squares", "elicited", "output_tokens", "output_known", "aged", "fresh", "cards",
          "known_cards", "several", "carded", "signed", "bursts", "minutes", *TURNS)  # fmt: skip
"""Integers that only add up: the columns of evidence.Stats but is_text."""
