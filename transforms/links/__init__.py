"""Links: what one account's traffic says about another's; by trait key, so that keys can be spread over shards."""

from transforms.links import postings, replay, reuse
from transforms.links.compact import COME_BACK, Compact
from transforms.links.postings import PostingState, Table
from transforms.links.replay import LinkState
from transforms.links.reuse import AnswerState
from transforms.links.segments import Names, Segment

__all__ = [
    "COME_BACK",
    "AnswerState",
    "Compact",
    "LinkState",
    "Names",
    "PostingState",
    "Segment",
    "Table",
    "postings",
    "replay",
    "reuse",
]
