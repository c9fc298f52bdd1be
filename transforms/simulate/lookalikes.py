"""Honest accounts that trip the signals of theft (threats.md 1.2), each class as wide as we could think of it.

Figures carry their source as in the threat model; a number that names no source is our judgement [J], drawn wide on purpose.
"""

from transforms.simulate.activity import Population
from transforms.simulate.benign import AGE, API_ACCOUNT, APPLICATION, CHATBOTS, PIPELINES, SCRIPTS, SIGNUP
from transforms.simulate.draws import (
    Draw,
    always,
    between,
    in_turn,
    log_between,
    lognormal,
    mixture,
    one_of,
    own,
    whole,
)
from transforms.simulate.harvests import BULK

BUSINESS: dict[str, Draw] = {
    "plan": one_of(["payg", "scale", "enterprise"], [0.2, 0.4, 0.4]),
    "age_days": lognormal(400.0, 0.8, 20.0, 1500.0),
    "signup_path": one_of(["web", "sales", "partner"], [0.4, 0.5, 0.1]),
}

EVALUATION = Population(
    name="evaluation",
    archetype="B-EVAL",
    label="benign",
    account=API_ACCOUNT,
    does=APPLICATION
    | {
        "per_day": log_between(800.0, 8_000.0),
        "awake": mixture((0.5, always(24.0)), (0.5, between(2.0, 10.0))),
        "shape": between(0.05, 0.5),
        "turns": log_between(100.0, 1_300.0),  # a run goes through the suite
        "think_seconds": log_between(0.2, 6.0),
        "think_sigma": between(0.05, 0.6),
        "model": always("vega-2-large"),
        "second_share": between(0.2, 0.7),
        "pivot": between(0.3, 1.0),  # the new model is measured on the day of its release
        "input_sigma": between(0.1, 0.5),
        "output_tokens": log_between(5.0, 900.0),
        "temperature": always(0.0),
        "max_tokens": one_of([8, 256, 1024, 4096]),
        "voice": one_of(["eval", "rubric"], [0.65, 0.35]),
        "layout": one_of(["prefix", "wrap", "suffix"]),
        "template": one_of([1, 2, 3, 4, 5, 6, 7, 8]),
        "templated": always(1.0),
        "templates": always(1),  # a suite has one way of asking
        "payloads": one_of([80, 164, 541, 1_319], [0.3, 0.3, 0.25, 0.15]),  # sizes of published suites
        "payload_set": mixture((0.6, whole(1, 8)), (0.4, own())),
        "in_order": always(True),
        "client": one_of(["sdk", "script", "framework"]),
    },
)

BATCHES = Population(
    name="batches",
    archetype="B-ETL",
    label="benign",
    account=BUSINESS,
    does=APPLICATION
    | {
        "per_day": log_between(1_000.0, 30_000.0),
        "awake": mixture((0.5, between(2.0, 8.0)), (0.5, always(24.0))),
        "wakes": between(0.0, 24.0),
        "day_noise": between(0.2, 1.2),
        "turns": log_between(50.0, 2_000.0),
        "think_seconds": log_between(0.1, 5.0),
        "think_sigma": between(0.05, 0.8),
        "input_tokens": lognormal(1_300.0, 0.7, 150.0, 20_000.0),
        "input_sigma": between(0.05, 0.45),
        "alike": between(0.3, 1.0),  # 8-24 % of clients stay within one length band (T1)
        "output_tokens": lognormal(90.0, 0.8, 5.0, 900.0),  # out/in 0.09-0.12 (T1)
        "temperature": one_of([None, 0.0], [0.3, 0.7]),
        "settings": always(1),
        "json": one_of([0.0, 1.0], [0.3, 0.7]),
        "layout": one_of(["system", "prefix", "suffix", "wrap"], [0.4, 0.3, 0.2, 0.1]),
        "templates": whole(1, 2),
        "templated": always(1.0),
        "payloads": mixture((0.8, always(0)), (0.2, log_between(500.0, 20_000.0))),
        "words": lognormal(60.0, 0.5, 20.0, 200.0),
        "end_users": always(0),
        "throttled": log_between(0.001, 0.2),
    },
)

EXPORTS = Population(
    name="exports",
    archetype="B-ETL",
    label="benign",
    account=BUSINESS,
    does={
        "operation": always("download"),
        "model": always(""),
        "second_model": always(""),
        "per_day": log_between(20.0, 300.0),
        "awake": between(1.0, 6.0),
        "wakes": between(0.0, 24.0),
        "turns": log_between(10.0, 150.0),
        "think_seconds": log_between(0.5, 10.0),
        "numbered": one_of([True, False]),
        "walk": between(0.5, 1.0),  # the parts of last night's batch, in order [J]
        "client": one_of(["sdk", "script"]),
    },
)

