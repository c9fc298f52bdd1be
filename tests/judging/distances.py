"""`make evaluation ARGS=distribution`: the distribution test by itself on real prompts, by the protocol of the published anchor.

Liu, Guo and Dong (threats.md 3.1, P1) mix a share of an attacker's queries into windows of honest ones, and count the windows that lie
further from a honest reference than honest windows do. Here honest queries are published questions, attackers are a generator's prompts
and judges of the same questions; all have one number of output tokens, so that what was asked decides and not what came back. A line
of JSON a pair and window goes to stdout, and nothing is kept.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import real_prompts
from ingest_blocks import decoded
from judging.worlds import SHARES
from real_logs import Account, Call, canonical
from schemas.policy import Policy
from schemas.registry import REGISTRY
from transforms.distribution.embedding import features
from transforms.order.step import OrderState
from transforms.order.step import step as order
from transforms.sketches.whitening import F64, I64, Centre

WINDOWS = (100, 500, 1_500)
"""Calls: the least, the middle and the usual window of the publication."""

DRAWN = 1_000
"""Honest windows for the threshold, as many others that are counted against it, and windows of each share."""

FALSE = 0.003
"""The observed rate of false positives of the publication."""

_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = _DAY + timedelta(days=365)


@dataclass(frozen=True)
class Pair:
    """Honest prompts, and an attacker's.

    Attributes:
        honest: name of the collection.
        attacker: who it is.
        asked: the honest prompts.
        taken: the attacker's.
    """

    honest: str
    attacker: str
    asked: list[str]
    taken: list[str]


def embedded(prompts: Sequence[str]) -> I64:
    """Features of calls with these prompts, one row each, in order."""
    calls = [
        Call(
            Account(f"a-{number:06d}", "api", _DAY, "192.0.2.1", "openai-python/1.60.0", "US"),
            _DAY,
            _DAY + timedelta(seconds=3),
            "chat-large",
            len(prompt) // 4,
            200,
            prompt,
        )
        for number, prompt in enumerate(prompts)
    ]
    lines = b"".join(json.dumps(canonical(call, call.account.account_id)).encode() + b"\n" for call in calls)
    _, made = order(OrderState.empty(), decoded("canonical", lines).events, REGISTRY.empty(), _LATER, Policy())
    return features(made.calls.sort("account_id"), "prompt").astype(np.int64)


REASONED = (
    "{} Show every step of how you get there before you give the result.",
    "Think aloud about what follows, leave nothing out, then answer.\n\n{}",
    "{}\n\nI need the whole train of thought, not only what comes out of it.",
)
"""Requests for reasoning in three wordings, put around an honest question."""


def pairs(shared_data: Path) -> Iterator[Pair]:
    """Every attacker against each collection that is large enough to be halved.

    A generator's prompts; judges of the same questions; the same questions with a request for reasoning; and, as nothing but words and lengths
    tells them, whoever asks the questions of another collection.
    """
    collections = real_prompts.ordinary_prompts(shared_data)
    generated = list(real_prompts.generator_prompts(shared_data).values())
    templates = [f"{system}\n{template}" for system, template in real_prompts.judge_prompts(shared_data)]
    everything = [prompt for prompts in collections.values() for prompt in prompts]
    for name, asked in {"gsm8k": collections["gsm8k"], "ifeval": collections["ifeval"], "all": everything}.items():
        judged = [template.replace("{question}", question) for template, question in zip(cycle(templates), asked)]
        reasoned = [wording.format(question) for wording, question in zip(cycle(REASONED), asked)]
        yield Pair(name, "generator", asked, generated)
        yield Pair(name, "judge", asked, judged)
        yield Pair(name, "reasoning", asked, reasoned)
        for other in collections if name != "all" else ():
            if other != name:
                yield Pair(name, other, asked, collections[other])


def measured(normal: I64, attack: I64, window: int, policy: Policy) -> dict[str, Any]:
    """What the test says of windows: the honest ones counted against a threshold that others gave, and those with a share of attack.

    Half of the honest calls make the centre, all windows are drawn from the other half, as published.

    Args:
        normal: features of honest calls, one row each.
        attack: features of the attacker's calls.
        window: calls a window.
        policy: distribution.ridge.
    """
    chance = np.random.default_rng(0)
    normal = normal[chance.permutation(len(normal))]
    inside, outside = np.split(normal, [len(normal) // 2])
    centre = Centre.of(inside, np.ones(len(inside), dtype=np.int64), policy.distribution.ridge)

    def distances(share: float) -> F64:
        taken = round(share * window)
        sums = [
            outside[chance.integers(len(outside), size=window - taken)].sum(axis=0)
            + attack[chance.integers(len(attack), size=taken)].sum(axis=0)
            for _ in range(DRAWN)
        ]
        return centre.distances(np.array(sums), np.full(DRAWN, window))

    threshold = float(np.quantile(distances(0.0), 1 - FALSE))
    found = {share: float((distances(share) > threshold).mean()) for share in SHARES}
    return {
        "false": float((distances(0.0) > threshold).mean()),
        "found": found,
        "mean": float(np.mean(list(found.values()))),
    }


def main(arguments: Sequence[str], shared_data: Path) -> None:
    """Measures every pair."""
    parser = argparse.ArgumentParser(prog="make evaluation ARGS=distribution", description=__doc__)
    parser.add_argument("--shared-data", type=Path, default=shared_data, help="published prompts")
    parser.add_argument("--windows", type=int, nargs="+", default=WINDOWS, help="calls a window")
    asked = parser.parse_args(arguments)
    if not asked.shared_data.exists():
        parser.error(f"{asked.shared_data}: no published prompts there; name their folder with --shared-data")
    for pair in pairs(asked.shared_data):
        normal, attack = embedded(pair.asked), embedded(pair.taken)
        for window in asked.windows:
            told = {"honest": pair.honest, "attacker": pair.attacker, "window": window}
            sys.stdout.write(f"{json.dumps(told | measured(normal, attack, window, Policy()))}\n")
            sys.stdout.flush()
