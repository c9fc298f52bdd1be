"""Keys carried back: who is named for having them, and who is not."""

from typing import Any

import polars as pl
import pytest

from given_accounts import DAY, HOUR, account_hash
from schemas.campaign import CAMPAIGN
from schemas.policy import Policy
from schemas.verdict import VERDICT
from transforms.hunting import SHOWN, Held, carried, holders, known_accounts

POLICY = Policy()
POOL = [f"head-{n}" for n in range(6)]
THEIRS = {"head": 1, "client": 2}
POPULATION = 2_000


def shown(account: str, kind: str, key: int, calls: int = 40) -> dict[str, Any]:
    return {
        "account_id": account,
        "account_hash": account_hash(account),
        "kind": kind,
        "key": key,
        "calls": calls,
        "output_tokens": calls * 10,
        "first_seen": DAY,
        "last_seen": DAY + HOUR,
    }


def everything_of(account: str, keys: dict[str, int], calls: int = 40) -> list[dict[str, Any]]:
    return [shown(account, kind, key, calls) for kind, key in keys.items()]


def campaign(accounts: list[str]) -> pl.DataFrame:
    row: dict[str, Any] = dict.fromkeys(CAMPAIGN.columns) | {
        "campaign_id": "c-1", "kind": "distillation", "tier": "review", "score": 6.0, "signals": [], "link_kinds": ["head"],
        "account_ids": accounts, "accounts": len(accounts), "first_seen": DAY, "last_seen": DAY, "flagged_at": DAY + 9 * HOUR,
        "exchanges": 240, "exchanges_before": 60, "exchanges_per_day": 1.0, "merged_ids": [], "evidence": [],
    }  # fmt: skip
    return CAMPAIGN.conform(pl.DataFrame([row], schema=CAMPAIGN.polars))


def verdict(account: str, said: str) -> pl.DataFrame:
    row = {"account_id": account, "given_at": DAY, "holds_from": DAY, "verdict": said, "analyst": "a"}
    return VERDICT.conform(pl.DataFrame([row], schema=VERDICT.polars))


def named(
    rows: list[dict[str, Any]],
    campaigns: pl.DataFrame | None = None,
    verdicts: pl.DataFrame | None = None,
    population: int = POPULATION,
) -> list[Held]:
    """Who is named when these rows are all that was shown."""
    frame = pl.DataFrame(rows, schema=SHOWN)
    known = known_accounts(
        campaign(POOL) if campaigns is None else campaigns, VERDICT.empty() if verdicts is None else verdicts, {}
    )
    keys = carried(frame.filter(pl.col("account_id").is_in(known["account_id"].implode())), known, POLICY)
    return holders(frame, keys, known, population, POLICY)


POOL_ROWS = [row for head in POOL for row in everything_of(head, THEIRS)]


def test_an_account_with_wording_and_client_of_a_campaign_is_named_with_what_it_took() -> None:
    (found,) = named([*POOL_ROWS, *everything_of("early", THEIRS, calls=70)])
    assert (found.account_id, found.basis, found.id, found.theft) == ("early", "campaign", "c-1", "distillation")
    assert found.known_since == DAY + 9 * HOUR
    assert (found.exchanges, found.output_tokens) == (70, 700)
    assert {signal["family"] for signal in found.signals} == {"content", "software"}
    assert found.points == pytest.approx(sum(signal["points"] for signal in found.signals))
    assert "6 accounts of campaign c-1" in found.reasons[0]


@pytest.mark.parametrize("keys", [{"head": 1}, {"client": 2}, {"prefix": 3}])
def test_keys_of_one_group_are_never_enough(keys: dict[str, int]) -> None:
    pool = [row for head in POOL for row in everything_of(head, THEIRS | {"prefix": 3, "tail": 4})]
    assert named([*pool, *everything_of("early", keys)]) == []


def test_network_and_card_without_what_is_said_are_an_office() -> None:
    pool = [row for head in POOL for row in everything_of(head, THEIRS | {"prefix": 3, "payment": 4})]
    assert named([*pool, *everything_of("early", {"prefix": 3, "payment": 4})]) == []
    assert len(named([*pool, *everything_of("early", {"prefix": 3, "head": 1})])) == 1


def test_a_wording_and_a_client_that_many_others_show_name_nobody() -> None:
    others = [row for n in range(300) for row in everything_of(f"customer-{n}", THEIRS)]
    assert named([*POOL_ROWS, *others]) == []


def test_the_more_keys_are_tried_the_less_one_of_them_says() -> None:
    many = [
        row
        for n in range(100)
        for head in POOL[: 5 + n % 2]
        for row in everything_of(head, {"head": 100 + n, "client": 200 + n})
    ]
    own = [row for n in range(100) for row in everything_of(f"thief-{n}", {"head": 300 + n, "client": 300 + n}, 60)]
    some = pl.concat([verdict(f"thief-{n}", "true_positive") for n in range(100)])
    once = named([*POOL_ROWS, *everything_of("early", THEIRS)])
    same_holders = named([*POOL_ROWS, *many, *everything_of("early", THEIRS)])
    other_holders = named([*POOL_ROWS, *own, *everything_of("early", THEIRS)], verdicts=some)
    assert same_holders[0].points > once[0].points - 1.0, "keys that the same accounts show are one key"
    assert other_holders == []


def test_calls_below_what_chance_gives_do_not_count() -> None:
    assert named([*POOL_ROWS, *everything_of("early", THEIRS, calls=2)]) == []


def test_a_key_that_fewer_accounts_of_a_campaign_show_than_a_campaign_needs_is_not_its_own() -> None:
    rows = [row for head in POOL[:4] for row in everything_of(head, THEIRS)]
    assert named([*rows, *everything_of("early", THEIRS)]) == []


def test_one_confirmed_account_is_enough_and_one_merely_suspected_is_not() -> None:
    rows = [*everything_of("thief", THEIRS, 80), *everything_of("early", THEIRS)]
    (found,) = named(rows, CAMPAIGN.empty(), verdict("thief", "true_positive"))
    assert (found.account_id, found.basis, found.id) == ("early", "verdict", "thief")
    assert named(rows, CAMPAIGN.empty(), verdict("thief", "suspicious")) == []


def test_what_only_a_cleared_account_shows_is_carried_no_further() -> None:
    cleared = pl.concat([verdict(head, "benign") for head in POOL[:2]])
    assert named([*POOL_ROWS, *everything_of("early", THEIRS)], verdicts=cleared) == []


def test_a_small_lake_cannot_say_that_a_key_is_rare() -> None:
    rows = [*POOL_ROWS, *everything_of("early", THEIRS)]
    assert named(rows, population=16) == []
    assert len(named(rows, population=200)) == 1


def test_rows_in_any_order_name_the_same() -> None:
    rows = [*POOL_ROWS, *everything_of("early", THEIRS), *everything_of("later", THEIRS)]
    assert named(rows) == named(rows[::-1])
