"""The adapters read what the simulator writes, and both formats tell the same."""

from typing import Any

import msgspec
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from schemas.policy import Policy, SourceRule
from transforms.ingest.adapter import Block, Context, Decoded
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS, choose
from transforms.simulate import World, canonical_lines, litellm_lines

CONTEXT = Context("source", "world.jsonl", SourceRule(), Policy(), FingerprintKey(bytes(32)))
SAME = (
    *("event_id", "time", "start_time", "account_id", "api_key_id", "end_user", "conversation", "network_prefix"),
    *("user_agent", "client_fingerprint", "operation", "object", "model_requested", "http_status", "finish_reason"),
    *("cached_input_tokens", "reasoning_tokens", "temperature", "n_choices", "max_tokens", "top_logprobs"),
    *("logit_bias_keys", "response_format", "stream", "prompt_digest", "system_digest", "head_key", "tail_key"),
    *("response_digest", "language", "elicits_reasoning", "has_rubric", "asks_system_prompt", "has_reasoning_tags"),
)


def lines(world: World, name: str) -> bytes:
    return canonical_lines(world.events, with_text=True) if name == "canonical" else litellm_lines(world.events)


@pytest.fixture(scope="module")
def decoded(world: World) -> dict[str, Decoded]:
    """The small world's log in both formats, as the adapters read it."""
    return {n: ADAPTERS[n].decode(Block(lines(world, n), 0, 1, "lines"), CONTEXT) for n in ("canonical", "litellm")}


@pytest.mark.parametrize("name", ["canonical", "litellm"])
def test_every_line_is_an_event_without_unknown_fields(name: str, decoded: dict[str, Decoded], world: World) -> None:
    denied = world.events.filter(pl.col("http_status") == 403).height if name == "litellm" else 0
    read = decoded[name]
    assert (read.events.height, read.rejects.height, sum(read.ignored.values())) == (len(world) - denied, 0, denied)
    assert read.unknown_fields == {}


@pytest.mark.parametrize("name", ["canonical", "litellm"])
def test_the_format_is_recognised(name: str, world: World) -> None:
    assert choose(lines(world, name)[:65_536], "world.jsonl")[0].name == name


def test_both_formats_tell_the_same_of_a_call(decoded: dict[str, Decoded]) -> None:
    accounts = decoded["litellm"].events.select("event_id")
    canonical = decoded["canonical"].events.join(accounts, on="event_id", how="semi")
    first, second = (f.sort("event_id").select(SAME) for f in (canonical, decoded["litellm"].events))
    # A download has no parameters in LiteLLM's log, and no prompt.
    assert_frame_equal(first, second)


def test_a_payload_has_the_fields_of_a_real_one(world: World, shared_data: Any) -> None:
    sample = (shared_data / "log_samples" / "litellm" / "generic_api_posts.jsonl").read_bytes().splitlines()
    real = [payload for post in sample for payload in msgspec.json.decode(post)]
    ours = [msgspec.json.decode(line) for line in litellm_lines(world.events).splitlines()]
    for part in (None, "metadata", "error_information"):
        known = {name for payload in real for name in (payload if part is None else payload[part])}
        used = {name for payload in ours for name in (payload if part is None else payload[part])}
        assert used <= known, part


def test_a_world_without_text_writes_no_text_fields(world: World) -> None:
    line = msgspec.json.decode(canonical_lines(world.events, with_text=False).splitlines()[0])
    assert {"system", "prompt", "response"}.isdisjoint(line)
