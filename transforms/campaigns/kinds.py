"""Kinds of trait that can tie accounts, and what is summed over the holders of a key."""

from schemas.trait import TRAIT_KINDS

Key = tuple[str, int]
"""Kind and key of a trait."""

TEXT = tuple(kind.name for kind in TRAIT_KINDS if kind.group == "content")
"""Kinds made of what calls say or offer."""

PIECES = ("head", "tail", "line", "shingle")
"""Kinds made of pieces of prompts."""

ASKED = (*PIECES, "system")
"""The same and system prompts: an instruction stands in the one or the other."""

BROUGHT = ("system", "tools")
"""Those of them that software sends of itself: whoever runs it says the same."""

ANYBODYS = "agent"
"""Kind of key that anybody may send: a user agent names a public tool, of which two pools may use the same."""

PAYER = "payer"
"""The kind made of who pays."""

SOFTWARE = tuple(kind.name for kind in TRAIT_KINDS if kind.group == "software")
"""Kinds made of the program that calls."""

ROVING = {kind: f"roving_{kind}" for kind in SOFTWARE}
"""By kind of software, the kind of the same key where accounts that move on to a new network every day send it (chosen.py)."""

LEANING = {kind: f"leaning_{kind}" for kind in SOFTWARE}
"""The same where accounts send it whose days look most like a harvest."""

CHOSEN = (*ROVING.values(), *LEANING.values())
"""Kinds of keys of which only some holders were chosen."""

TIES = (*TEXT, *SOFTWARE, *CHOSEN, PAYER)
"""Kinds that can tie accounts: what is said, the software that says it, and who pays for it; never network or sign-up alone."""

VISITS = ("visits", "returns", "waits", "wait_squares", "pauses", "pause_squares", "company")
"""Sums over the visits to a key (turns.py): visits, those of accounts that had been there before, the visits that these
waited for and their squares, the minutes and their squares, and how many came in the same tick."""

SITTINGS = tuple(f"sitting_{name}" for name in VISITS)
"""The same where who comes back within `campaigns.turns_apart` has not been away."""

TURNS = (*VISITS, *SITTINGS)
"""All sums over visits."""

SUMS = ("accounts", "calls", "squares", "elicited", "output_tokens", "output_known", "aged", "fresh", "aged_customers", "fresh_parts",
          "cards", "known_cards", "several", "carded", "signed", "bursts", "staying", "moving",
          "timed", "sleepless", "placed", "leaning", "minutes", *TURNS)  # fmt: skip
"""Integers that only add up: what evidence.Stats is made of (`fresh_parts` are parts of customers, customers_age.py)."""
