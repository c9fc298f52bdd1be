"""Features that are a sum or a ratio of two."""

import numpy as np

from transforms.features.hours import Hours
from transforms.features.measure import Measure, count, divided, share
from transforms.features.trailing import HOUR_US


def ratios(hours: Hours) -> dict[str, Measure]:
    """The features of schemas.feature that a window's own sums give."""
    day, one = hours.day, hours.one
    tokens, prompts, parameters = day["tokens_known"], day["prompt_known"], day["parameters_known"]
    reasoning = np.minimum(divided(day["reasoning_tokens"], day["output_tokens"]), 1.0)
    missed = np.maximum(1.0 - divided(day["cached_input_tokens"], day["cacheable_input_tokens"]), 0.0)
    return {
        "calls_1h": count(one["calls"], one["calls"]),
        "calls_24h": count(day["calls"], day["calls"]),
        "output_tokens_24h": count(day["output_tokens"], tokens),
        "busy_share_1h": Measure(one["latency_ms"] / (HOUR_US / 1000), one["latency_known"]),
        "out_in_ratio_24h": Measure(divided(day["output_tokens"], day["input_tokens"]), tokens),
        "output_per_call_24h": share(day["output_tokens"], tokens),
        "input_per_call_24h": share(day["input_tokens"], tokens),
        "cache_miss_24h": Measure(missed, day["cached_known"]),
        "truncated_share_24h": share(day["truncated"], day["finish_known"]),
        "reasoning_share_24h": Measure(reasoning, np.where(20 * day["reasoning_known"] >= 19 * tokens, tokens, 0)),
        "temperature_zero_share_24h": share(day["temperature_zero"], parameters),
        "logprob_share_24h": share(day["with_logprobs"], parameters),
        "logit_bias_share_24h": share(day["with_logit_bias"], parameters),
        "one_token_share_24h": share(day["one_token"], parameters),
        "tool_share_24h": share(day["with_tools"], day["tools_known"]),
        "multi_turn_share_24h": share(day["multi_turn"], day["messages_known"]),
        "reasoning_elicited_share_24h": share(day["reasoning_elicited"], prompts),
        "reasoning_tagged_share_24h": share(day["reasoning_tagged"], day["response_known"]),
        "rubric_share_24h": share(day["rubrics"], prompts),
        "grader_share_24h": share(day["grader_shaped"], prompts),
        "system_prompt_asks_24h": count(day["system_prompt_asks"], prompts),
        "refusal_share_24h": share(day["refused"], day["refusal_known"]),
        "refused_then_answered_24h": count(day["answered_after_refusal"], np.minimum(day["refusal_known"], prompts)),
        "error_share_24h": share(day["errors"], day["status_known"]),
        "throttled_share_24h": share(day["throttled"], day["status_known"]),
        "downloads_24h": count(day["download_calls"], day["calls"]),
        "sequential_share_24h": share(day["sequential"], day["numbered"]),
        "bytes_out_24h": count(day["bytes_out"], day["bytes_known"]),
    }
