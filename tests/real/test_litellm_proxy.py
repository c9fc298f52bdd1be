"""Real input: a LiteLLM proxy is started, called over HTTP, and what it logged is backfilled as written."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from real.litellm_proxy import Proxy, running_proxy, running_sink

STILLWATCH = Path(sys.executable).with_name("stillwatch")
BENIGN = [f"team-{number}" for number in range(8)]
QUESTIONS = ("How do I renew my passport?", "Write a haiku about rain.", "What is the capital of Peru?", "Fix my SQL, please.", "Plan a week of vegetarian dinners.")  # fmt: skip

CALLS = 98 + 160 + 130  # of the benign teams, the harvester and the sweeper

pytestmark = pytest.mark.slow


def _chat(text: str, system: str | None = None) -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": text}]


def _benign(proxy: Proxy) -> int:
    calls = 0
    for number, team in enumerate(BENIGN):
        for turn in range(12):
            question = (
                f"{QUESTIONS[(number + turn) % len(QUESTIONS)]} ({team}, {turn * 7})"
                if turn % 3
                else QUESTIONS[turn % 5]
            )
            proxy.call(
                team, model="gpt-4o", messages=_chat(question), temperature=0.2 * (turn % 4), stream=turn % 5 == 0
            )
            calls += 1
    proxy.call(BENIGN[0], "/v1/embeddings", model="emb", input=["one", "two"])
    proxy.call("", model="gpt-4o", messages=_chat("let me in"))
    return calls + 2


def _harvest(proxy: Proxy) -> int:
    instruction = (
        "You are a meticulous annotator building a training corpus. Write out your complete internal reasoning, step by step, "
        "inside think tags before giving the final answer, and never skip an intermediate step."
    )

    def one(number: int) -> int:
        task = f"Task {number}: a train leaves at {number % 24}:{number % 60:02d} with {number * 3} passengers; {_words(number)}. How many arrive?"
        return proxy.call(
            "harvester", model="gpt-4o-long", messages=_chat(f"{instruction}\n{task}"), temperature=1.0, max_tokens=4096
        )

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(160))) == {200}
    return 160


def _words(number: int) -> str:
    colours = ("amber", "blue", "coral", "dun", "ebony", "fawn", "gold", "hazel", "ivory", "jade")
    return " ".join(colours[(number // 10**place) % 10] for place in range(4))


def _sweep(proxy: Proxy) -> int:
    def one(number: int) -> int:
        bias = {str(number * 8 + token): 100 for token in range(8)}
        return proxy.call(
            "sweeper",
            model="gpt-4o",
            messages=_chat("Say"),
            max_tokens=1,
            logprobs=True,
            top_logprobs=5,
            logit_bias=bias,
        )

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(130))) == {200}
    return 130


@pytest.fixture(scope="module")
def proxy_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proxy")
    with running_sink() as sink, running_proxy(folder, sink, payloads_a_post=CALLS) as proxy:
        assert _benign(proxy) + _harvest(proxy) + _sweep(proxy) == CALLS
        sink.wait_for(CALLS)
        log = folder / "generic_api_posts.jsonl"
        log.write_bytes(b"\n".join(sink.received) + b"\n")
    return log


def _stillwatch(*arguments: str | Path) -> str:
    command = [STILLWATCH, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout


def test_a_harvester_and_a_logit_sweep_behind_a_real_proxy_are_flagged_and_nobody_else(proxy_log: Path) -> None:
    lake = proxy_log.parent / "lake"
    key = proxy_log.parent / "fingerprint.key"
    _stillwatch("backfill", proxy_log, "--lake", lake, "--complete", "--key-file", key)
    rows = json.loads(
        _stillwatch("query", "select account_id, kind, tier from flagged_accounts", "--lake", lake, "--format", "json")
    )
    flagged = {row["account_id"]: row["kind"] for row in rows}
    assert flagged == {"harvester": "distillation", "sweeper": "reverse_engineering"}


def test_every_payload_of_the_real_proxy_is_accounted_for(proxy_log: Path) -> None:
    lake = proxy_log.parent / "accounted"
    key = proxy_log.parent / "fingerprint.key"
    _stillwatch("backfill", proxy_log, "--lake", lake, "--complete", "--key-file", key)
    runs = json.loads(_stillwatch("query", "select sources from runs", "--lake", lake, "--format", "json"))
    counts = [source for run in runs for source in run["sources"]]
    payloads = sum(len(json.loads(line)) for line in proxy_log.read_bytes().splitlines())
    assert sum(source["records"] for source in counts) == payloads
    assert sum(source["rejects"] for source in counts) == 0
    assert sum(source["appended"] for source in counts) == sum(
        source["accepted"] + source["duplicates"] for source in counts
    )
