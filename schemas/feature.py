"""The feature catalogue: name, unit, needs, direction, why, and what benign traffic was measured to do."""

from dataclasses import dataclass

import pyarrow as pa

from schemas.contract import field
from schemas.event import Presence

FAMILIES = (
    "volume",
    "rhythm",
    "tokens",
    "parameters",
    "structure",
    "elicitation",
    "outcome",
    "diversity",
    "download",
    "account",
)


@dataclass(frozen=True)
class Feature:
    """One number about an account as of an hour's end.

    `_1h` covers the hour, `_24h` the 24 hours up to its end, `_7d` the UTC day so far and the six before. How each is
    computed is written down twice: in transforms/features, and slow and obvious in tests/oracle_features.py.

    Attributes:
        name: column name; ends in the window it covers (`_1h`, `_24h`, `_7d`).
        family: features of one family are not independent of each other; evidence is counted once per family.
        unit: unit of the value.
        needs: what the source must carry, else the feature is null.
        suspicious: `high`, `low`, `both` or `none` (context only, never evidence).
        why: what an extraction does to it.
        source: where the definition or the figure comes from.
        prior: (value, share of benign accounts at least as extreme) pairs that bound the evidence while a peer group is
            small; for `both`, the pairs hold for the high side. Empty: the feature counts only against peers.
        low_prior: the same for the low side of a `both` feature.
        least_calls: calls the number rests on (those with known tokens, with prompt text, with a known gap, ...) below
            which the feature is null.
    """

    name: str
    family: str
    unit: str
    needs: Presence
    suspicious: str
    why: str
    source: str
    prior: tuple[tuple[float, float], ...] = ()
    low_prior: tuple[tuple[float, float], ...] = ()
    least_calls: int = 1


P = Presence
NOTHING = Presence(0)

