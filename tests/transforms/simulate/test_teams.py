"""Honest groups share what pools share: without them linkage would look better than it is."""

import polars as pl
import pytest

from transforms.simulate import Options, World, simulate


@pytest.fixture(scope="module")
def teams() -> World:
    """Forty organisations for a day."""
    return simulate(Options(accounts=0, days=1, teams=40, words=12, loud_cap=120.0))


def test_an_organisation_has_two_to_forty_accounts_on_one_card(teams: World) -> None:
    sizes = teams.registry.group_by("payment_id").len()["len"]
    assert (len(sizes), sizes.min()) == (40, 2)
    assert 20 < sizes.max() <= 40  # type: ignore[operator]


def test_an_organisation_shares_networks_clients_and_prompts(teams: World) -> None:
    seen = teams.events.join(teams.registry.select("account_id", "payment_id"), on="account_id")
    prefix = pl.col("source_ip").str.extract(r"^(\d+\.\d+\.\d+)")
    houses = seen.group_by("payment_id").agg(
        accounts=pl.col("account_id").n_unique(), networks=prefix.n_unique(), systems=pl.col("system").n_unique()
    )
    assert (houses["networks"] <= 3).all()
    assert (houses.filter(pl.col("accounts") > 4)["systems"] <= 6).all()


def test_half_of_the_organisations_are_signed_up_at_once(teams: World) -> None:
    spans = teams.registry.group_by("payment_id").agg(span=pl.col("created_at").max() - pl.col("created_at").min())
    at_once = (spans["span"].dt.total_seconds() <= 3_600).sum()
    assert 10 <= at_once <= 30


def test_nobody_of_an_organisation_is_a_thief_or_a_campaign(teams: World) -> None:
    assert set(teams.truth["label"]) == {"benign"}
    assert teams.truth["campaign_id"].null_count() == teams.truth.height


def test_a_popular_agent_puts_one_prompt_one_agent_and_one_toolbox_into_unrelated_accounts() -> None:
    world = simulate(Options(accounts=0, days=1, crowd=150, words=12, loud_cap=120.0))
    seen = world.events.drop_nulls("system")
    assert seen["system"].n_unique() == 1
    assert seen["user_agent"].n_unique() == 2
    assert seen["tools"].drop_nulls().n_unique() == 1
    assert world.registry["payment_id"].drop_nulls().is_unique().all()
