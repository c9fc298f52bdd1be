"""The benign majority: people at chat seats, applications of every shape, agents of ordinary developers.

Figures carry their source: T1, T2, P17 as in the threat model's section 4.3; a number that names no source is our judgement [J], drawn wide on purpose.
"""

from transforms.simulate.activity import Population
from transforms.simulate.draws import Draw, always, between, log_between, lognormal, mixture, one_of, own, whole

SIGNUP = one_of(
    ["web", "mobile", "sales", "partner", "education", "startup", "security-research"],
    [0.62, 0.12, 0.09, 0.08, 0.05, 0.03, 0.01],
)
"""How ordinary accounts come; education, startup and research programmes are used by honest people as well [J]."""

AGE = mixture((0.06, log_between(0.05, 7.0)), (0.94, lognormal(320.0, 0.9, 7.0, 1500.0)))
"""Days since sign-up: a growing service has newcomers on every day [J]."""

REGION = whole(0, 17)

ARRIVES = mixture((0.88, always(0.0)), (0.12, between(0.0, 0.95)))
"""Newcomers make their first call on any day [J]."""

RATE = lognormal(60.0, 2.0, 1.0, 40_000.0)
"""Calls a day of an application: sigma 2.0 gives a Gini of 0.84 (T1: 0.75-0.87); large clients of T1 are its tail."""

GAPS = lognormal(0.7, 1.1, 0.02, 3.0)
"""Gamma shape: coefficients of variation p5/p50/p95 of about 0.5/1.2/3 (T1: 0.67-0.98 / 1.03-1.47 / 5-12)."""

AWAKE = mixture((0.45, always(24.0)), (0.35, between(12.0, 23.0)), (0.2, between(4.0, 12.0)))
"""Hours of use: 38-60 % of LLM clients call in all 24 hours of the day (T1)."""

API_ACCOUNT: dict[str, Draw] = {
    "plan": one_of(["payg", "scale", "enterprise"], [0.72, 0.2, 0.08]),
    "age_days": AGE,
    "signup_path": SIGNUP,
}

SEAT_ACCOUNT: dict[str, Draw] = {"plan": one_of(["free", "plus"], [0.6, 0.4]), "age_days": AGE, "signup_path": SIGNUP}

_APPLICATION: dict[str, Draw] = {
    "per_day": RATE,
    "begins": ARRIVES,
    "shape": GAPS,
    "region": REGION,
    "awake": AWAKE,
    "wakes": between(5.0, 10.0),
    "weekend": between(0.3, 1.1),
    "day_noise": between(0.1, 0.7),
    "ramp_days": mixture((0.9, always(0.0)), (0.1, between(0.5, 5.0))),
    "model": one_of(["vega-2-large", "vega-2-mini"], [0.5, 0.5]),
    "second_share": mixture((0.7, always(0.0)), (0.3, between(0.02, 0.5))),
    "pivot": mixture((0.85, always(0.0)), (0.15, between(0.3, 1.0))),
    "input_tokens": lognormal(620.0, 0.7, 20.0, 20_000.0),  # T1: mean input of a client, p50 450-950
    "input_sigma": between(0.25, 0.95),  # T1: CV of input lengths, p50 0.62-0.73
    "alike": mixture(
        (0.16, between(0.8, 1.0)), (0.84, between(0.1, 0.8))
    ),  # T1: one length band, p50 0.38-0.50; 8-24 % above 0.8
    "output_tokens": lognormal(70.0, 0.9, 2.0, 3_000.0),  # T1: mean output of a client, p50 43-101
    "output_sigma": between(0.3, 1.0),
    "temperature": one_of([None, 0.0, 0.2, 0.7, 1.0], [0.35, 0.25, 0.1, 0.2, 0.1]),
    "settings": one_of([1, 2, 4], [0.7, 0.2, 0.1]),
    "max_tokens": one_of([0, 256, 512, 1024, 4096], [0.4, 0.1, 0.2, 0.2, 0.1]),
    "streams": one_of([0.0, 0.5, 1.0], [0.5, 0.2, 0.3]),
    "json": one_of([0.0, 0.3, 1.0], [0.6, 0.15, 0.25]),
    "bias_tokens": one_of([0, 4, 20], [0.97, 0.02, 0.01]),  # a few banned words [J]
    "refused": log_between(0.0005, 0.03),
    "throttled": log_between(0.0002, 0.03),
    "failing": log_between(0.001, 0.03),
    "voice": always("app"),
    "template": own(),
    "templates": one_of([1, 2, 5, 30], [0.4, 0.2, 0.2, 0.2]),
    "templated": one_of([1.0, 0.7, 0.2], [0.5, 0.2, 0.3]),
    "layout": one_of(["system", "prefix", "suffix", "none"], [0.45, 0.2, 0.1, 0.25]),
    "payloads": mixture((0.55, always(0)), (0.45, log_between(5, 5_000))),  # applications meet the same input again [J]
    "payload_set": own(),
    "words": lognormal(30.0, 0.7, 4.0, 200.0),
    "domains": whole(1, 4),
    "domain": whole(0, 11),
    "languages": one_of([1, 2, 4, 10], [0.6, 0.2, 0.15, 0.05]),
    "foreign": between(0.0, 0.5),
    "asks_steps": mixture((0.9, always(0.0)), (0.1, between(0.05, 0.6))),
    "networks": log_between(1.0, 12.0),
    "client": one_of(["sdk", "script", "framework"], [0.6, 0.3, 0.1]),
    "clients": whole(1, 3),
    "keys": whole(1, 4),
    "end_users": mixture((0.8, always(0)), (0.2, log_between(5.0, 2_000.0))),
    "conversations": one_of([0.0, 1.0], [0.8, 0.2]),
}

