"""An activity: one way of calling the API that an account (or a pool of accounts) keeps up for a while."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from transforms.simulate.draws import Draw


@dataclass(frozen=True)
class Parameter:
    """One number or name that decides what an activity's calls look like.

    Attributes:
        name: column name.
        default: its value where a population says nothing.
        doc: what it means, with its unit.
    """

    name: str
    default: Any
    doc: str


PARAMETERS = (
    # -- when
    Parameter("per_day", 20.0, "calls a day, weekdays, at full rate"),
    Parameter("begins", 0.0, "when it starts, as a share of the world's time"),
    Parameter("ends", 1.0, "when it stops, as a share of the world's time"),
    Parameter("ramp_days", 0.0, "days until the full rate is reached"),
    Parameter("day_noise", 0.4, "log standard deviation of a day's rate"),
    Parameter("shape", 1.0, "Gamma shape of the gaps between sessions: their coefficient of variation is shape**-0.5"),
    Parameter("region", 0, "where the account is at home: row of REGIONS"),
    Parameter("zone", None, "hours east of UTC; null for that of the region"),
    Parameter("wakes", 7.0, "local hour at which the day begins"),
    Parameter("awake", 24.0, "hours of the day in which calls are made"),
    Parameter("weekend", 1.0, "rate on Saturdays and Sundays against weekdays"),
    Parameter("turns", 1.0, "mean calls of a session (geometric)"),
    Parameter("think_seconds", 45.0, "median pause between calls of a session, s"),
    Parameter("think_sigma", 0.9, "its log standard deviation; 0 for a fixed interval"),
    # -- what is asked of which model
    Parameter("operation", "chat", "chat, completion, embedding or download"),
    Parameter("model", "vega-2-large", "model of most calls"),
    Parameter("second_model", "vega-2-mini", "model of the others"),
    Parameter("second_share", 0.0, "share of calls to the second model"),
    Parameter("pivot", 0.0, "share of calls that move to the new model once it is released"),
    Parameter("input_tokens", 500.0, "median input tokens of a session's first call"),
    Parameter("input_sigma", 0.8, "log standard deviation of input tokens"),
    Parameter("alike", 0.0, "share of calls, outside conversations, whose input has nearly the median length"),
    Parameter("growth", 0.0, "input tokens a turn adds, against the first call's; 0 if calls of a session are no conversation"),
    Parameter("output_tokens", 150.0, "median output tokens"),
    Parameter("output_sigma", 0.8, "log standard deviation of output tokens"),
    Parameter("cached", 0.6, "mean share of the input read from cache in a conversation's later calls"),
    Parameter("thinking", 0.0, "share of the output that is reasoning"),
    Parameter("history", 0.0, "mean number of earlier messages in a session's first call"),
    Parameter("conversations", 0.0, "probability that the client names its conversation"),
    # -- parameters
    Parameter("temperature", None, "sampling temperature; null if not set"),
    Parameter("settings", 1, "number of different parameter settings the client uses"),
    Parameter("max_tokens", 0, "largest output asked for; 0 if not set"),
    Parameter("choices", 0, "choices asked for; 0 if not set"),
    Parameter("streams", 0.0, "share of calls that stream"),
    Parameter("logprobs", 0.0, "share of calls that ask for log-probabilities"),
    Parameter("bias_tokens", 0, "tokens biased in a call; 0 for none"),
    Parameter("bias_sweep", 0, "vocabulary the biased tokens walk through; 0 for the same few tokens in each call"),
    Parameter("json", 0.0, "share of calls that ask for JSON"),
    Parameter("tools", 0, "tools offered in each call"),
    Parameter("toolbox", 0, "which set of tools; equal numbers are equal sets"),
    # -- outcome
    Parameter("refused", 0.004, "share of calls the model refuses"),
    Parameter("refused_by_wording", False, "whether refusal hangs on a call's wording, not on its payload"),
    Parameter("throttled", 0.002, "share of calls answered 429"),
    Parameter("failing", 0.005, "share of calls answered 400, 500 or 503"),
    # -- text
    Parameter("voice", "chat", "family of instructions, see phrases.py"),
    Parameter("layout", "none", "where the instruction stands: none, prefix, suffix, wrap, system"),
    Parameter("template", 0, "first instruction of the family; equal numbers are equal instructions"),
    Parameter("templates", 1, "number of instructions used"),
    Parameter("templated", 1.0, "share of calls that carry the instruction"),
    Parameter("paraphrase", 0.0, "share of the instruction's words replaced in each call"),
    Parameter("system", -1, "the product's own system prompt; -1 for none, below 100 a popular public one"),
    Parameter("asks_steps", 0.0, "share of free prompts that ask for step-by-step thinking"),
    Parameter("curious", 0.0, "share of free prompts that ask for the system prompt"),
    Parameter("tags", 0.0, "share of answers that open with a reasoning tag"),
    Parameter("payloads", 0, "distinct payloads; 0 if every call has its own"),
    Parameter("payload_set", 0, "which payloads; equal numbers are equal payloads"),
    Parameter("in_order", False, "payloads are taken in order, not at random"),
    Parameter("perturbed", 0.0, "share of a payload's words replaced in each call, one at least; 0 for none"),
    Parameter("dwells", 1, "calls that take a payload before the next, where they are taken in order"),
    Parameter("answers_back", 0, "whose answers its payloads are: of the activity so many rows before; 0 for none"),
    Parameter("canaries", 0.0, "share of payloads that are one of three fixed questions, asked to check the model's quality"),
    Parameter("words", 24.0, "median words of a payload"),
    Parameter("domains", 12, "fields of knowledge the payloads are about"),
    Parameter("domain", 0, "first of them"),
    Parameter("language", "", "language of most payloads; empty for that of the region"),
    Parameter("languages", 1, "languages used in all"),
    Parameter("foreign", 0.0, "share of payloads in another language than the first"),
    # -- where from
    Parameter("site", -1, "whose networks and user agents; equal numbers share them; -1 for the account's own"),
    Parameter("networks", 2, "networks the calls come from"),
    Parameter("moves_daily", False, "one network a day instead of all at once"),
    Parameter("client", "sdk", "family of user agents, see places.py"),
    Parameter("clients", 1, "different user agents"),
    Parameter("fingerprint", -1, "own client fingerprint; equal numbers are equal; -1 for that of the user agent"),
    Parameter("fingerprints", 1, "different own fingerprints; an account keeps to one"),
    Parameter("end_users", 0, "users of the account's own product; 0 if not forwarded"),
    Parameter("keys", 1, "API keys"),
    # -- files and handles
    Parameter("objects", 0, "objects that can be fetched; 0 if each download is of a new one"),
    Parameter("object_set", 0, "which objects; equal numbers are equal objects"),
    Parameter("numbered", False, "objects are named by ascending numbers"),
    Parameter("walk", 0.0, "share of numbered downloads that take the next number"),
    Parameter("hands_out", 0.0, "share of answers that hand out a reasoning handle"),
    Parameter("redeems", 0.0, "share of calls that redeem a handle"),
    Parameter("redeems_first", 0, "only this many first calls redeem; 0 for no such limit"),
    Parameter("redeems_back", 0, "whose handles: of the activity so many rows before; 0 for its own"),
)  # fmt: skip
"""Everything a population may decide; one column each in the frame of activities."""

KINDS: dict[str, Any] = {
    parameter.name: pl.Float64 if parameter.default is None else type(parameter.default) for parameter in PARAMETERS
}

REGIONS = (
    ("US", -8.0, "en"), ("US", -5.0, "en"), ("GB", 0.0, "en"), ("IN", 5.5, "en"), ("AU", 10.0, "en"), ("DE", 1.0, "de"),
    ("FR", 1.0, "fr"), ("ES", 1.0, "es"), ("BR", -3.0, "pt"), ("IT", 1.0, "it"), ("NL", 1.0, "nl"), ("PL", 1.0, "pl"),
    ("TR", 3.0, "tr"), ("UA", 2.0, "uk"), ("SG", 8.0, "zh"), ("JP", 9.0, "ja"), ("KR", 9.0, "ko"), ("ID", 7.0, "id"),
)  # fmt: skip
"""Country, hours east of UTC, language."""

ACCOUNT = {
    "plan": None,
    "age_days": 400.0,
    "signup_path": "web",
    "contract": None,
}
"""What the operator's registry knows of an account, with its default; its country is that of its region."""


