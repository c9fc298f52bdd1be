"""A folder with everything that examples name, and a shell in it."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.lake.lease import who_holds

ACCOUNT = "team-7"
Shell = Callable[[str, Path], "subprocess.CompletedProcess[str]"]


def write_logs(folder: Path) -> None:
    """Two days of LiteLLM's payloads for a dozen teams, one file a day, and one more file for stdin."""
    folder.mkdir()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for day in range(2):
        payloads = [payload(start + timedelta(days=day, minutes=3 * number), number) for number in range(480)]
        with gzip.open(folder / f"2026-03-0{day + 1}.jsonl.gz", "wt") as log:
            log.writelines(json.dumps(one) + "\n" for one in payloads)
    with gzip.open(folder.parent / "calls.gz", "wt") as log:
        log.writelines(json.dumps(payload(start + timedelta(days=2, minutes=n), n)) + "\n" for n in range(60))


def payload(time: datetime, number: int) -> dict[str, object]:
    """One call as LiteLLM logs it."""
    return {
        "id": f"call-{time.timestamp():.0f}",
        "call_type": "acompletion",
        "startTime": time.timestamp(),
        "endTime": time.timestamp() + 2,
        "model": "large",
        "prompt_tokens": 20 + number % 7,
        "completion_tokens": 40 + number % 11,
        "total_tokens": 60,
        "response_cost": 0.001,
        "status": "success",
        "metadata": {"user_api_key_team_id": f"team-{number % 12}", "user_api_key_hash": f"hash-{number % 12}"},
        "messages": [{"role": "user", "content": f"Please help me with question number {number} of my list"}],
        "response": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}]},
        "model_parameters": {"temperature": 0.5},
    }


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Runs one line of shell in a folder, with this environment's stillwatch first on the path.

    A `watch` that would go on for ever is stopped, as an operator stops it, once it has the lease of its lake.
    """

    def run(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "XDG_CONFIG_HOME": str(folder / "config")}
        program = ["bash", "-o", "pipefail", "-c", line.replace("ACCOUNT", ACCOUNT)]
        if "stillwatch watch" in line and "--once" not in line:
            return _stopped(program, folder, environment)
        return subprocess.run(program, cwd=folder, env=environment, check=False, capture_output=True, text=True)

    return run


def _stopped(program: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """How a watch of the lake in a folder ends that is told to."""
    with subprocess.Popen(
        program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as shell:  # fmt: skip
        while (holder := who_holds(folder / "lake")) is None or holder.command != "watch":
            if shell.poll() is not None:
                break
            time.sleep(0.05)
        if holder is not None:
            os.kill(holder.pid, signal.SIGTERM)
        while who_holds(folder / "lake") is not None:
            time.sleep(0.05)
        time.sleep(0.5)  # what it says at its end
        is_piped = "|" in program[-1]
        if is_piped:
            os.killpg(shell.pid, signal.SIGTERM)  # the writer of a pipe that nobody reads
        out, err = shell.communicate()
    code = 0 if is_piped and shell.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM) else shell.returncode
    return subprocess.CompletedProcess(program, code, out, err)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Path:
    """A folder with everything that the examples name: logs, a lake of them, accounts, a policy."""
    folder = tmp_path_factory.mktemp("examples")
    write_logs(folder / "logs")
    (folder / "accounts.csv").write_text(f"account_id,plan\n{ACCOUNT},enterprise\n")
    (folder / "policy.toml").write_text("[rates]\nreview = 0.002\n")
    done = shell("stillwatch backfill logs/ --lake lake --complete --quiet", folder)
    assert done.returncode == 0, done.stderr
    return folder