SEATS = Population(
    name="seats",
    archetype="benign",
    label="benign",
    account=SEAT_ACCOUNT,
    does={
        "begins": ARRIVES,
        "per_day": lognormal(12.0, 1.1, 1.0, 200.0),  # seats at 1-200 a day, threats.md 4.3 [J]
        "region": REGION,
        "wakes": between(6.0, 11.0),
        "awake": between(8.0, 17.0),  # people sleep (T2)
        "weekend": between(0.2, 1.4),
        "day_noise": between(0.4, 1.1),
        "shape": between(0.5, 1.0),
        "turns": between(2.0, 9.0),
        "think_seconds": lognormal(65.0, 0.5, 15.0, 400.0),  # P17: one hump of gaps at about a minute
        "think_sigma": between(0.7, 1.2),
        "second_share": between(0.0, 0.6),
        "pivot": mixture((0.7, always(0.0)), (0.3, between(0.5, 1.0))),
        "input_tokens": lognormal(120.0, 0.6, 10.0, 4_000.0),
        "input_sigma": between(0.6, 1.2),
        "growth": between(0.5, 1.5),
        "output_tokens": lognormal(230.0, 0.6, 20.0, 2_000.0),
        "output_sigma": between(0.6, 1.0),
        "conversations": always(1.0),
        "streams": always(1.0),
        "refused": log_between(0.001, 0.05),
        "system": always(1_000_001),  # the chat product's own
        "curious": mixture((0.95, always(0.0)), (0.05, between(0.001, 0.02))),
        "asks_steps": between(0.0, 0.08),
        "words": lognormal(16.0, 0.6, 3.0, 120.0),
        "languages": one_of([1, 2, 3], [0.7, 0.25, 0.05]),
        "foreign": between(0.0, 0.5),
        "networks": whole(1, 4),
        "client": one_of(["browser", "app"]),
        "clients": whole(1, 2),
    },
)

CHATBOTS = Population(
    name="chatbots",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "turns": between(1.5, 8.0),
        "think_seconds": lognormal(40.0, 0.5, 5.0, 300.0),
        "growth": between(0.2, 1.2),
        "cached": between(0.1, 0.8),
        "layout": always("system"),
        "payloads": always(0),
        "end_users": log_between(5.0, 3_000.0),
        "conversations": one_of([0.0, 1.0], [0.4, 0.6]),
    },
)

PIPELINES = Population("pipelines", "benign", "benign", does=_APPLICATION, account=API_ACCOUNT)