RUNNERS = Population(
    name="runners",
    archetype="B-CI",
    label="benign",
    account=BUSINESS,
    does=APPLICATION
    | {
        "per_day": log_between(200.0, 6_000.0),
        "awake": mixture((0.6, always(24.0)), (0.4, between(8.0, 20.0))),
        "turns": between(8.0, 60.0),
        "think_seconds": lognormal(7.0, 0.5, 1.0, 60.0),
        "input_tokens": lognormal(7_000.0, 0.6, 800.0, 60_000.0),
        "growth": between(0.05, 0.3),
        "cached": between(0.5, 0.9),
        "output_tokens": lognormal(260.0, 0.6, 40.0, 2_000.0),
        "tools": whole(4, 20),
        "toolbox": whole(1, 8),
        "system": mixture((0.6, whole(0, 5)), (0.4, own())),
        "voice": one_of(["app", "harness"], [0.7, 0.3]),
        "layout": one_of(["prefix", "none"], [0.7, 0.3]),
        "templates": whole(1, 6),
        "payloads": mixture((0.5, log_between(20.0, 2_000.0)), (0.5, always(0))),  # the same repository again and again
        "domains": always(1),
        "domain": always(6),
        "language": one_of(["en", "code"]),
        "networks": log_between(100.0, 5_000.0),  # ephemeral runners (T4)
        "client": one_of(["coder", "sdk"]),
        "clients": whole(2, 6),
        "end_users": always(0),
    },
)

TEAMS = Population(
    name="teams",
    archetype="B-POWER",
    label="benign",
    account=API_ACCOUNT,
    does=APPLICATION
    | {
        "per_day": log_between(200.0, 4_000.0),
        "awake": between(9.0, 20.0),
        "weekend": between(0.05, 0.8),
        "turns": between(10.0, 70.0),
        "think_seconds": lognormal(10.0, 0.5, 2.0, 60.0),
        "input_tokens": lognormal(9_000.0, 0.6, 1_000.0, 80_000.0),
        "growth": between(0.05, 0.3),
        "cached": between(0.75, 0.97),
        "output_tokens": lognormal(300.0, 0.5, 60.0, 2_500.0),
        "tools": whole(6, 25),
        "toolbox": whole(1, 8),
        "system": whole(0, 5),
        "voice": always("chat"),
        "layout": always("none"),
        "payloads": always(0),
        "language": one_of(["", "code"]),
        "networks": log_between(3.0, 60.0),
        "client": always("coder"),
        "clients": whole(1, 8),
        "keys": whole(1, 3),
        "conversations": always(1.0),
        "end_users": always(0),
        "streams": always(1.0),
    },
)

LAUNCHES = Population(
    name="launches",
    archetype="B-LAUNCH",
    label="benign",
    account=BUSINESS | {"age_days": log_between(1.0, 400.0)},
    does=PIPELINES.does
    | {
        "begins": between(0.2, 0.7),
        "per_day": log_between(1_000.0, 20_000.0),
        "ramp_days": mixture((0.7, always(0.0)), (0.3, between(0.2, 2.0))),
        "end_users": log_between(50.0, 3_000.0),
    },
    cover=SCRIPTS,
    cover_share=between(0.005, 0.05),
)

MIGRATIONS = Population(
    name="migrations",
    archetype="B-LAUNCH",
    label="benign",
    account=BUSINESS,
    group=2,
    does=CHATBOTS.does
    | {
        "begins": in_turn([0.0, 0.5]),
        "ends": in_turn([0.5, 1.0]),
        "per_day": log_between(300.0, 6_000.0),
        "model": always("vega-2-think"),
        "second_share": always(0.0),
        "hands_out": always(1.0),
        "redeems": always(0.9),
        "redeems_back": in_turn([0, 1]),
        "redeems_first": in_turn([0, 2]),  # conversations in flight when the key is changed: at most two [J]
    },
)

GATEWAYS = Population(
    name="gateways",
    archetype="B-GATE",
    label="benign",
    account=BUSINESS | {"signup_path": one_of(["partner", "sales"], [0.8, 0.2])},
    does=APPLICATION
    | {
        "per_day": log_between(1_500.0, 30_000.0),
        "awake": always(24.0),
        "turns": between(1.5, 5.0),
        "second_share": between(0.2, 0.6),
        "pivot": between(0.2, 0.6),
        "input_sigma": between(1.0, 1.8),
        "output_tokens": lognormal(200.0, 0.4, 60.0, 800.0),
        "output_sigma": between(0.9, 1.4),
        "growth": between(0.3, 1.0),
        "cached": between(0.05, 0.6),
        "settings": whole(5, 30),
        "templates": log_between(100.0, 3_000.0),
        "templated": between(0.2, 0.8),
        "layout": one_of(["system", "prefix"]),
        "payloads": always(0),
        "domains": always(12),
        "languages": whole(8, 15),
        "foreign": between(0.3, 0.9),
        "failing": between(0.01, 0.06),
        "networks": whole(2, 20),
        "clients": whole(1, 4),
        "keys": whole(2, 40),
        "end_users": log_between(200.0, 20_000.0),
        "conversations": always(0.7),
        "asks_steps": between(0.01, 0.06),
        "curious": between(0.0002, 0.002),
    },
)