FEATURES = (
    # -- volume
    Feature(
        "calls_1h",
        "volume",
        "calls",
        NOTHING,
        "high",
        "A harvest runs at the limit from its first hour.",
        "threats.md 2.3 #11",
    ),
    Feature(
        "calls_24h",
        "volume",
        "calls",
        NOTHING,
        "high",
        "A single-account harvest needs thousands of exchanges.",
        "threats.md 2.3 #11",
    ),
    Feature("calls_7d", "volume", "calls", NOTHING, "none", "Context for the other windows.", "threats.md 2.3 #11"),
    Feature(
        "output_tokens_24h", "volume", "tokens", P.TOKENS, "high", "The output is what is stolen.", "threats.md 2.3 #13"
    ),
    Feature(
        "output_tokens_7d",
        "volume",
        "tokens",
        P.TOKENS,
        "high",
        "Campaigns take billions of tokens.",
        "threats.md 2.3 #13",
    ),
    Feature(
        "cost_usd_7d", "volume", "USD", P.COST, "high", "A subscription drained at list price.", "threats.md 2.2 #6"
    ),
    Feature(
        "busy_share_1h",
        "volume",
        "calls in flight",
        P.LATENCY,
        "high",
        "A closed loop keeps a call in flight all the time.",
        "threats.md 2.2 #7; volume, because calls in flight = rate x duration (Little)",
        ((0.9, 0.1), (4.0, 0.05)),
    ),
    # -- rhythm
    Feature(
        "gap_entropy_24h",
        "rhythm",
        "bits",
        NOTHING,
        "low",
        "Schedulers pace calls evenly.",
        "threats.md 2.2 #1: humans' 1st percentile 3.65 bits, bots 3.44",
        ((3.65, 0.12), (2.5, 0.06), (1.5, 0.03)),
        (),
        50,
    ),
    Feature(
        "gap_modal_share_24h",
        "rhythm",
        "share",
        NOTHING,
        "high",
        "Fixed-interval senders repeat one gap.",
        "threats.md 2.2 #2",
        ((0.5, 0.15), (0.8, 0.05)),
        (),
        50,
    ),
    Feature(
        "gap_cv_24h",
        "rhythm",
        "ratio",
        NOTHING,
        "low",
        "Very regular senders.",
        "threats.md 2.2 #3: 0-2 % of benign API clients below 0.5",
        ((0.5, 0.02),),
        (),
        50,
    ),
    Feature(
        "active_hours_24h",
        "rhythm",
        "hours",
        NOTHING,
        "high",
        "A harvest does not sleep.",
        "threats.md 2.2 #4: 12 % of reasoning clients in all 24 hours of one day",
        ((22.0, 0.38), (24.0, 0.3)),
    ),
    Feature(
        "quiet_6h_share_24h",
        "rhythm",
        "share",
        NOTHING,
        "low",
        "Even use around the clock.",
        "threats.md 2.2 #4",
        ((0.15, 0.3),),
        (),
        100,
    ),
    Feature(
        "day_share_of_week",
        "rhythm",
        "share",
        NOTHING,
        "high",
        "No ramp: nearly all of the week's calls today (null on an account's first day, where it could be nothing else).",
        "threats.md 2.2 #5",
        ((0.95, 0.3),),
        (),
        20,
    ),
    # -- tokens
    Feature(
        "out_in_ratio_24h",
        "tokens",
        "ratio",
        P.TOKENS,
        "both",
        "Elicited reasoning writes much more than it reads; grading the reverse.",
        "threats.md 2.3 #12: benign p95 0.55-0.78, reasoning clients' median 1.7",
        ((0.78, 0.1), (1.7, 0.05), (4.0, 0.02)),
        ((0.011, 0.25), (0.004, 0.05)),
        20,
    ),
    Feature(
        "output_per_call_24h",
        "tokens",
        "tokens",
        P.TOKENS,
        "high",
        "Training traces are long.",
        "threats.md 4.3: reasoning clients' mean output p50 660, p95 2,096",
        ((660.0, 0.15), (1500.0, 0.05), (2096.0, 0.03), (4000.0, 0.01)),
        (),
        20,
    ),
    Feature(
        "input_per_call_24h",
        "tokens",
        "tokens",
        P.TOKENS,
        "none",
        "Context: grading reads long answers.",
        "threats.md 4.3",
    ),
    Feature(
        "length_band_24h",
        "tokens",
        "share",
        P.TOKENS,
        "high",
        "One template makes inputs of one length.",
        "threats.md 2.4 #23: benign median 0.38-0.50, p95 0.84-1.00",
        ((0.8, 0.24), (0.95, 0.12)),
        (),
        50,
    ),
    Feature(
        "cache_miss_24h",
        "tokens",
        "share",
        P.CACHED_TOKENS,
        "high",
        "Rotating accounts under one conversation breaks the prompt cache.",
        "threats.md 2.3 #18",
        ((0.95, 0.3),),
        (),
        20,
    ),
    Feature(
        "truncated_share_24h",
        "tokens",
        "share",
        P.FINISH,
        "high",
        "Harvesters ask for everything.",
        "threats.md 2.3 #14 (background knowledge, weak)",
        ((0.5, 0.15),),
        (),
        20,
    ),
    Feature(
        "reasoning_share_24h",
        "tokens",
        "share",
        P.TOKENS,
        "none",
        "Context: how much of the output is reasoning, at most; null where that is unknown for more than one call in twenty.",
        "threats.md 2.3; where it is not logged, what the answer's text leaves of the output, if that is no more than half",
    ),
    # -- parameters
    Feature(
        "parameters_top_share_24h",
        "parameters",
        "share",
        P.PARAMETERS,
        "high",
        "Scripts never change their parameters.",
        "threats.md 2.3 #15; benign batch jobs also",
        ((0.98, 0.4),),
        (),
        50,
    ),
    Feature(
        "temperature_zero_share_24h",
        "parameters",
        "share",
        P.PARAMETERS,
        "none",
        "Context: grading and evaluation.",
        "threats.md 1.1 T-GRADE",
    ),
    Feature(
        "logprob_share_24h",
        "parameters",
        "share",
        P.PARAMETERS,
        "high",
        "Log-probabilities leak the output layer.",
        "threats.md 2.3 #16",
        ((0.5, 0.03), (0.9, 0.01)),
        (),
        20,
    ),
    Feature(
        "logit_bias_share_24h",
        "parameters",
        "share",
        P.PARAMETERS,
        "high",
        "Biasing tokens one after the other reads the logits.",
        "threats.md 2.3 #16",
        ((0.5, 0.02), (0.9, 0.005)),
        (),
        20,
    ),
    Feature(
        "biased_tokens_24h",
        "parameters",
        "tokens",
        P.PARAMETERS,
        "high",
        "A sweep covers the vocabulary; h logit vectors need more than h calls.",
        "threats.md 2.3 #16",
        ((100.0, 0.01), (500.0, 0.001)),
    ),
    Feature(
        "one_token_share_24h",
        "parameters",
        "share",
        P.PARAMETERS,
        "high",
        "One-token calls read one distribution each.",
        "threats.md 1.1 T-LOGIT",
        ((0.9, 0.05),),
        (),
        20,
    ),
    # -- structure
    Feature(
        "template_share_24h",
        "structure",
        "share",
        P.PROMPT,
        "high",
        "Automation prefers a fixed prompt around the payload.",
        "threats.md 2.4 #20: 8-24 % of benign clients are strongly templated",
        ((0.5, 0.3), (0.8, 0.24), (0.95, 0.16)),
        (),
        20,
    ),
    Feature(
        "payload_novelty_24h",
        "structure",
        "share",
        P.PROMPT,
        "none",
        "A harvest sends each task once; evaluations and jobs repeat.",
        "threats.md 2.4 #21",
        (),
        (),
        20,
    ),
    Feature(
        "templated_novelty_24h",
        "structure",
        "share",
        P.PROMPT,
        "high",
        "One template around payloads that never repeat.",
        "threats.md 2.4 #21: high template share and novelty near 1",
        ((0.5, 0.2), (0.8, 0.1), (0.95, 0.07)),
        (),
        20,
    ),
    Feature(
        "near_duplicate_share_1h",
        "structure",
        "share",
        P.PROMPT,
        "none",
        "Inputs that differ in a few words walk along a classifier's boundary: pieces from every part of the prompt return.",
        "threats.md 1.1 T-BOUND, 2.4 #22",
        (),
        (),
        20,
    ),
    Feature(
        "coverage_slope_24h",
        "structure",
        "exponent",
        P.PROMPT,
        "none",
        "Systematic coverage grows as fast as the calls.",
        "threats.md 2.4 #24: two-sided, peer-calibrated only",
        (),
        (),
        50,
    ),
    Feature("tool_share_24h", "structure", "share", P.TOOLS, "none", "Context: agentic use.", "threats.md 1.1 T-AGENT"),
    Feature(
        "multi_turn_share_24h",
        "structure",
        "share",
        P.MESSAGES,
        "none",
        "Context: conversations against single shots.",
        "threats.md 1.1 T-REPLAY",
    ),
    # -- elicitation
    Feature(
        "reasoning_elicited_share_24h",
        "elicitation",
        "share",
        P.PROMPT,
        "high",
        "The instruction makes the model write out its reasoning.",
        "threats.md 2.4 #26; confuser: explainability logging",
        ((0.5, 0.03), (0.9, 0.01)),
        (),
        20,
    ),
    Feature(
        "reasoning_tagged_share_24h",
        "elicitation",
        "share",
        P.RESPONSE,
        "high",
        "Answers open with inline reasoning tags.",
        "threats.md 2.4 #27",
        ((0.5, 0.01),),
        (),
        20,
    ),
    Feature(
        "rubric_share_24h",
        "elicitation",
        "share",
        P.PROMPT,
        "high",
        "The model serves as a grader for another model.",
        "threats.md 2.4 #29",
        ((0.5, 0.05), (0.9, 0.03)),
        (),
        20,
    ),
    Feature(
        "grader_share_24h",
        "elicitation",
        "share",
        P.PROMPT | P.TOKENS,
        "high",
        "Rubric in, a few tokens out.",
        "threats.md 2.4 #29",
        ((0.5, 0.03), (0.9, 0.015)),
        (),
        20,
    ),
    Feature(
        "system_prompt_asks_24h",
        "elicitation",
        "calls",
        P.PROMPT,
        "high",
        "Asks for the hidden system prompt.",
        "ATLAS AML.T0056",
        ((3.0, 0.01), (10.0, 0.002)),
    ),
    # -- outcome
    Feature(
        "refusal_share_24h",
        "outcome",
        "share",
        P.REFUSAL,
        "high",
        "A search for a working bypass is mostly refused.",
        "threats.md 2.3 #19",
        ((0.2, 0.03), (0.5, 0.005)),
        (),
        20,
    ),
    Feature(
        "refused_variants_24h",
        "outcome",
        "calls",
        P.PROMPT | P.REFUSAL,
        "high",
        "Many refused calls around one payload: they share a template key most of whose calls are refused, and differ in text.",
        "threats.md 2.4 #28",
        ((20.0, 0.01), (100.0, 0.001)),
    ),
    Feature(
        "refused_then_answered_24h",
        "outcome",
        "calls",
        P.PROMPT | P.REFUSAL,
        "high",
        "The same payload answered after a refusal.",
        "threats.md 2.3 #19",
        ((5.0, 0.02),),
    ),
    Feature("error_share_24h", "outcome", "share", P.STATUS, "none", "Context: failing clients.", "threats.md 2.2 #9"),
    Feature(
        "throttled_share_24h",
        "outcome",
        "share",
        P.STATUS,
        "high",
        "Runs into the rate limit all the time.",
        "threats.md 2.2 #7",
        ((0.05, 0.1), (0.2, 0.03)),
        (),
        20,
    ),
    # -- diversity
    Feature(
        "languages_24h",
        "diversity",
        "languages",
        P.PROMPT,
        "high",
        "Many languages behind one account: a relay.",
        "threats.md 2.4 #33: at least a dozen",
        ((6.0, 0.05), (12.0, 0.01)),
    ),
    Feature(
        "prefixes_24h",
        "diversity",
        "networks",
        P.ADDRESS,
        "high",
        "One account from many networks.",
        "threats.md 2.5 #35; confuser: CI runners",
        ((20.0, 0.1), (100.0, 0.03)),
    ),
    Feature("agents_24h", "diversity", "clients", P.AGENT, "none", "Context: clients in use.", "threats.md 2.5 #36"),
    Feature("models_24h", "diversity", "models", P.MODEL, "none", "Context: models in use.", "threats.md 2.2 #8"),
    Feature(
        "model_top_share_24h",
        "diversity",
        "share",
        P.MODEL,
        "none",
        "Context: share of the most used model; a jump is a pivot or a new hand on the key.",
        "threats.md 2.2 #8; watched for change",
        (),
        (),
        20,
    ),
    Feature(
        "end_users_24h",
        "diversity",
        "users",
        P.END_USER,
        "none",
        "Context: a gateway forwards its users' ids.",
        "threats.md 1.2 B-GATE",
    ),
    # -- download
    Feature(
        "downloads_24h",
        "download",
        "calls",
        NOTHING,
        "high",
        "Bulk download of files or batches.",
        "issue: suspicious bulk downloads",
        ((200.0, 0.03), (2000.0, 0.005)),
    ),
    Feature(
        "objects_24h",
        "download",
        "objects",
        NOTHING,
        "high",
        "Distinct objects fetched.",
        "issue: suspicious bulk downloads",
        ((100.0, 0.03), (1000.0, 0.005)),
    ),
    Feature(
        "sequential_share_24h",
        "download",
        "share",
        NOTHING,
        "high",
        "Object numbers are walked one by one.",
        "enumeration",
        ((0.5, 0.02), (0.9, 0.005)),
        (),
        20,
    ),
    Feature(
        "bytes_out_24h", "download", "bytes", P.BYTES, "high", "Bytes that left.", "issue: bytes out against peers"
    ),
    # -- account
    Feature(
        "age_days",
        "account",
        "days",
        NOTHING,
        "low",
        "Manufactured accounts are young.",
        "threats.md 2.2 #5",
        ((7.0, 0.2), (2.0, 0.1)),
    ),
)
"""For a `low` feature the prior pairs read "value or less"."""

