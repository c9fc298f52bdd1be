"""Worlds that several tests look at."""

import polars as pl
import pytest

from transforms.simulate import World, preset, simulate


@pytest.fixture(scope="session")
def world() -> World:
    """Everyone once, for a day, with text."""
    return simulate(preset("small", seed=5))


@pytest.fixture(scope="session")
def marked(world: World) -> pl.DataFrame:
    """The small world's calls with the label and archetype of their account."""
    return world.events.join(world.truth.select("account_id", "label", "archetype"), on="account_id")
