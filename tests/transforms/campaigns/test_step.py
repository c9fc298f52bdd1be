"""Campaigns as ticks go by: who is in them, what they are called, what they took."""

from datetime import datetime, timedelta
from random import Random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from given_accounts import DAY, account_hash
from given_pools import BASE, POLICY, Lake, Row, crowd, frames, leaning, moving, on_file, pool, sleepless
from transforms.campaigns import CampaignState

TEMPLATE = (("head", 7), ("tail", 8))
HEADS = on_file("head", 20, age_days=3, a_card=5)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def a_day(rows: list[Row], accounts: list[Row]) -> Lake:
    return Lake(accounts).run(rows, day(1))


def test_a_pool_becomes_one_campaign() -> None:
    found = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS).campaigns
    assert found["accounts"].to_list() == [20]
    assert found["link_kinds"].to_list() == [["head", "tail"]]
    assert found["kind"].to_list() == ["distillation"]


def test_each_of_its_accounts_is_told_of_once_an_hour() -> None:
    lake = a_day(pool("head", 20, 24, keys=TEMPLATE), HEADS)
    told = lake.hits.group_by("account_id").agg(pl.col("tick").dt.truncate("1h").n_unique(), hits=pl.len())
    assert told.height == 20
    assert (told["tick"] == told["hits"]).all()


def test_a_call_that_shows_two_keys_counts_once() -> None:
    found = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS).campaigns
    assert found["exchanges"].to_list() == [200]


