"""What a log cannot show, in words."""

from schemas.event import Presence

LACKS = {
    Presence.TOKENS: "no token counts: output against input, lengths and volume in tokens",
    Presence.CACHED_TOKENS: "no cached tokens: broken prompt caches",
    Presence.REASONING_TOKENS: "no reasoning tokens, no response text: whether long answers were written or thought",
    Presence.MESSAGES: "no message counts: single questions against conversations brought along",
    Presence.LATENCY: "no latency: calls in flight",
    Presence.STATUS: "no status: throttling",
    Presence.FINISH: "no finish reason: truncated answers",
    Presence.PARAMETERS: "no sampling parameters: log-probabilities, logit bias, one-token calls",
    Presence.PROMPT: "no prompt text: templates, novelty, elicitation, languages, requests for the system prompt",
    Presence.RESPONSE: "no response text: reasoning tags in answers",
    Presence.REFUSAL: "no refusals: search for a bypass",
    Presence.ADDRESS: "no address: networks behind the account",
    Presence.COST: "no cost: value drawn",
    Presence.BYTES: "no bytes sent: size of downloads",
    Presence.HANDLES: "no reasoning handles: replay across accounts",
    Presence.OBJECT: "no object names: downloads and enumeration",
}
"""Group of fields -> what cannot be judged without it; groups that no evidence needs are left out."""


def blind_spots(presence: int) -> list[str]:
    """One line for each group of fields the presence bits lack, in a fixed order.

    >>> blind_spots(int(Presence.PROMPT | Presence.TOKENS))[0]
    'no cached tokens: broken prompt caches'
    """
    if presence & Presence.RESPONSE:  # the text of an answer says how much of it was written, too
        presence |= Presence.REASONING_TOKENS
    return [line for group, line in LACKS.items() if not presence & group]
