"""Children to be killed, and what clean runs over the small world give."""

from collections.abc import Iterator

import pytest

from dying import Children
from small_world import RECORDS, Clean, SmallWorld, assert_nothing_lost, tables


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    with Children() as children:
        yield children


@pytest.fixture(scope="session")
def clean(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    world = SmallWorld(tmp_path_factory.mktemp("clean")).make()
    lake = world.folder / "lake"
    first = children.run(world.first(lake), lake)
    world.write(RECORDS)
    second = children.run(world.second(lake), lake)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    found = tables(lake)
    assert_nothing_lost(found["counts"])
    for table in ("flagged_accounts", "models", "rejects"):
        assert found[table].height > 0, f"without rows in {table} the comparisons below prove less"
    assert found["counts"]["duplicates"].sum() > 0
    return Clean(found, (first.points, second.points))
