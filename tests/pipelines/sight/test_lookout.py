"""What only the rows of a lake tell: a watch raises it at the hour in which it is so, and after a restart it still knows."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.cli.progress import Progress
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.sight.alerts import open_alerts
from pipelines.sight.facts import closed_until
from pipelines.watch import watch
from schemas.policy import Alerts, Policy, Watch

ACCOUNTS = 24  # ten of which have to agree on the time
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = replace(
    Policy(),
    alerts=Alerts(look_seconds=0.0, volume_least_calls=ACCOUNTS // 2, abstaining_least_accounts=ACCOUNTS // 2),
    watch=Watch(latency_seconds=0.02),
)


def _hour(start: datetime, accounts: int = ACCOUNTS, *, shows_prompts: bool = True) -> Iterator[str]:
    """A call of each account within the hour."""
    for account in range(accounts):
        moment = start + account * timedelta(minutes=2)
        call = {"event_id": f"{moment}", "account_id": f"account-{account}", "time": moment.isoformat()}
        shown = {"prompt": f"What happened at {moment}?"} if shows_prompts else {}
        yield json.dumps(call | {"operation": "chat"} | shown) + "\n"


def _day(number: int, *first: str, **shown: bool) -> list[str]:
    """The hour from six, and the one after, whose calls close it."""
    six = START + number * DAY + 6 * HOUR
    return [*(first or _hour(six, **shown)), *_hour(six + HOUR, **shown)]


class _Log:
    """A log that is written while a watch reads it, and what is open in the lake afterwards."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lake = folder / "app.log", folder / "lake"
        self.path.touch()

    def append(self, lines: Iterable[str]) -> None:
        """Writes the lines at once."""
        with self.path.open("a") as log:
            log.write("".join(lines))

    def closed(self) -> datetime:
        """End of the ticks that are closed."""
        return closed_until(Lake.open(self.lake)) or START

    def until(self, holds: Callable[[set[str]], bool]) -> pl.DataFrame:
        """The open alerts as soon as their kinds are as they should be."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (self.lake / "_stillwatch" / "lake.json").exists():
                alerts = open_alerts(Lake.open(self.lake))
                if holds(set(alerts["kind"])):
                    return alerts
            time.sleep(0.05)
        raise TimeoutError(f"open: {open_alerts(Lake.open(self.lake)).rows()}")


@contextmanager
def _watched(folder: Path) -> Iterator[_Log]:
    key, log, stop = folder / "key", _Log(folder), threading.Event()
    key.write_text("0f" * 32)
    key.chmod(0o600)
    request = Request((str(log.path),), log.lake, groups=2, key_file=key, policy=POLICY)
    thread = threading.Thread(target=watch, args=(request, Progress(quiet=True), stop))
    thread.start()
    try:
        yield log
    finally:
        stop.set()
        thread.join(120)


@pytest.mark.slow
def test_a_watch_tells_of_a_field_and_of_calls_that_no_longer_come_and_forgets_neither_over_a_restart(
    tmp_path: Path,
) -> None:
    six = START + 8 * DAY + 6 * HOUR
    with _watched(tmp_path) as log:
        log.append(line for day in range(8) for line in _day(day))
        log.until(lambda kinds: not kinds and log.closed() >= six - DAY + HOUR)
        log.append(_day(8, shows_prompts=False))
        (alert,) = log.until(lambda kinds: kinds == {"abstentions_jumped"}).to_dicts()
        assert alert["subject"].startswith("no prompt text")
        assert (alert["since"], alert["message"][:26]) == (six, "100% of 24 accounts abstai")
        log.append(_day(9, *_hour(six + DAY, ACCOUNTS // 4)))
        (alert,) = log.until(lambda kinds: kinds == {"volume_collapsed"}).to_dicts()
        assert (alert["since"], alert["message"][:20]) == (six + DAY, "6 calls in the hour ")
    with _watched(tmp_path) as log:
        log.append(_hour(six + DAY + 2 * HOUR))
        log.until(lambda kinds: not kinds)
    rows = Lake.open(log.lake).read("alerts")
    assert sorted(rows["kind"]) == ["abstentions_jumped", "volume_collapsed"]
