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
from pipelines.lake.closed import closed_until
from pipelines.lake.lake import Lake
from pipelines.request import Request
from pipelines.sight import lookout
from pipelines.sight.alerts import open_alerts
from pipelines.watch import watch
from schemas.alert import ALERT
from schemas.catalogue import TABLES
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


class _Told:
    """A writer of a lake of the calls of some hours that is closed so far, and that lake; what is raised is kept."""

    def __init__(self, calls: dict[datetime, int], closed: datetime | None) -> None:
        self.closed, self.rows = closed, ALERT.empty()
        windows = pl.DataFrame(
            {"window_end": list(calls), "calls_1h": list(calls.values())},
            schema={"window_end": pl.Datetime("us", "UTC"), "calls_1h": pl.Int64},
        ).with_columns(provisional=pl.lit(value=False))
        self._windows = windows

    @property
    def lake(self) -> "_Told":
        return self

    def read(self, table: str) -> pl.DataFrame:
        return self.rows if table == "alerts" else TABLES[table].empty()

    def scan(
        self, table: str, _version: object = None, span: tuple[str, datetime, datetime | None] | None = None
    ) -> pl.LazyFrame:
        if table != "account_windows":
            return TABLES[table].empty().lazy()
        assert span is not None
        column, since, until = span
        return self._windows.lazy().filter(pl.col(column) >= since, pl.col(column) < until)

    def collect(self, _table: str, rows: pl.LazyFrame) -> pl.DataFrame:
        return rows.collect()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(writer: _Told, rows: pl.DataFrame, _policy: Policy) -> None:
        writer.rows = rows

    monkeypatch.setattr(lookout, "plan_alerts", keep)
    monkeypatch.setattr(lookout, "execute_alerts", lambda _writer, _plan: None)
    monkeypatch.setattr(lookout, "closed_until", lambda lake: lake.closed)


NOON = START + 9 * DAY + 12 * HOUR


def _told(*, collapsed: datetime, closed: datetime | None) -> _Told:
    """Ten days of a hundred calls an hour, but for one hour."""
    hours = [START + number * HOUR for number in range(1, 241)]
    return _Told({hour: 3 if hour == collapsed else 100 for hour in hours}, closed)


def _look(told: _Told, *moments: datetime) -> list[tuple[str, datetime, bool]]:
    """A lookout that looks as time is closed until these moments: what it told, and whether that was over at once."""
    found, watched = [], lookout.Lookout(told, POLICY)  # type: ignore[arg-type]
    for number, moment in enumerate(moments):
        told.closed = moment
        changed = watched.look({}, {}, datetime(2026, 11, 1, 0, number, tzinfo=UTC))
        rows = [] if changed is None else changed.iter_rows(named=True)
        found += [(row["kind"], row["since"], row["cleared_at"] is not None) for row in rows]
    return found


@pytest.mark.usefixtures("kept")
def test_of_hours_that_close_at_once_each_is_judged() -> None:
    told = _told(collapsed=NOON - 3 * HOUR, closed=NOON - 5 * HOUR)
    assert _look(told, NOON - 5 * HOUR, NOON) == [("volume_collapsed", NOON - 4 * HOUR, True)]


@pytest.mark.usefixtures("kept")
def test_the_last_of_hours_that_close_at_once_leaves_its_alert_open() -> None:
    told = _told(collapsed=NOON, closed=NOON - 5 * HOUR)
    assert _look(told, NOON - 5 * HOUR, NOON) == [("volume_collapsed", NOON - HOUR, False)]


@pytest.mark.usefixtures("kept")
def test_an_hour_is_judged_once() -> None:
    told = _told(collapsed=NOON, closed=NOON)
    assert _look(told, NOON, NOON, NOON + HOUR / 2) == [("volume_collapsed", NOON - HOUR, False)]
    assert told.rows.height == 1


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("hours_ago", "is_told"), [(0, True), (5, True), (6, False)])
def test_the_first_look_judges_what_closed_since_the_host_began_and_the_hour_before(
    hours_ago: int, is_told: bool
) -> None:
    told = _told(collapsed=NOON - hours_ago * HOUR, closed=NOON - 5 * HOUR)
    assert bool(_look(told, NOON)) == is_told


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("hours_ago", "is_told"), [(23, True), (24, False)])
def test_of_a_long_pause_the_hours_of_the_last_day_are_judged(hours_ago: int, is_told: bool) -> None:
    told = _told(collapsed=NOON - hours_ago * HOUR, closed=None)
    assert bool(_look(told, NOON)) == is_told


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
