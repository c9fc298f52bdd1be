"""Thieves that take the model apart, or what is stored behind it, from a single account (threats.md 1.1).

Rates are those of threats.md 4.3 where it has one; a number that names no source is our judgement [J], drawn wide on purpose.
"""

from transforms.simulate.activity import Population
from transforms.simulate.benign import CHATBOTS, FILES
from transforms.simulate.draws import always, between, in_turn, log_between, lognormal, one_of, own, whole
from transforms.simulate.harvests import ACCOUNT, COVER_SHARE, HARVEST

PROBE = Population(
    name="bypass search",
    archetype="T-PROBE",
    label="extraction",
    account=ACCOUNT,
    does=HARVEST
    | {
        "per_day": log_between(250.0, 6_000.0),  # A2 p.145: more than 12,000 variants
        "voice": always("probe"),
        "layout": one_of(["prefix", "suffix", "wrap"]),
        "template": own(),
        "templates": always(1_000_000),  # a different technique in each call
        "templated": between(0.95, 1.0),
        "paraphrase": always(0.0),
        "payloads": whole(1, 12),
        "payload_set": own(),
        "refused": between(0.6, 0.97),  # the vast majority
        "refused_by_wording": always(True),
        "output_tokens": log_between(80.0, 500.0),
    },
)

LOGIT = Population(
    name="logit sweep",
    archetype="T-LOGIT",
    label="extraction",
    account=ACCOUNT,
    does=HARVEST
    | {
        "per_day": log_between(1_200.0, 20_000.0),  # P8: more logit vectors than the hidden size, 1,024 and up
        "bias_tokens": one_of([0, 1, 5, 100, 300], [0.15, 0.2, 0.2, 0.25, 0.2]),
        "bias_sweep": always(100_000),
        "logprobs": between(0.9, 1.0),
        "max_tokens": always(1),
        "output_tokens": always(1.0),
        "input_tokens": log_between(5.0, 60.0),
        "input_sigma": between(0.0, 0.1),
        "layout": always("none"),
        "payloads": whole(1, 5),
        "payload_set": own(),
        "words": always(4.0),
        "temperature": one_of([None, 0.0, 1.0]),
        "settings": always(1),
    },
)

LEAK = Population(
    name="system prompt",
    archetype="T-LEAK",
    label="extraction",
    account=ACCOUNT,
    cover=CHATBOTS,
    cover_share=COVER_SHARE,
    does=HARVEST
    | {
        "per_day": log_between(30.0, 400.0),
        "turns": between(2.0, 15.0),
        "growth": between(0.1, 0.6),
        "think_seconds": log_between(5.0, 60.0),
        "awake": between(6.0, 24.0),
        "voice": always("leak"),
        "layout": one_of(["prefix", "suffix"]),
        "templates": log_between(20.0, 2_000.0),
        "paraphrase": always(0.0),
        "words": always(3.0),
        "refused": between(0.3, 0.9),
        "system": own(),
        "output_tokens": log_between(50.0, 600.0),
    },
)

BOUNDARY = Population(
    name="boundary probing",
    archetype="T-BOUND",
    label="extraction",
    account=ACCOUNT,
    does=HARVEST
    | {
        "per_day": log_between(300.0, 8_000.0),  # P3: hundreds to some 5,000 queries
        "voice": always("label"),
        "layout": one_of(["prefix", "system"]),
        "templates": always(1),  # one task is copied
        "templated": always(1.0),
        "paraphrase": always(0.0),
        "payloads": log_between(10.0, 300.0),  # the seeds around which inputs are made [J]
        "payload_set": own(),
        "in_order": always(True),
        "dwells": log_between(20.0, 300.0),  # a boundary is crossed by many queries between two inputs [J]
        "language": always("en"),
        "perturbed": log_between(0.03, 0.3),  # small steps (P3, P4, P6): one word of thirty, up to a third
        "words": lognormal(30.0, 0.4, 12.0, 80.0),
        "input_tokens": log_between(60.0, 250.0),
        "input_sigma": between(0.1, 0.4),
        "output_tokens": log_between(1.0, 6.0),
        "output_sigma": between(0.0, 0.2),
        "max_tokens": one_of([0, 1, 5, 16]),
        "temperature": always(0.0),
        "settings": always(1),
        "logprobs": one_of([0.0, 1.0], [0.6, 0.4]),  # confidences beside labels make a boundary cheaper to find [J]
    },
)
"""The threat model has it against classifiers; here the classifier is a language model with an instruction."""

SIGNATURE = Population(
    name="handle replay",
    archetype="T-SIG",
    label="extraction",
    account=ACCOUNT,
    group=3,
    does=HARVEST
    | {
        "per_day": log_between(150.0, 4_000.0),
        "model": always("vega-2-think"),
        "second_share": always(0.0),
        "pivot": always(0.0),
        "begins": between(0.0, 0.15),
        "ends": always(1.0),
        "turns": log_between(1.0, 30.0),
        "growth": between(0.05, 0.5),
        "output_tokens": log_between(400.0, 3_000.0),
        "thinking": between(0.3, 0.8),
        "layout": one_of(["none", "system"]),
        "voice": always("bulk"),
        "hands_out": between(0.9, 1.0),
        "redeems": between(0.2, 0.9),
        "redeems_back": in_turn([0, 1, 2]),  # A2: issued to one account, redeemed by another
    },
)

WALK = Population(
    name="enumeration",
    archetype="T-WALK",
    label="extraction",
    account=ACCOUNT,
    cover=FILES,
    cover_share=one_of([0.0, 0.05]),
    does=HARVEST
    | {
        "operation": always("download"),
        "model": always(""),
        "second_model": always(""),
        "pivot": always(0.0),
        "second_share": always(0.0),
        "per_day": log_between(800.0, 10_000.0),
        "layout": always("none"),
        "numbered": always(True),
        "walk": between(0.65, 1.0),
        "failing": between(0.02, 0.3),  # many of the guessed objects are not there
    },
)

BREADTH = Population(
    name="bulk download",
    archetype="T-BREADTH",
    label="extraction",
    account=ACCOUNT,
    does=WALK.does | {"numbered": always(False), "failing": log_between(0.001, 0.03)},
)