@dataclass(frozen=True)
class Population:
    """Accounts of one kind: how what they do, and what is known of them, varies among them.

    Attributes:
        name: unique; seeds the population's draws.
        archetype: T-* or B-* of the threat model, `benign` for the majority.
        label: benign, grey or extraction.
        does: draw per activity parameter; the others keep their default.
        account: draw per registry column.
        cover: an attacker's ordinary use beside the attack.
        cover_share: share of the account's calls that is cover.
        group: accounts that act together; more than 1 makes them a campaign, if the label is not benign.
    """

    name: str
    archetype: str
    label: str
    does: dict[str, Draw]
    account: dict[str, Draw] = field(default_factory=dict)
    cover: "Population | None" = None
    cover_share: Draw | None = None
    group: int = 1


def activities(population: Population, count: int, rng: np.random.Generator) -> pl.DataFrame:
    """One activity per account of the population: a column per parameter."""
    frame = pl.DataFrame(
        [
            pl.Series(
                parameter.name,
                list(population.does[parameter.name](rng, count))
                if parameter.name in population.does
                else [parameter.default] * count,
                dtype=KINDS[parameter.name],
                strict=False,
            )
            for parameter in PARAMETERS
        ]
    )
    home = pl.DataFrame(REGIONS, schema=["country", "home_zone", "home_language"], orient="row")[
        frame["region"].to_list()
    ]
    return frame.with_columns(
        zone=pl.col("zone").fill_null(home["home_zone"]),
        language=pl.when(pl.col("language") == "").then(pl.lit(home["home_language"])).otherwise("language"),
    )


def registry_of(population: Population, count: int, rng: np.random.Generator) -> pl.DataFrame:
    """What is known of each account of the population: the columns of `ACCOUNT`, and who shares what.

    `card` and `batch` number cards and sign-ups within the population; accounts of one batch are created `after_seconds`
    after its beginning. Here everybody pays and signs up alone.
    """
    drawn = {
        name: list(population.account[name](rng, count)) if name in population.account else [default] * count
        for name, default in ACCOUNT.items()
    }
    kinds = {"age_days": pl.Float64}
    frame = pl.DataFrame(
        [pl.Series(name, values, dtype=kinds.get(name, pl.String), strict=False) for name, values in drawn.items()]
    )
    alone = pl.int_range(count, eager=True)
    return frame.with_columns(card=alone, batch=alone, after_seconds=pl.lit(0.0))
