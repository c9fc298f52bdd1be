"""What is said of a ring: its id, its one signal, the hits of its accounts, and these beside those of other campaigns."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Any

import polars as pl

from schemas.hit import CAMPAIGN_RULE, HIT
from transforms.campaigns.wording import detail

HANDLE, PASTED, GAVE = "handle_used", "answer_pasted", "gave"
"""How an account has to do with what came back: it sent it in (kinds of FOREIGN, besides `answer_carried`), or its handle was."""

MOST_LINKED = 20
"""As many linked accounts as a hit lists (HIT.linked_account_ids)."""

Row = dict[str, Any]


def ids(key: int) -> Iterator[str]:
    """Ids of a ring founded by a handle: the first that no ring had."""
    for turn in count():
        yield "c-" + blake2b(f"ring\n{key}\n{turn or ''}".encode(), digest_size=8).hexdigest()


def ring_kind(kinds: Sequence[str]) -> str:
    """What a ring is, as the cards of the rules that flag its accounts: of answers in prompts alone a harvest, else a relay.

    >>> ring_kind(["answer_pasted"]), ring_kind(["answer_carried", "answer_pasted"])
    ('distillation', 'relay')
    """
    return "distillation" if list(kinds) == [PASTED] else "relay"


def is_counted(kind: str, kinds: Sequence[str]) -> bool:
    """Whether a ring that these kinds tie is measured by one of them: by handles where there are any, else by answers."""
    return (kind == HANDLE) == (HANDLE in kinds)


def ring_signal(most: float, points: float, kinds: Sequence[str]) -> Row:
    """The one reason of a ring, of SIGNAL_TYPE.

    Args:
        most: the most handles, else answers, that went round in it within 24 hours.
        points: what that counts.
        kinds: what ties it.
    """
    of_handles = HANDLE in kinds
    return {
        "signal": "handle_ring" if of_handles else "answer_ring",
        "layer": "L2",
        "family": "identity",
        "observed": most,
        "expected": 0.0,
        "peers": None,
        "tail": round(10.0**-points, 9),
        "points": points,
        "detail": _HANDLES if of_handles else _ANSWERS,
    }


_HANDLES = "distinct reasoning handles, issued to another account, that the accounts redeemed within 24 hours"
_ANSWERS = "distinct answers, given to another account alone, that the accounts sent in within 24 hours"


def ring_hit(
    ring: Mapping[str, Any], account_hash: int, account_id: str, tick: datetime, expected: float, left: Sequence[str]
) -> Row:
    """An account's HIT row: which ring it is of, and who else; no points, and for review, for the rule says how sure it is.

    Args:
        ring: the CAMPAIGN row.
        account_hash: of the account.
        account_id: the account.
        tick: start of the tick.
        expected: threshold of the rule.
        left: rings that fell apart and left the account to this one.
    """
    others = [other for other in ring["account_ids"][: MOST_LINKED + 1] if other != account_id]
    return {
        "account_id": account_id,
        "account_hash": account_hash,
        "tick": tick,
        "rule": CAMPAIGN_RULE,
        "observed": 0.0,
        "expected": expected,
        "detail": detail(ring),
        "linked_account_ids": others[:MOST_LINKED],
        "sample_event_ids": [],
        "campaign_id": ring["campaign_id"],
        "campaign_ids": [ring["campaign_id"]],
        "left_campaign_ids": list(left),
        "tier": "review",
        "kind": ring["kind"],
        "signals": [],
    }


def with_rings(hits: pl.DataFrame, of_rings: pl.DataFrame) -> pl.DataFrame:
    """The hits of campaigns and of rings, one an account and tick: what a campaign says, and the ids of both."""
    if of_rings.is_empty():
        return hits
    at = ["account_id", "tick"]
    ids = of_rings.select(*at, ring_ids="campaign_ids", left_ids="left_campaign_ids")
    both = hits.join(ids, on=at, how="left", maintain_order="left").with_columns(
        _all_of("campaign_ids", "ring_ids"), _all_of("left_campaign_ids", "left_ids")
    )
    return HIT.conform(pl.concat([both.select(HIT.columns), of_rings.join(hits, on=at, how="anti")]))


def _all_of(ours: str, theirs: str) -> pl.Expr:
    return pl.concat_list(ours, pl.col(theirs).fill_null([])).list.unique().list.sort().alias(ours)
