"""A folder with everything that examples name, and a shell in it."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from programs import Program, Told, installed

ACCOUNT = "team-7"
Shell = Callable[[str, Path], Told]
LONGEST_SECONDS = 540
"""A demo takes half a minute; its time is multiplied where tests share the machine. Less than any test may take (pyproject.toml)."""


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
    """Runs one line of shell in a folder, with this environment's stillwatch first on the path; kills what does not end.

    A `watch` that would go on for ever is stopped once it has spoken, as an operator would; it listens where there is room.
    """

    def run(line: str, folder: Path) -> Told:
        is_endless = "stillwatch watch" in line and "--once" not in line
        before = "trap : TERM" if is_endless else "set -o pipefail"
        command = ["bash", "-c", f"{before}\n{line.replace('ACCOUNT', ACCOUNT).replace(':9464', ':0')}"]
        with Program(command, installed(folder / "config"), folder) as program:
            if is_endless:
                program.until(program.has_spoken)
                return program.stop(all_at_once=True)
            return program.wait(LONGEST_SECONDS)

    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Path:
    """A folder with everything that the examples name: logs, a lake of them, accounts, a policy, how brokers are reached."""
    folder = tmp_path_factory.mktemp("examples")
    write_logs(folder / "logs")
    (folder / "accounts.csv").write_text(f"account_id,plan\n{ACCOUNT},enterprise\n")
    (folder / "kafka.properties").write_text("security.protocol=plaintext\n")
    (folder / "policy.toml").write_text("[rates]\nreview = 0.002\n")
    # A dozen teams are to be enough for a reference.
    (folder / "few.toml").write_text("[distribution]\nleast_accounts = 2\n")
    done = shell("stillwatch backfill logs/ --lake lake --policy few.toml --complete --quiet", folder)
    assert done.code == 0, done.err
    return folder