def test_it_is_flagged_at_the_end_of_the_deciding_tick_plus_lateness() -> None:
    found = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS).campaigns
    (before,) = found["exchanges_before"]
    deciding = DAY + timedelta(minutes=5 * (before // 20 - 1))
    assert found["flagged_at"].to_list() == [deciding + POLICY.time.tick + POLICY.time.lateness]


def test_output_tokens_that_had_left_by_the_flag_are_those_of_the_exchanges_until_then() -> None:
    (found,) = a_day(long_answers(TEMPLATE), HEADS).campaigns.rows(named=True)
    assert found["output_tokens_before"] == 2_000 * found["exchanges_before"] < found["output_tokens"]


def test_software_alone_is_resale() -> None:
    assert a_day(pool("head", 20, 60, keys=[("client", 1)]), HEADS).campaigns["kind"].to_list() == ["resale"]


def test_an_even_load_of_software_takes_longer_than_people_sit_together() -> None:
    rows = pool("head", 20, 10, keys=[("client", 1)], elicited=0)
    assert a_day(rows, HEADS).campaigns.is_empty()


def test_a_harness_in_front_of_others_is_a_relay() -> None:
    rows = pool("head", 20, 10, keys=[("client", 1), ("tools", 2)], elicited=0)
    assert a_day(rows, HEADS).campaigns["kind"].to_list() == ["relay"]


def test_one_system_prompt_that_asks_for_reasoning_is_a_harvest() -> None:
    rows = pool("head", 20, 10, keys=[("client", 1), ("system", 2)])
    assert a_day(rows, HEADS).campaigns["kind"].to_list() == ["distillation"]


def test_it_stays_one_where_its_client_says_more_and_when_nothing_else_is_left() -> None:
    both = pool("head", 20, 60, keys=[("client", 1), ("system", 2)])
    lake = Lake(HEADS, base=leaning(BASE, "head", 20)).run(both, day(1))
    said = {signal["signal"] for signal in lake.campaigns["signals"].item()}
    assert "extraction_claims" not in said
    assert lake.campaigns["kind"].to_list() == ["distillation"]
    lake.run(pool("head", 20, 60, keys=[("client", 1)], first=1440), day(2))
    assert lake.campaigns["last_seen"].item() > day(1)
    assert lake.campaigns["kind"].to_list() == ["distillation"]


def test_two_pools_are_two_campaigns() -> None:
    rows = pool("head", 20, 10, keys=TEMPLATE) + pool("limb", 15, 10, keys=[("head", 17), ("line", 18)])
    lake = a_day(rows, HEADS + on_file("limb", 15, age_days=9, a_card=5))
    assert sorted(lake.campaigns["accounts"]) == [15, 20]


def test_accounts_that_serve_two_pools_are_in_both_campaigns() -> None:
    limbs = [("head", 17), ("line", 18)]
    both = pool("head", 5, 10, keys=limbs)
    rows = pool("head", 20, 10, keys=TEMPLATE) + pool("limb", 15, 10, keys=limbs) + both
    lake = a_day(rows, HEADS + on_file("limb", 15, age_days=9, a_card=5))
    told = lake.hits.filter(pl.col("account_id") == "head-000")["campaign_ids"].explode().unique()
    assert sorted(told) == sorted(lake.campaigns["campaign_id"])
    assert len(told) == 2


def test_an_old_customer_with_the_same_words_is_not_in_it() -> None:
    own = [row | {"account_id": "honest"} for row in pool("x", 1, 2, keys=TEMPLATE)]
    accounts = [*HEADS, {"account_id": "honest", "age_days": 900.0, "payment_id": "own"}]
    lake = a_day(pool("head", 20, 10, keys=TEMPLATE) + own, accounts)
    assert "honest" not in lake.campaigns["account_ids"][0]
    assert "honest" not in lake.hits["account_id"]


def test_colleagues_who_use_a_phrase_of_the_pool_are_not_in_it() -> None:
    team = pool("team", 5, 3, keys=TEMPLATE, first=400)
    rows = pool("head", 20, 90, keys=[*TEMPLATE, ("line", 9), ("system", 4), ("client", 1)]) + team
    lake = a_day(rows, HEADS + on_file("team", 5, age_days=5, a_card=5))
    assert lake.campaigns["accounts"].to_list() == [20]
    assert lake.hits.filter(pl.col("account_id").str.starts_with("team")).is_empty()


def test_a_bought_account_with_a_colleagues_card_does_not_bring_the_colleagues_in() -> None:
    team = pool("team", 8, 30, keys=TEMPLATE, first=400)
    rows = pool("head", 20, 120, keys=[*TEMPLATE, ("line", 9), ("client", 1)]) + team
    accounts = [row | ({"payment_id": "team-card-0"} if row["account_id"] == "head-000" else {}) for row in HEADS]
    lake = a_day(rows, accounts + on_file("team", 8, age_days=5, a_card=8))
    assert lake.campaigns["accounts"].to_list() == [20]
    assert lake.hits.filter(pl.col("account_id").str.starts_with("team")).is_empty()


def test_three_words_of_prompts_take_more_than_a_whole_phrase() -> None:
    words = [("shingle", n) for n in range(6)]
    assert a_day(pool("head", 20, 10, keys=words), HEADS).campaigns["accounts"].to_list() == [20]
    assert a_day(long_pool([("head", 7)], elicited=1), []).campaigns["accounts"].to_list() == [20]
    assert a_day(long_pool(words, elicited=1), []).campaigns.is_empty()


def test_replaced_heads_join_the_campaign_they_replace() -> None:
    late = pool("spare", 5, 12, keys=TEMPLATE, first=600)
    lake = a_day(pool("head", 20, 10, keys=TEMPLATE) + late, HEADS + on_file("spare", 5, age_days=1, a_card=5))
    assert lake.campaigns["accounts"].to_list() == [25]


def test_an_evaluation_repeats_its_prompts_and_is_no_campaign() -> None:
    lowest = -(2**63) + 5
    prompts = [
        {"account_id": f"head-{head:03}", "kind": "payload", "key": lowest + prompt}
        for head in range(20)
        for prompt in range(2)
    ]
    frame = frames(prompts, [])[0]
    lake = Lake(HEADS, frame).run(pool("head", 20, 10, keys=TEMPLATE), day(1))
    assert lake.hits.is_empty()
    assert lake.campaigns.is_empty()
    moved = Lake(HEADS, frame, moving(BASE, "head", 20)).run(pool("head", 20, 10, keys=TEMPLATE), day(1))
    assert moved.campaigns["accounts"].to_list() == [20], "no evaluation lives on another network each day"


def test_a_campaign_keeps_its_id_on_the_next_day() -> None:
    lake = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS)
    first = lake.campaigns["campaign_id"].to_list()
    lake.run(pool("head", 20, 10, keys=TEMPLATE, first=1440), day(2))
    assert lake.campaigns["campaign_id"].to_list() == first
    assert lake.campaigns["exchanges"].to_list() == [400]


def test_two_campaigns_that_turn_out_to_be_one_are_merged() -> None:
    rows = pool("head", 20, 10, keys=[("head", 7), ("line", 6)]) + pool(
        "limb", 20, 10, keys=[("head", 17), ("line", 16)]
    )
    accounts = HEADS + on_file("limb", 20, age_days=9, a_card=5)
    lake = a_day(rows, accounts)
    before = sorted(lake.campaigns["campaign_id"])
    again = [
        row
        for name in ("head", "limb")
        for row in pool(name, 20, 20, keys=[("head", 7), ("line", 6), ("head", 17), ("line", 16)], first=1440)
    ]
    lake.run(again, day(2))
    whole, part = lake.campaigns.sort("accounts", descending=True).iter_rows(named=True)
    assert whole["accounts"] == 40
    assert sorted([whole["campaign_id"], part["campaign_id"]]) == before
    assert (whole["merged_ids"], part["merged_into"]) == ([part["campaign_id"]], whole["campaign_id"])


def test_it_ends_when_its_keys_are_forgotten() -> None:
    lake = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS)
    far = POLICY.links.memory_days + 2
    (name,) = lake.campaigns["campaign_id"]
    accounts = [*HEADS, *on_file("limb", 15, age_days=9, a_card=5)]
    lake.accounts = accounts
    lake.run(pool("limb", 15, 10, keys=[("head", 17), ("line", 18)], first=1440 * far), day(far + 1))
    assert len(lake.campaigns) == 2
    last = lake.campaigns.filter(campaign_id=name)["last_seen"].item()
    lake.run(pool("head", 20, 10, keys=TEMPLATE, first=1440 * (far + 2)), day(far + 3))
    assert lake.campaigns.filter(campaign_id=name)["last_seen"].item() == last
    assert len(lake.campaigns) == 3


