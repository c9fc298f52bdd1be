"""What the shapes of a harvest share: properties of answers, text, pacing and account, with the shares measured of honest ones."""

from schemas.shape import Bound, Property, Step, steps

AT_LEAST, AT_MOST = "least", "most"

TASKS = Property(
    "tasks",
    "{observed} of the prompts are sent once, each in a single message: new tasks, no conversation and no evaluation",
    "threats.md 2.4 #21: of strongly templated clients 0.07 / 0.16 also never repeat (priors of templated_novelty_24h and template_share_24h, features)",
    (Step(0.44, (Bound("payload_novelty_24h", AT_LEAST, 0.95), Bound("multi_turn_share_24h", AT_MOST, 0.05))),),
    is_needed=True,
)

ANSWERS = Property(
    "answers",
    "an answer holds {observed} written tokens on average, hidden reasoning not counted, and much more than was read",
    "T1: mean written tokens an answer and mean tokens read, per client-day",
    (
        Step(0.066, (Bound("written_per_call_24h", AT_LEAST, 350.0), Bound("written_in_ratio_24h", AT_LEAST, 0.78))),
        Step(0.035, (Bound("written_per_call_24h", AT_LEAST, 350.0), Bound("written_in_ratio_24h", AT_LEAST, 1.7))),
        Step(0.016, (Bound("written_per_call_24h", AT_LEAST, 660.0), Bound("written_in_ratio_24h", AT_LEAST, 1.7))),
        # Fewer than the clients can show: one of 330 is the least that is claimed.
        Step(0.006, (Bound("written_per_call_24h", AT_LEAST, 1000.0), Bound("written_in_ratio_24h", AT_LEAST, 1.7))),
        Step(0.003, (Bound("written_per_call_24h", AT_LEAST, 1000.0), Bound("written_in_ratio_24h", AT_LEAST, 4.0))),
    ),
    is_needed=True,
)

OUTPUT = Property(
    "output",
    "an answer takes {observed} tokens on average, hidden reasoning perhaps among them, and much more than was read",
    "T1: mean tokens of output an answer, reasoning counted, and mean tokens read, per client-day, reasoning models among the clients: from the median of these, 660, to their 95th percentile, 2,096 (threats.md 4.3)",
    (
        Step(0.05, (Bound("output_per_call_24h", AT_LEAST, 660.0), Bound("out_in_ratio_24h", AT_LEAST, 1.7))),
        Step(0.034, (Bound("output_per_call_24h", AT_LEAST, 1000.0), Bound("out_in_ratio_24h", AT_LEAST, 1.7))),
        Step(0.012, (Bound("output_per_call_24h", AT_LEAST, 2096.0), Bound("out_in_ratio_24h", AT_LEAST, 4.0))),
    ),
    is_needed=True,
)
"""What stands for ANSWERS where nobody knows how much of the output was written: clients of a reasoning model, of whose output
most is reasoning, are counted as what they look like then. It begins where it is as rare as ANSWERS is where that begins."""

INSTRUCTION = Property(
    "instruction",
    "one instruction, or a few, stand in {observed} of the prompts",
    "threats.md 2.4 #20: 8-24 % of benign clients are strongly templated, as the prior of template_share_24h (features)",
    steps("template_share_24h", AT_LEAST, (0.5, 0.3), (0.8, 0.24), (0.95, 0.16)),
)

SETTINGS = Property(
    "settings",
    "one set of sampling parameters in {observed} of the calls",
    "threats.md 2.3 #15, as the prior of parameters_top_share_24h (features)",
    steps("parameters_top_share_24h", AT_LEAST, (0.98, 0.4)),
)

LIMIT = Property(
    "limit",
    "{observed} of the calls run into the rate limit",
    "threats.md 2.2 #7, as the prior of throttled_share_24h (features)",
    steps("throttled_share_24h", AT_LEAST, (0.05, 0.1), (0.2, 0.03)),
)

YOUTH = Property(
    "youth",
    "the account is {observed} days old",
    "threats.md 2.2 #5, as the prior of age_days (features); between a week and a month our judgement",
    steps("age_days", AT_MOST, (30.0, 0.3), (7.0, 0.2), (2.0, 0.1)),
)

LANGUAGES = Property(
    "languages",
    "{observed} languages in a day, and no users named behind the account",
    "threats.md 2.4 #33, as the prior of languages_24h (features)",
    (
        Step(0.05, (Bound("languages_24h", AT_LEAST, 6.0), Bound("named_users_24h", AT_MOST, 1.0))),
        Step(0.01, (Bound("languages_24h", AT_LEAST, 12.0), Bound("named_users_24h", AT_MOST, 1.0))),
    ),
)
