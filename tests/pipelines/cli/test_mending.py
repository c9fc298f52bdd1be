"""The shells of `rebuild`, `release` and `replay`: what they refuse, and how they tell what they did."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.main import main
from pipelines.cli.rebuild import outlook_text, rebuilt_text
from pipelines.cli.replay import replayed_text
from pipelines.rebuild import Rebuilt
from pipelines.replay import Replayed
from pipelines.replaying import Found
from pipelines.rewind import Outlook
from tiny_lake import make_tiny_lake

DAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def stillwatch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command on a lake in which nothing is closed: exit code, stdout, stderr."""
    make_tiny_lake(tmp_path / "lake")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*arguments, "--lake", str(tmp_path / "lake")])
        written = capsys.readouterr()
        return int(left.value.code or 0), written.out, written.err

    return run


def test_where_nothing_is_closed_there_is_nothing_to_rebuild(stillwatch: Any) -> None:
    code, _, err = stillwatch("rebuild", "--since", "2026-03-02")
    assert code == 1
    assert "there is nothing to rebuild since 2026-03-02: nothing is closed yet" in err


def test_a_rebuild_needs_a_day(stillwatch: Any) -> None:
    assert stillwatch("rebuild")[0] == 2
    code, _, err = stillwatch("rebuild", "--since", "yesterday")
    assert (code, "'yesterday' is no time" in err) == (2, True)


def test_a_day_that_passed_its_audit_is_not_released(stillwatch: Any) -> None:
    code, _, err = stillwatch("release", "2026-03-02", "--by", "me", "--why", "because")
    assert code == 1
    assert "2026-03-02 is not quarantined" in err


@pytest.mark.parametrize(("given_by", "why", "option"), [(" ", "because", "--by"), ("me", "", "--why")])
def test_a_release_without_who_or_why_is_wrong_usage(stillwatch: Any, given_by: str, why: str, option: str) -> None:
    code, _, err = stillwatch("release", "2026-03-02", "--by", given_by, "--why", why)
    assert code == 2
    assert option in err


def test_a_replay_of_a_lake_without_rejects_shows_that_there_are_none(stillwatch: Any) -> None:
    code, out, _ = stillwatch("replay", "rejects", "--dry-run", "--output-format", "json")
    assert (code, json.loads(out)) == (0, [])


def test_only_rejects_can_be_replayed(stillwatch: Any) -> None:
    assert stillwatch("replay", "events")[0] == 2


def test_a_preview_of_a_rebuild_names_where_it_starts_and_what_goes() -> None:
    seen = Outlook(DAY, DAY.replace(day=4), 5000, 12, 3, {"sessions": 40, "campaigns": 0})
    assert outlook_text(seen).splitlines() == [
        "would start from 2026-03-02 and close again until 2026-03-04T00:00:00Z",
        "5,000 events, 12 of them too late before",
        "3 late events are older and stay out: name an earlier day to take them in",
        "sessions: 40 rows would be computed again",
        "nothing was written",
    ]


def test_a_rebuild_tells_what_changed_and_hostile_names_do_nothing() -> None:
    done = Rebuilt(
        since=None,
        closed_until=DAY,
        days=2,
        late=12,
        tables={"sessions": (40, 43), "traits": (7, 7), "campaigns": (0, 0)},
        findings={"created": 1, "changed": 0, "withdrawn": 2},
        flagged=("\x1b[31mred",),
        unflagged=tuple(f"acct-{number:02}" for number in range(22)),
        quarantined=(DAY,),
        seconds=3.0,
    )
    lines = rebuilt_text(done).splitlines()
    assert lines[:5] == [
        "computed 2 days again, from the beginning, closed until 2026-03-02T00:00:00Z",
        "late events taken in: 12",
        "sessions: 43 rows, +3",
        "traits: 7 rows, as many as before",
        "findings: 1 created, 0 changed, 2 withdrawn",
    ]
    assert lines[5] == r"newly flagged: \x1b[31mred"
    assert lines[6].endswith("acct-19 and 2 more")
    assert lines[7].startswith("not learned, because the audit failed: 2026-03-02")


def test_a_replay_names_the_rebuild_that_takes_its_events_in() -> None:
    done = Replayed((Found("s", "a.jsonl", 9, None),), 6, 1, 2, 5, DAY, 1.0)
    assert replayed_text(done, Path("lake")).splitlines()[:4] == [
        "9 refused records in 1 sources",
        "6 became events, 1 are ignored by a stated rule",
        "rejects: 2 rows are left",
        "5 events belong to closed ticks: `stillwatch rebuild --lake lake --since 2026-03-02`",
    ]