def test_it_tells_when_the_next_tier_falls() -> None:
    lake = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS)
    (row,) = lake.campaigns.to_dicts()
    minutes_left = (1000 - 200) / row["exchanges_per_day"] * 24 * 60
    assert row["next_tier_at"] == pytest.approx(DAY + timedelta(minutes=50 + minutes_left), abs=timedelta(seconds=1))


@pytest.mark.parametrize(("minutes", "hours"), [(5, 12), (35, 24), (60, 24), (700, 24)])
def test_a_day_in_pieces_gives_what_it_gives_at_once(minutes: int, hours: int) -> None:
    """The last of the calls is made in the twelfth hour; pieces of a tick end there, the rest is one more."""
    rows = (
        pool("head", 20, 30, keys=[*TEMPLATE, ("client", 1)])
        + pool("limb", 15, 40, keys=[("head", 17), ("line", 18)], first=100)
        + pool("spare", 5, 12, keys=TEMPLATE, first=600)
        + crowd("user", 30, 10, keys=[("system", 9)])
    )
    accounts = HEADS + on_file("limb", 15, age_days=9, a_card=5) + on_file("user", 30, age_days=300, a_card=1)
    once, pieces = a_day(rows, accounts), Lake(accounts)
    frame = frames(rows, [])[0]
    start = DAY
    while start < day(1):
        end = min(start + timedelta(minutes=minutes), day(1)) if start < DAY + timedelta(hours=hours) else day(1)
        pieces.run(frame.filter((pl.col("tick") >= start) & (pl.col("tick") < end)), end)
        start = end
    assert_frame_equal(pieces.hits, once.hits)
    assert_frame_equal(pieces.campaigns, once.campaigns)