REASONERS = Population(
    name="reasoners",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "model": always("vega-2-think"),
        "per_day": lognormal(45.0, 1.9, 1.0, 20_000.0),
        "output_tokens": lognormal(660.0, 0.8, 80.0, 6_000.0),  # T1: reasoning clients, mean output p50 660, p95 2,096
        "thinking": between(0.3, 0.9),
        "max_tokens": one_of([0, 8192], [0.7, 0.3]),
        "turns": mixture((0.6, always(1.0)), (0.4, between(2.0, 10.0))),
        "growth": between(0.1, 1.0),
        "hands_out": always(1.0),
        "redeems": always(0.9),
        "tags": mixture((0.93, always(0.0)), (0.07, between(0.1, 0.9))),
    },
)

CLASSIFIERS = Population(
    name="classifiers",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "max_tokens": one_of([1, 4, 16]),
        "logprobs": one_of([0.0, 1.0], [0.6, 0.4]),  # confidence of a label is read from log-probabilities [J]
        "temperature": always(0.0),
        "layout": one_of(["system", "prefix"]),
        "templated": always(1.0),
        "voice": one_of(["app", "rubric"], [0.85, 0.15]),
        "json": always(0.0),
        "bias_tokens": one_of([0, 3, 8], [0.6, 0.25, 0.15]),
    },
)

RETRIEVAL = Population(
    name="retrieval",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "operation": always("embedding"),
        "model": always("vega-embed"),
        "second_model": always("vega-embed"),
        "pivot": always(0.0),
        "layout": always("none"),
        "bias_tokens": always(0),
    },
)

SCRIPTS = Population(
    name="scripts",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "per_day": lognormal(15.0, 1.4, 1.0, 2_000.0),
        "turns": log_between(1.0, 80.0),
        "think_seconds": log_between(0.5, 120.0),
        "think_sigma": one_of([0.02, 0.3, 0.9], [0.2, 0.4, 0.4]),  # cron jobs keep one interval [J]
        "layout": one_of(["none", "prefix", "suffix"]),
        "client": always("script"),
    },
)

CODERS = Population(
    name="coders",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT | {"plan": one_of(["plus", "payg", "scale"], [0.5, 0.4, 0.1])},
    does=_APPLICATION
    | {
        "per_day": lognormal(90.0, 1.0, 3.0, 1_500.0),
        "turns": between(6.0, 40.0),
        "think_seconds": lognormal(12.0, 0.6, 3.0, 90.0),
        "awake": between(5.0, 14.0),
        "input_tokens": lognormal(6_000.0, 0.7, 800.0, 60_000.0),
        "growth": between(0.05, 0.3),
        "output_tokens": lognormal(220.0, 0.5, 40.0, 1_500.0),
        "cached": between(0.6, 0.95),
        "tools": whole(4, 20),
        "toolbox": whole(1, 6),
        "system": whole(0, 5),
        "layout": always("none"),
        "voice": always("chat"),
        "payloads": always(0),
        "language": mixture((0.7, always("")), (0.3, always("code"))),
        "streams": always(1.0),
        "client": always("coder"),
        "conversations": always(1.0),
        "max_tokens": one_of([0, 8192]),
    },
)

FILES = Population(
    name="files",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION
    | {
        "operation": always("download"),
        "model": always(""),
        "second_model": always(""),
        "pivot": always(0.0),
        "layout": always("none"),
        "per_day": lognormal(15.0, 1.3, 1.0, 600.0),
        "objects": mixture((0.5, always(0)), (0.5, log_between(3.0, 200.0))),
        "numbered": one_of([False, True], [0.7, 0.3]),
        "walk": between(0.0, 0.9),  # part files of one's own batch are fetched in order [J]
    },
)

MODERATORS = Population(
    name="moderators",
    archetype="benign",
    label="benign",
    account=API_ACCOUNT,
    does=_APPLICATION | {"refused": between(0.03, 0.3), "layout": one_of(["system", "prefix"]), "payloads": always(0)},
)

MAJORITY: tuple[tuple[float, Population], ...] = (
    (0.5, SEATS),
    (0.09, CHATBOTS),
    (0.13, PIPELINES),
    (0.06, REASONERS),
    (0.03, CLASSIFIERS),
    (0.04, RETRIEVAL),
    (0.07, SCRIPTS),
    (0.05, CODERS),
    (0.02, FILES),
    (0.01, MODERATORS),
)
"""Share of the benign majority and population [J]."""

APPLICATION = _APPLICATION
"""Draws of an application in general, to build others on."""
