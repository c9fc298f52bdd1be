"""Rebuilds and upkeeps leave each other's work alone, and what doctor says to run does mend."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.cli.progress import Progress
from pipelines.doctor import Case, examine
from pipelines.lake.lake import Lake
from pipelines.rebuild import RebuildRequest, rebuild
from pipelines.upkeep import upkeep
from schemas.errors import LakeError
from schemas.policy import Policy, Retention

from .conftest import differing, rows

SECOND_DAY = datetime(2026, 3, 3, tzinfo=UTC)
KEEPS_NO_VERSION = Policy(retention=Retention(versions_days=0))


def _rebuild(lake: Lake, since: datetime = SECOND_DAY) -> None:
    rebuild(RebuildRequest(lake.root, since), Progress(quiet=True))


@pytest.mark.slow
def test_days_rebuilt_from_files_put_together_come_out_the_same(lake: Lake) -> None:
    before = rows(lake)
    upkeep(lake.root, KEEPS_NO_VERSION)
    _rebuild(lake)
    upkeep(lake.root, KEEPS_NO_VERSION)
    assert differing(before, rows(lake)) == []
    assert examine(Case(lake.root)).symptoms == ()


def test_a_day_whose_events_went_is_not_rebuilt(lake: Lake) -> None:
    upkeep(lake.root, Policy(retention=Retention(events_days=1)))
    before = rows(lake)
    with pytest.raises(LakeError, match="no longer kept"):
        _rebuild(lake, datetime(2026, 3, 2, tzinfo=UTC))
    assert differing(before, rows(lake)) == []
    _rebuild(lake)
    assert differing(before, rows(lake)) == []
    assert examine(Case(lake.root)).symptoms == ()


@pytest.mark.parametrize("damage", [b"", b"\0" * 9])
def test_a_damaged_state_is_found_and_mended_by_what_is_said(lake: Lake, damage: bytes) -> None:
    before = rows(lake)
    last = lake.last_run()
    assert last is not None
    newest = max(path.name for path in (lake.root / "_stillwatch" / "state" / "features" / "group-000").iterdir())
    (lake.root / "_stillwatch" / "state" / "features" / "group-000" / newest).write_bytes(damage)
    found = [symptom for _, symptom in examine(Case(lake.root)).symptoms]
    assert [Path(s.where).name for s in found] == [newest]
    said = re.search(r"stillwatch rebuild --lake \S+ --since (\S+)`", found[0].mend)
    assert said is not None
    _rebuild(lake, datetime.fromisoformat(said.group(1)).replace(tzinfo=UTC))
    upkeep(lake.root)
    assert differing(before, rows(lake)) == []
    assert [s for _, s in examine(Case(lake.root)).symptoms] == []