def test_a_state_that_was_stored_is_the_state() -> None:
    state = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS).state
    again = CampaignState.from_bytes(state.to_bytes())
    for name in ("keys", "held", "campaigns", "told", "marks", "prompts"):
        assert_frame_equal(getattr(again, name), getattr(state, name))


def test_a_hit_names_accounts_of_the_campaign_but_the_account_itself() -> None:
    hits = a_day(pool("head", 20, 10, keys=TEMPLATE), HEADS).hits
    for row in hits.iter_rows(named=True):
        assert row["account_id"] not in row["linked_account_ids"]
        assert account_hash(row["account_id"]) == row["account_hash"]


PROGRAM = [("head", 7), ("client", 1)]


HACKATHON = [{"account_id": f"team-{n:03}", "age_days": 0.3, "signup_path": "startup-programme"} for n in range(46)]


def long_pool(keys: list[tuple[str, int]], name: str = "head", heads: int = 20, elicited: int = 0) -> list[Row]:
    """Calls over five hours, most of which claim nothing."""
    return pool(name, heads, 60, keys=keys, elicited=elicited)


def long_answers(keys: list[tuple[str, int]], name: str = "head", heads: int = 20) -> list[Row]:
    """The same with answers of 2,000 tokens, as one benign group in 20 has."""
    return [row | {"output_tokens": 2_000} for row in long_pool(keys, name, heads)]


def test_a_phrase_and_a_client_of_the_same_accounts_need_no_accounts_file() -> None:
    found = a_day(long_answers(PROGRAM), []).campaigns
    assert found["accounts"].to_list() == [20]
    assert [signal["signal"] for signal in found["signals"][0]] == ["even_load", "long_answers", "phrase_and_client"]


def test_with_an_even_load_alone_they_may_be_the_customers_of_one_product() -> None:
    assert a_day(long_pool(PROGRAM), []).campaigns.is_empty()


def test_a_user_agent_will_do_as_a_client() -> None:
    assert a_day(long_answers([("line", 7), ("agent", 1)]), []).campaigns["accounts"].to_list() == [20]


@pytest.mark.parametrize(
    "keys", [[("head", 7)], [("client", 1)], [("client", 1), ("agent", 2)], [("head", 7), ("tail", 8)]]
)
def test_without_an_accounts_file_keys_of_one_kind_are_not_enough(keys: list[tuple[str, int]]) -> None:
    assert a_day(long_answers(keys), []).campaigns.is_empty()


def test_of_more_accounts_an_even_load_and_long_answers_are_enough() -> None:
    assert a_day(long_answers([("head", 7)], heads=24), []).campaigns.is_empty()
    assert a_day(long_answers([("head", 7)], heads=25), []).campaigns["accounts"].to_list() == [25]


def test_a_popular_client_does_not_agree_with_a_phrase() -> None:
    others = long_pool([("client", 1)], "user", 10)
    assert a_day(long_answers(PROGRAM) + others, []).campaigns.is_empty()


def test_people_with_one_tool_use_it_unevenly() -> None:
    rows = crowd("user", 30, 60, keys=PROGRAM)
    assert a_day(rows, []).campaigns.is_empty()


def test_a_system_prompt_comes_with_its_software_and_does_not_agree_with_it() -> None:
    assert a_day(long_pool([("system", 7), ("client", 1)]), []).campaigns.is_empty()


def test_a_class_in_one_lesson_is_no_campaign() -> None:
    """One hour, one exercise, the room's browser, accounts made at the beginning of the lesson."""
    students = [{"account_id": f"head-{n:03}", "age_days": 0.01, "signup_path": "education"} for n in range(23)]
    rows = pool("head", 23, 12, keys=[*PROGRAM, ("line", 9), ("agent", 3)], elicited=0)
    lake = a_day(rows, students)
    assert lake.hits.is_empty()
    assert lake.campaigns.is_empty()


