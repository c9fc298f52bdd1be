"""Thieves that harvest answers from a single account (threats.md 1.1), with ramp, noise, paraphrase and ordinary use as cover.

Rates and lengths are those of threats.md 4.3 where it has one; a number that names no source is our judgement [J], drawn wide on purpose.
"""

from transforms.simulate.activity import Population
from transforms.simulate.benign import CHATBOTS, PIPELINES, REGION, SEATS
from transforms.simulate.draws import Draw, always, between, log_between, lognormal, mixture, one_of, own, whole

ACCOUNT: dict[str, Draw] = {
    "plan": one_of(["free", "plus", "payg", "scale", "enterprise"], [0.05, 0.2, 0.55, 0.15, 0.05]),
    # Manufactured accounts are young, stolen ones are not (A2: compromised credentials) [J].
    "age_days": mixture((0.65, log_between(0.05, 30.0)), (0.35, lognormal(300.0, 0.8, 30.0, 1500.0))),
    # 30-60 % through education, security research and start-up programmes (A1 names the paths; share [J]).
    "signup_path": one_of(["web", "education", "security-research", "startup", "sales"], [0.5, 0.17, 0.13, 0.15, 0.05]),
}

COVER_SHARE = one_of([0.0, 0.5, 0.75, 0.9], [0.5, 0.25, 0.15, 0.1])
"""Ordinary traffic beside the attack: attacker shares of 100, 50, 25 and 10 % (grid of threats.md 3.4)."""

PARAPHRASE = one_of([0.0, 0.2, 0.8], [0.6, 0.25, 0.15])
"""Share of the instruction's words that change in each call (threats.md 4.3: 0, 0.2, 0.8)."""

HARVEST: dict[str, Draw] = {
    "begins": between(0.0, 0.4),
    "ends": mixture((0.5, always(1.0)), (0.5, between(0.6, 1.0))),  # stops when the budget is spent
    "ramp_days": mixture((0.75, always(0.0)), (0.25, between(0.2, 2.0))),  # A5: no ramp
    "awake": mixture((0.75, always(24.0)), (0.25, between(8.0, 20.0))),  # A5: around the clock
    "day_noise": between(0.05, 0.5),
    "shape": between(0.2, 2.0),
    "turns": log_between(50.0, 2_000.0),  # a closed loop runs until something breaks it
    "think_seconds": log_between(0.5, 20.0),
    "think_sigma": one_of([0.02, 0.3, 0.8], [0.15, 0.5, 0.35]),
    "region": REGION,
    "second_share": mixture((0.7, always(0.0)), (0.3, between(0.1, 0.5))),
    "pivot": mixture((0.5, always(0.0)), (0.5, between(0.4, 1.0))),  # A1: nearly half within 24 hours
    "alike": mixture((0.6, between(0.0, 0.3)), (0.4, between(0.3, 0.95))),
    "cached": always(0.05),
    "streams": one_of([0.0, 1.0]),
    "settings": one_of([1, 2, 4], [0.75, 0.15, 0.1]),
    "throttled": log_between(0.005, 0.3),
    "failing": log_between(0.001, 0.03),
    "refused": log_between(0.001, 0.05),
    "template": own(),
    "templates": log_between(1.0, 20.0),  # 1-20 templates (threats.md 4.3 [J])
    "templated": between(0.85, 1.0),
    "paraphrase": PARAPHRASE,
    "words": lognormal(28.0, 0.5, 6.0, 120.0),
    "payloads": always(0),  # novelty 0.98-1.0 (A1: unique tasks)
    "networks": log_between(1.0, 30.0),
    "client": one_of(["sdk", "script", "framework"], [0.5, 0.4, 0.1]),
    "clients": whole(1, 2),
}

BULK = Population(
    name="bulk",
    archetype="T-BULK",
    label="extraction",
    account=ACCOUNT,
    cover=PIPELINES,
    cover_share=COVER_SHARE,
    does=HARVEST
    | {
        "per_day": log_between(1_500.0, 40_000.0),  # Alpaca's 52k within days (R1)
        "voice": always("bulk"),
        "layout": one_of(["prefix", "suffix", "wrap", "system"], [0.4, 0.2, 0.2, 0.2]),
        "input_tokens": log_between(60.0, 900.0),
        "input_sigma": between(0.15, 0.7),
        "output_tokens": log_between(350.0, 2_500.0),
        "output_sigma": between(0.25, 0.7),
        "temperature": one_of([None, 0.7, 1.0]),
        "max_tokens": one_of([0, 2048, 4096, 8192]),
    },
)

