"""Links: what one account's traffic says about another's; by trait key, so that keys can be spread over shards."""

from transforms.links import postings, replay
from transforms.links.compact import Compact
from transforms.links.postings import PostingState, Table
from transforms.links.replay import LinkState
from transforms.links.segments import Names, Segment

__all__ = ["Compact", "LinkState", "Names", "PostingState", "Segment", "Table", "postings", "replay"]