@pytest.mark.parametrize(
    "keys",
    [[("system", 5)], [("system", 5), ("tools", 6)], [("line", 9), ("head", 7)], [("agent", 3), ("system", 5)]],
    ids=["kit", "kit with tools", "one exercise", "kit with its library"],
)
def test_a_hackathon_of_two_days_is_no_campaign(keys: list[tuple[str, int]]) -> None:
    """A starter kit, accounts made in the same hour by the same path, used evenly for longer than a sitting."""
    assert a_day(long_pool(keys, "team", 46), HACKATHON).campaigns.is_empty()


@pytest.mark.parametrize(("devices", "campaigns"), [(28, 0), (36, 0), (44, 1)])
def test_as_many_as_a_fleet_has_on_the_road_day_and_night_are_no_campaign(devices: int, campaigns: int) -> None:
    """One client, calls at all hours, a new network each day, and nothing else in common."""
    base = sleepless(moving(BASE, "head", devices), "head", devices)
    found = Lake([], base=base).run(long_pool([("client", 1)], heads=devices), day(1))
    assert found.campaigns.height == campaigns


def test_what_a_class_has_and_turns_beside_it_are_a_campaign() -> None:
    """The same accounts, but each waits for all the others."""
    rows = [
        {"account_id": f"team-{turn % 46:03}", "minute": 5 * minute, "kind": "system", "key": 5}
        for turn, minute in enumerate(sorted(Random(3).choices(range(280), k=460)))
    ]
    found = a_day(rows, HACKATHON).campaigns
    assert found["accounts"].to_list() == [46]
    assert {signal["signal"] for signal in found["signals"][0]} == {"even_load", "turn_taking", "signup_burst"}


def test_a_class_with_one_exercise_and_one_tool_is_no_campaign() -> None:
    assert a_day(long_pool(PROGRAM, "team", 46), HACKATHON).campaigns.is_empty()


def test_a_browser_of_which_a_few_users_signed_up_together_is_no_campaign() -> None:
    few = {0: "friends", 1: "friends", 2: "friends"}
    users = [
        {"account_id": f"head-{n:03}", "age_days": 10.0 + 7 * (0 if n in few else n), "payment_id": f"card-{n}"}
        for n in range(23)
    ]
    lake = a_day(long_pool([("client", 1)], heads=23), users)
    assert lake.hits.is_empty()


@pytest.mark.parametrize("a_card", [1, 3], ids=["each for itself", "colleagues"])
def test_an_old_customer_with_a_pools_user_agent_is_not_in_it(a_card: int) -> None:
    """Every fourth of those who send it; the pool itself is young, paid for together and signed up at once."""
    heads = [{"account_id": f"head-{n:03}", "age_days": 3.0, "payment_id": f"card-{n // 3}"} for n in range(12)]
    others = [
        {"account_id": f"user-{n:03}", "age_days": 400.0 + n, "payment_id": f"own-{n // a_card}"} for n in range(3)
    ]
    rows = long_pool([("agent", 1)], heads=12) + long_pool([("agent", 1)], "user", 3)
    lake = a_day(rows, heads + others)
    assert set(lake.hits["account_id"]) == {f"head-{n:03}" for n in range(12)}


def test_an_old_customer_with_a_pools_default_client_is_not_in_it() -> None:
    """A library's client has one fingerprint and one user agent, whoever calls with it; two of three who do are the pool."""
    heads = [{"account_id": f"head-{n:03}", "age_days": 3.0, "payment_id": f"card-{n // 3}"} for n in range(24)]
    others = [{"account_id": f"user-{n:03}", "age_days": 400.0 + n, "payment_id": "own"} for n in range(12)]
    keys = [("client", 1), ("agent", 2)]
    lake = a_day(
        long_pool(keys, heads=24) + [{**row, "minute": row["minute"] + 600} for row in long_pool(keys, "user", 12)],
        heads + others,
    )
    assert set(lake.hits["account_id"]) == {f"head-{n:03}" for n in range(24)}