FRAMEWORKS = Population(
    name="frameworks",
    archetype="B-SHARE",
    label="benign",
    account=API_ACCOUNT,
    does=APPLICATION
    | {
        "per_day": lognormal(80.0, 1.6, 2.0, 10_000.0),
        "turns": mixture((0.5, always(1.0)), (0.5, between(3.0, 15.0))),
        "growth": between(0.1, 0.8),
        "system": whole(0, 5),
        "voice": always("public"),
        "layout": one_of(["none", "prefix", "suffix"]),
        "template": whole(0, 3),
        "templates": whole(1, 3),
        "templated": between(0.7, 1.0),
        "tools": one_of([0, 5, 12]),
        "toolbox": whole(1, 4),
        "client": always("framework"),
        "payloads": mixture((0.7, always(0)), (0.3, log_between(10.0, 2_000.0))),
    },
)

CROWD = Population(
    name="users of a popular agent",
    archetype="B-SHARE",
    label="benign",
    account=API_ACCOUNT | {"plan": one_of(["plus", "payg", "scale"], [0.3, 0.6, 0.1])},
    does=APPLICATION
    | {
        "per_day": lognormal(40.0, 1.2, 1.0, 2_000.0),
        "turns": between(4.0, 25.0),
        "think_seconds": lognormal(12.0, 0.6, 3.0, 90.0),
        "awake": mixture((0.7, between(5.0, 14.0)), (0.3, always(24.0))),
        "input_tokens": lognormal(4_000.0, 0.6, 600.0, 40_000.0),
        "growth": between(0.05, 0.3),
        "output_tokens": lognormal(220.0, 0.5, 40.0, 1_500.0),
        "cached": between(0.6, 0.95),
        "tools": always(9),
        "toolbox": always(90),  # one agent: one prompt, one set of tools, one user agent, over unrelated accounts
        "system": always(90),
        "voice": always("public"),
        "layout": one_of(["none", "prefix"], [0.6, 0.4]),
        "template": always(91),
        "templates": always(1),
        "templated": between(0.5, 1.0),
        "settings": always(1),
        "client": always("agent"),
        "clients": always(1),
        "payloads": always(0),
    },
)
"""An open-source agent whose system prompt, tools and user agent thousands of strangers share."""

EXPLAINERS = Population(
    name="explainers",
    archetype="B-XAI",
    label="benign",
    account=BUSINESS,
    does=APPLICATION
    | {
        "per_day": log_between(50.0, 3_000.0),
        "model": one_of(["vega-2-large", "vega-2-think"]),
        "input_tokens": lognormal(900.0, 0.5, 200.0, 5_000.0),
        "output_tokens": lognormal(500.0, 0.5, 120.0, 2_000.0),
        "voice": always("audit"),
        "layout": one_of(["system", "prefix", "suffix"]),
        "templates": whole(1, 4),
        "templated": always(1.0),
        "payloads": mixture((0.5, always(0)), (0.5, log_between(100.0, 5_000.0))),
        "domains": always(1),
        "tags": mixture((0.8, always(0.0)), (0.2, between(0.1, 0.6))),
    },
)

SYNTHESIS = Population(
    name="synthesis under contract",
    archetype="B-SYN",
    label="benign",
    account=BUSINESS | {"contract": one_of(["synthetic-data agreement", "own-model distillation", "training partner"])},
    does=BULK.does,
)

SYNTHESIS_OPEN = Population(
    name="synthesis without contract",
    archetype="B-SYN",
    label="grey",
    account={"plan": one_of(["payg", "scale"]), "age_days": AGE, "signup_path": SIGNUP},
    does=BULK.does,
)

LOOKALIKES: dict[str, tuple[Population, ...]] = {
    "B-EVAL": (EVALUATION,),
    "B-ETL": (BATCHES, EXPORTS),
    "B-CI": (RUNNERS,),
    "B-POWER": (TEAMS,),
    "B-LAUNCH": (LAUNCHES, MIGRATIONS),
    "B-GATE": (GATEWAYS,),
    "B-SHARE": (FRAMEWORKS,),
    "B-XAI": (EXPLAINERS,),
    "B-SYN": (SYNTHESIS, SYNTHESIS_OPEN),
}
"""Class -> its populations, which share the class's accounts evenly. Resellers are a pool: see pools.py."""