BLATANT = Population(
    name="blatant harvester",
    archetype="T-BULK",
    label="extraction",
    account=ACCOUNT | {"age_days": log_between(0.05, 7.0)},
    does=BULK.does
    | {
        "begins": between(0.0, 0.2),
        "ends": always(1.0),
        "ramp_days": always(0.0),
        "awake": always(24.0),
        "per_day": log_between(4_000.0, 40_000.0),
        "input_tokens": log_between(60.0, 300.0),  # self-instruct: a line of task, a page of answer (R1)
        "output_tokens": log_between(900.0, 2_500.0),
        "templates": always(1),
        "templated": always(1.0),
        "layout": one_of(["prefix", "suffix", "wrap"]),
        "paraphrase": always(0.0),
        "settings": always(1),
    },
)
"""The thief that everything gives away: no ramp, no sleep, one template around ever new tasks, long answers."""

COT = Population(
    name="reasoning traces",
    archetype="T-COT",
    label="extraction",
    account=ACCOUNT,
    cover=CHATBOTS,
    cover_share=COVER_SHARE,
    does=HARVEST
    | {
        "per_day": log_between(500.0, 15_000.0),
        "model": one_of(["vega-2-think", "vega-2-large"]),
        "voice": always("reasoning"),
        "layout": one_of(["prefix", "suffix", "wrap", "system"], [0.25, 0.3, 0.15, 0.3]),
        "input_tokens": log_between(300.0, 2_000.0),
        "input_sigma": between(0.2, 0.7),
        "output_tokens": log_between(800.0, 6_000.0),
        "output_sigma": between(0.25, 0.6),
        "thinking": between(0.0, 0.6),
        "tags": mixture((0.4, always(0.0)), (0.6, between(0.5, 1.0))),  # A2 p.147
        "languages": one_of([1, 3, 14], [0.5, 0.2, 0.3]),  # A4: many languages
        "foreign": between(0.2, 0.9),
        "max_tokens": one_of([0, 8192, 16_000]),
    },
)

GRADE = Population(
    name="grading",
    archetype="T-GRADE",
    label="extraction",
    account=ACCOUNT,
    cover=PIPELINES,
    cover_share=COVER_SHARE,
    does=HARVEST
    | {
        "per_day": log_between(1_000.0, 40_000.0),  # A2: 770,609 through a cleaner in ten days
        "voice": always("rubric"),
        "layout": one_of(["prefix", "wrap", "system"], [0.4, 0.3, 0.3]),
        "input_tokens": log_between(2_000.0, 8_000.0),
        "input_sigma": between(0.15, 0.6),
        "output_tokens": log_between(5.0, 60.0),
        "output_sigma": between(0.1, 0.4),
        "temperature": always(0.0),
        "max_tokens": one_of([0, 64, 128]),
        "json": one_of([0.0, 1.0], [0.3, 0.7]),
        "words": lognormal(90.0, 0.3, 40.0, 200.0),
    },
)

AGENT = Population(
    name="trajectories",
    archetype="T-AGENT",
    label="extraction",
    account=ACCOUNT,
    cover=SEATS,
    cover_share=COVER_SHARE,
    does=HARVEST
    | {
        "per_day": log_between(500.0, 10_000.0),
        "turns": between(15.0, 90.0),  # long horizons (A2)
        "think_seconds": log_between(1.0, 12.0),
        "input_tokens": lognormal(5_000.0, 0.5, 800.0, 40_000.0),
        "growth": between(0.05, 0.4),
        "cached": between(0.3, 0.9),
        "output_tokens": log_between(200.0, 1_500.0),
        "tools": whole(5, 25),
        "toolbox": own(),
        "voice": always("harness"),
        "layout": one_of(["prefix", "wrap", "system"]),
        "domains": always(1),
        "domain": always(6),
        "language": one_of(["en", "code"]),
        "client": one_of(["coder", "sdk"]),
    },
)

REPLAY = Population(
    name="stored conversations",
    archetype="T-REPLAY",
    label="extraction",
    account=ACCOUNT,
    does=HARVEST
    | {
        "per_day": log_between(300.0, 8_000.0),
        "turns": always(1.0),  # a whole history arrives in one shot, no time to think between turns
        "shape": between(0.5, 2.0),
        "history": between(6.0, 40.0),
        "cached": always(0.0),
        "input_tokens": log_between(1_000.0, 8_000.0),
        "output_tokens": log_between(200.0, 1_200.0),
        "layout": always("none"),
        "languages": always(14),  # A2: at least a dozen
        "foreign": between(0.7, 0.95),
    },
)

EMBEDDING = Population(
    name="embedding model",
    archetype="T-EMB",
    label="extraction",
    account=ACCOUNT,
    does=HARVEST
    | {
        "operation": always("embedding"),
        "model": always("vega-embed"),
        "second_model": always("vega-embed"),
        "second_share": always(0.0),
        "pivot": always(0.0),
        "per_day": log_between(2_000.0, 40_000.0),  # P10: one pass over a public corpus
        "input_tokens": log_between(100.0, 500.0),
        "layout": always("none"),
        "words": lognormal(60.0, 0.3, 20.0, 200.0),
        "domains": always(12),
    },
)