def test_a_companys_accounts_are_no_campaign_because_others_send_its_user_agent() -> None:
    """Twenty young accounts of one card, used evenly; two customers who send it as well make it the key of three."""
    staff = on_file("staff", 20, age_days=3, a_card=20)
    others = on_file("user", 4, age_days=10, a_card=2)
    rows = long_pool([("agent", 1)], "staff", 20) + pool("user", 4, 60, keys=[("agent", 1)], elicited=0)
    seen = a_day(rows, staff + others)
    assert not {row for row in seen.hits["account_id"] if row.startswith("staff")}


def test_who_shows_a_clients_key_twice_is_not_in_its_campaign() -> None:
    """A tenth of what the heads show in their first hours would be no more."""
    heads = [{**row, "minute": 3 * row["minute"]} for row in pool("head", 20, 18, keys=[("client", 1)], elicited=0)]
    rows = heads + pool("user", 3, 2, keys=[("client", 1)], elicited=0)
    young = on_file("head", 20, age_days=3, a_card=5) + on_file("user", 3, age_days=3, a_card=5)
    lake = a_day(rows, young)
    assert set(lake.hits["account_id"]) == {f"head-{n:03}" for n in range(20)}


def test_what_nearly_ties_is_remembered_over_runs() -> None:
    lake = Lake([])
    frame = frames(long_pool(PROGRAM), [])[0]
    for hour in range(6):
        end = DAY + timedelta(hours=hour + 1)
        lake.run(frame.filter(pl.col("tick").is_between(end - timedelta(hours=1), end, closed="left")), end)
    assert_frame_equal(lake.campaigns, a_day(long_pool(PROGRAM), []).campaigns)


def in_turns(name: str, first: int, turns: int, keys: list[tuple[str, int]]) -> list[Row]:
    """Twenty accounts, each with a call in half an hour."""
    return [
        {"account_id": f"{name}-{head:03}", "minute": first + 30 * turn + 5 * (head % 6), "kind": kind, "key": key}
        for turn in range(turns)
        for head in range(20)
        for kind, key in keys
    ]


@pytest.mark.parametrize(
    "keys",
    [[*TEMPLATE, ("client", 1)], [("head", 17), ("tail", 18), ("client", 1)]],
    ids=["the same", "another wording"],
)
def test_accounts_that_take_the_place_of_banned_ones_are_in_the_campaign_within_two_hours(
    keys: list[tuple[str, int]],
) -> None:
    banned = 2 * 1440 + 600
    rows = in_turns("head", 0, 2 * 48 + 20, [*TEMPLATE, ("client", 1)]) + in_turns("spare", banned + 60, 14, keys)
    frame = frames(rows, [])[0]
    lake = Lake(on_file("head", 20, age_days=40, a_card=5) + on_file("spare", 20, age_days=1, a_card=5))
    for number in range(3):
        lake.run(frame.filter(pl.col("tick").is_between(day(number), day(number + 1), closed="left")), day(number + 1))
    spare = lake.hits.filter(pl.col("account_id").str.starts_with("spare"))
    assert spare["account_id"].n_unique() == 20
    assert spare.group_by("account_id").agg(pl.col("tick").min())["tick"].max() <= DAY + timedelta(minutes=banned + 180)
    assert set(spare["campaign_id"]) == set(
        lake.hits.filter(pl.col("account_id").str.starts_with("head"))["campaign_id"]
    )


def test_a_passer_by_who_has_just_begun_is_not_in_it() -> None:
    """He types what the pool sends, three times, with his own client."""
    rows = in_turns("head", 0, 60, [*TEMPLATE, ("client", 1)])
    rows += [
        row for row in in_turns("honest", 1740, 3, [*TEMPLATE, ("client", 9)]) if row["account_id"] == "honest-000"
    ]
    lake = Lake(HEADS).run(rows, day(2))
    assert lake.hits.filter(pl.col("account_id").str.starts_with("honest")).is_empty()


