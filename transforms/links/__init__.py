"""Links: what one account's traffic says about another's; by trait key, so that keys can be spread over shards."""

from transforms.links.replay import LinkState, step

__all__ = ["LinkState", "step"]