FEATURE = {feature.name: feature for feature in FEATURES}

LEFT_OUT = (
    (
        "limit_util",
        "threats.md 2.2 #7",
        "no log carries the account's limit; throttled_share_24h and busy_share_1h stand in",
    ),
    ("sub_usage_ratio", "threats.md 2.2 #6", "needs the subscription fee, which no log carries; cost_usd_7d stands in"),
    ("pivot_24h, failover_rate", "threats.md 2.2 #8-9", "need other accounts' traffic: campaign features"),
    ("think_time_deficit", "threats.md 2.2 #10", "needs reliable conversation ids; most formats lose them"),
    ("emb_onepass", "threats.md 2.3 #17", "indistinguishable from a batch job by metadata: not evidence"),
    (
        "focus_hhi",
        "threats.md 2.4 #25",
        "no log says which capability a prompt is for, and single-purpose applications reach 1 as well: a campaign's focus is the share of its accounts' calls that show its keys (schemas.campaign)",
    ),
    (
        "own_output_reingest, foreign_history",
        "threats.md 2.4 #30-31",
        "need what other accounts were answered: counted by the rules output_reuse and conversation_replay (transforms.links.reuse); that a conversation was never answered here at all says no more than that its user changed vendors",
    ),
)
"""Features of threats.md that an account's own traffic cannot carry, or not reliably."""


def feature_fields() -> list[pa.Field]:
    """One nullable float column per feature, in catalogue order."""
    return [
        field(
            f.name,
            pa.float64(),
            f.why,
            unit=f.unit,
            null=f"source lacks what it needs, or it rests on fewer than {f.least_calls} calls",
        )
        for f in FEATURES
    ]