@pytest.mark.parametrize(
    "keys",
    [[("head", 7), ("tail", 8), ("client", 1)], [("head", 7), ("tail", 8), ("client", 2)]],
    ids=["the same", "another client"],
)
def test_without_an_accounts_file_it_takes_as_long_as_a_sitting(keys: list[tuple[str, int]]) -> None:
    banned = 2 * 1440 + 60
    rows = in_turns("head", 0, 2 * 48 + 2, [*TEMPLATE, ("client", 1)]) + in_turns("spare", banned + 60, 40, keys)
    frame = frames([row | {"output_tokens": 2_000} for row in rows], [])[0]
    lake = Lake([])
    for number in range(3):
        lake.run(frame.filter(pl.col("tick").is_between(day(number), day(number + 1), closed="left")), day(number + 1))
    spare = lake.hits.filter(pl.col("account_id").str.starts_with("spare"))
    assert spare["account_id"].n_unique() == 20
    assert len(lake.campaigns) == 1
    assert lake.campaigns["score"].item() >= POLICY.campaigns.review_decades


def test_a_few_that_ask_for_reasoning_equally_often_may_run_one_suite() -> None:
    assert [a_day(pool("run", accounts, 40, keys=TEMPLATE), []).campaigns.is_empty() for accounts in (7, 8)] == [
        True,
        False,
    ]


def in_turn(calls: int) -> list[Row]:
    """Calls at random times of a day, each given to the least recently used of 20 heads."""
    chance = Random(3)
    minutes = sorted(5 * chance.randrange(288) for _ in range(calls))
    cells = dict.fromkeys((turn % 20, minute) for turn, minute in enumerate(minutes))
    return [{"account_id": f"head-{head:03}", "minute": minute, "kind": "client", "key": 1} for head, minute in cells]


OLD_HEADS = on_file("head", 20, age_days=400, a_card=5)


def test_old_users_of_a_popular_client_do_not_join_a_campaign_that_nothing_speaks_for_any_more() -> None:
    """The key is no tie with them, but it was one not long ago."""
    lake = a_day(in_turn(800), OLD_HEADS + on_file("user", 15, age_days=400, a_card=1))
    assert lake.campaigns["accounts"].to_list() == [20]
    later = [row | {"minute": row["minute"] + 1440} for row in in_turn(200)]
    lake.run(later + pool("user", 15, 12, keys=[("client", 1)], first=1440), day(2))
    assert lake.campaigns["accounts"].to_list() == [20]
    assert lake.hits.filter(pl.col("account_id").str.starts_with("user")).is_empty()


def test_who_pays_for_himself_among_senders_of_a_client_that_share_cards_is_none_of_them() -> None:
    accounts = OLD_HEADS + on_file("user", 2, age_days=400, a_card=1)
    rows = in_turn(800) + pool("user", 2, 36, keys=[("client", 1)])
    assert a_day(rows, accounts).campaigns["accounts"].to_list() == [20]


def test_old_customers_of_a_framework_who_pay_for_themselves_are_not_in_a_pool_that_runs_it() -> None:
    """Its client, its system prompt and its tools are one thing that they have in common, not three."""
    framework = [("client", 1), ("system", 2), ("tools", 3)]
    rows = pool("head", 20, 30, keys=framework) + pool("user", 9, 20, keys=framework, first=15)
    lake = a_day(rows, HEADS + on_file("user", 9, age_days=300, a_card=1))
    assert lake.campaigns["accounts"].to_list() == [20]


def test_a_company_of_old_accounts_on_one_card_is_not_in_a_pool_that_runs_its_framework() -> None:
    framework = [("client", 1), ("system", 2), ("tools", 3)]
    rows = pool("head", 20, 30, keys=framework) + pool("staff", 9, 20, keys=framework, first=15)
    lake = a_day(rows, HEADS + on_file("staff", 9, age_days=300, a_card=9))
    assert lake.campaigns["accounts"].to_list() == [20]


def test_old_heads_whose_cards_pay_for_young_ones_stay_in_their_pool() -> None:
    framework = [("client", 1), ("system", 2), ("tools", 3)]
    aged = [row | {"age_days": 300.0} if int(row["account_id"][-3:]) % 4 == 0 else row for row in HEADS]
    lake = a_day(pool("head", 20, 30, keys=framework), aged)
    assert lake.campaigns["accounts"].to_list() == [20]
