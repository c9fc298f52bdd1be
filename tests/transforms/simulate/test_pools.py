"""A pool's accounts are ordinary one by one; what ties them is what is published of real pools."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from schemas.errors import StillwatchError
from transforms.simulate import Options, Pool, World, preset, simulate


def test_heads_of_a_pool_carry_even_loads() -> None:
    pool = Pool("T-HYDRA", heads=40, per_head=100.0)
    calls = simulate(Options(accounts=0, days=2, pools=(pool,), words=0)).truth["calls"]
    assert calls.std() < 0.35 * calls.mean()


def test_a_banned_head_is_replaced_and_calls_no_more() -> None:
    pool = Pool("T-HYDRA", heads=10, per_head=200.0, ban_days=1.0)
    world = simulate(Options(accounts=0, days=3, pools=(pool,), words=0))
    assert world.truth.height > 15
    denied = world.events.filter(world.events["http_status"] == 403)
    last = world.events.group_by("account_id").agg(last=pl.col("time").max())
    ended = denied.join(last, on="account_id")
    assert denied.height >= 5
    assert (ended["time"] == ended["last"]).all()


def test_the_rest_of_a_pool_is_ordinary_use() -> None:
    pool = Pool("T-HYDRA", heads=20, per_head=200.0, attack_share=0.25)
    truth = simulate(Options(accounts=0, days=2, pools=(pool,), words=0)).truth
    assert truth["attack_calls"].sum() / truth["calls"].sum() == pytest.approx(0.25, abs=0.08)


@pytest.fixture(scope="module")
def raided() -> World:
    """A pool most of whose heads are banned at noon of the second day."""
    pool = Pool("T-HYDRA", heads=60, per_head=200.0, raid=0.5)
    return simulate(Options(accounts=0, days=3, pools=(pool,), words=0))


def test_a_raided_pool_comes_back_within_six_hours_under_new_names(raided: World) -> None:
    raid = raided.options.midnight + timedelta(hours=36)
    lives = raided.events.group_by("account_id").agg(first=pl.col("time").min(), last=pl.col("time").max())
    gone = lives.filter(pl.col("last") <= raid + timedelta(hours=1, minutes=5))
    new = lives.filter(pl.col("first") > raid)
    assert gone.height > 45
    assert new.height > 45
    assert new["first"].min() <= raid + timedelta(hours=7, minutes=5)  # type: ignore[operator]


def test_what_a_banned_head_was_denied_another_asks_again_within_seconds(raided: World) -> None:
    calls = simulate(replace(raided.options, words=8)).events
    denied = calls.filter(pl.col("http_status") == 403).select("account_id", "prompt", "time")
    repeated = denied.join(calls, on="prompt", suffix="_again").filter(
        (pl.col("account_id") != pl.col("account_id_again"))
        & (pl.col("time_again") - pl.col("time") == timedelta(seconds=2))
        & (pl.col("http_status") != 403)
    )
    assert denied.height > 45
    assert repeated["account_id"].n_unique() >= 0.9 * denied.height


def test_heads_sign_up_in_bursts_and_share_cards(raided: World) -> None:
    known = raided.registry
    cards = known.drop_nulls("payment_id").group_by("payment_id").len()
    assert cards["len"].max() >= 3  # type: ignore[operator]
    burst = known.sort("created_at").with_columns(gap=pl.col("created_at").diff().dt.total_seconds())
    assert (burst["gap"].drop_nulls() < 3_600).mean() > 0.6  # type: ignore[operator]


def test_a_pool_has_one_to_three_client_fingerprints() -> None:
    pools = tuple(Pool("T-HYDRA", heads=30, per_head=30.0) for _ in range(8))
    world = simulate(Options(accounts=0, days=1, pools=pools, words=0))
    seen = world.events.join(world.truth.select("account_id", "campaign_id"), on="account_id")
    counts = seen.group_by("campaign_id").agg(n=pl.col("client_fingerprint").n_unique())["n"]
    assert set(counts) == {1, 2, 3}
    assert (seen.group_by("account_id").agg(n=pl.col("client_fingerprint").n_unique())["n"] == 1).all()


def test_a_pool_begins_when_it_is_told_to() -> None:
    pool = Pool("T-HYDRA", heads=20, per_head=60.0, begins=0.5, harvest="T-REPLAY")
    world = simulate(Options(accounts=0, days=2, pools=(pool,), words=0))
    assert world.events["time"].min() >= world.options.midnight + timedelta(days=1)  # type: ignore[operator]


def test_checks_of_the_model_are_the_same_few_questions() -> None:
    pools = tuple(Pool("T-HYDRA", heads=20, per_head=200.0, harvest="T-BULK") for _ in range(6))
    world = simulate(Options(accounts=0, days=2, pools=pools, words=8, paraphrase=0.0))
    seen = world.events.join(world.truth.select("account_id", "campaign_id"), on="account_id").drop_nulls("prompt")
    repeated = seen.filter(pl.len().over("campaign_id", "prompt") > 5)
    assert 1 <= repeated["campaign_id"].n_unique() < 6
    assert repeated.height < 0.05 * seen.height


def test_the_quarter_of_the_pools_is_a_quarter_of_the_pools() -> None:
    whole, quarter = preset("pools"), preset("pools_small")
    assert [pool.per_head for pool in whole.pools] == [pool.per_head for pool in quarter.pools]
    assert sum(p.heads for p in whole.pools) == pytest.approx(4 * sum(p.heads for p in quarter.pools), abs=8)


@pytest.fixture(scope="module")
def cleaning() -> pl.DataFrame:
    """Calls of a pool half of whose attack goes over what the other half was answered: `seen`, when the answer in the prompt was given."""
    pool = Pool("T-HYDRA", heads=10, per_head=60.0, attack_share=1.0, harvest="T-BULK", cleaned=0.5)
    calls = simulate(Options(accounts=0, days=1, pools=(pool,), words=60)).events
    given = calls.filter((pl.col("response").str.len_chars() > 40) & ~pl.col("refused")).select(
        answer="response", seen="end_time", giver="account_id"
    )
    pairs = calls.join(given, how="cross").filter(pl.col("prompt").str.contains(pl.col("answer"), literal=True))
    first = pairs.sort("seen").unique("event_id", keep="first").select("event_id", "seen", "giver")
    return calls.join(first, on="event_id", how="left")


def test_half_of_a_pool_that_cleans_reads_what_the_other_half_was_answered(cleaning: pl.DataFrame) -> None:
    assert cleaning["seen"].is_not_null().mean() == pytest.approx(0.4, abs=0.1)


def test_an_answer_is_gone_over_after_it_was_given_and_mostly_by_another_head(cleaning: pl.DataFrame) -> None:
    read = cleaning.filter(pl.col("seen").is_not_null())
    assert (read["time"] > read["seen"]).all()
    assert (read["account_id"] != read["giver"]).mean() > 0.7


def test_a_pool_goes_over_the_same_answers_whoever_is_added() -> None:
    pool = Pool("T-HYDRA", heads=10, per_head=60.0, harvest="T-BULK", cleaned=0.5)
    options = Options(accounts=0, days=1, pools=(pool,), words=60)
    alone = simulate(options).events
    among = simulate(replace(options, pools=(pool, Pool("T-RELAY", heads=5, per_head=60.0)))).events
    both = alone.join(among, on="event_id", suffix="_among")
    assert both.height == alone.height
    assert (both["prompt"] == both["prompt_among"]).all()


def test_a_pool_that_does_nothing_but_clean_is_refused() -> None:
    with pytest.raises(StillwatchError, match="below 1"):
        Pool("T-HYDRA", heads=10, per_head=60.0, cleaned=1.0)


def test_a_pool_that_cleans_nothing_quotes_nobody() -> None:
    pool = Pool("T-HYDRA", heads=10, per_head=60.0, harvest="T-BULK")
    calls = simulate(Options(accounts=0, days=1, pools=(pool,), words=20)).calls
    assert (calls.quoted == -1).all()
