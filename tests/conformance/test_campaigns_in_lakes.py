"""What every table of a lake says of campaigns fits together, in a world whose pools merge and share."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from judging.measuring import judged_lake
from pipelines.lake.lake import Lake
from pipelines.worlds import write_world
from transforms.simulate import Options, Pool

pytestmark = (
    pytest.mark.slow
)  # what one step after the other says of ids and accounts is held in transforms/campaigns/test_lineage.py

WORLD = Options(
    seed=61, days=2, accounts=20, lookalikes=1, crowd=5, teams=1, attackers=0, cap_per_day=40.0, loud_cap=40.0, words=8,
    pools=tuple(Pool("T-HYDRA", heads, 60.0, attack_share=1.0, harvest=harvest)
                for heads, harvest in ((30, "T-COT"), (12, "T-COT"), (14, "T-AGENT"))),
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("campaigns")
    write_world(WORLD, folder / "world", "canonical")
    judged_lake(folder, (str(folder / "world" / "logs"),), folder / "world" / "accounts.csv")
    return Lake.open(folder / "lake")


def test_every_campaign_id_anywhere_is_in_the_table_of_campaigns(lake: Lake) -> None:
    campaigns = lake.read("campaigns")
    ids = set(campaigns["campaign_id"])
    assert ids
    for table in ("findings", "flagged_accounts"):
        rows = lake.read(table)
        named = set(rows["campaign_id"].drop_nulls()) | set(rows["campaign_ids"].explode().drop_nulls())
        assert named <= ids
    assert set(campaigns["merged_into"].drop_nulls()) | set(campaigns["merged_ids"].explode().drop_nulls()) <= ids


def test_both_sides_agree_on_who_is_in_a_campaign(lake: Lake) -> None:
    flagged, campaigns = lake.read("flagged_accounts"), lake.read("campaigns")
    by_account = flagged.select("account_id", campaign_id="campaign_ids").explode("campaign_id").drop_nulls()
    by_campaign = campaigns.select("campaign_id", account_id="account_ids").explode("account_id")
    assert set(by_account.rows()) == set(by_campaign.select("account_id", "campaign_id").rows())
    assert campaigns.filter(pl.col("account_ids").list.len() != pl.col("accounts")).is_empty()


def test_who_is_flagged_by_campaigns_alone_is_of_the_kind_of_one_of_them(lake: Lake) -> None:
    flagged = lake.read("flagged_accounts").filter(~pl.col("provisional")).drop_nulls("campaign_id")
    alone = flagged.filter(pl.col("signals").list.eval(pl.element().struct.field("layer") == "L2").list.all())
    kinds = dict(lake.read("campaigns").select("campaign_id", "kind").iter_rows())
    assert not alone.is_empty()
    for kind, names in alone.select("kind", "campaign_ids").iter_rows():
        assert kind in {kinds[name] for name in names}


def test_no_campaign_was_flagged_after_it_was_last_seen_or_before_it_began(lake: Lake) -> None:
    for row in lake.read("campaigns").iter_rows(named=True):
        assert row["first_seen"] < row["flagged_at"] <= row["last_seen"] + timedelta(minutes=10)
        assert row["first_seen"] >= datetime(2026, 1, 1, tzinfo=UTC)


def test_what_the_accounts_of_campaigns_do_beside_is_what_their_traits_say(lake: Lake) -> None:
    traits = lake.read("traits")
    for row in lake.read("campaigns").iter_rows(named=True):
        mine = traits.filter(pl.col("account_id").is_in(row["account_ids"]), pl.col("tick") <= row["last_seen"])
        spoken = set(mine.filter(pl.col("kind") == "language")["label"]) - {"und"}
        blocked = mine.filter((pl.col("kind") == "operation") & (pl.col("blocked") > 0))["account_id"]
        assert row["languages"]
        assert set(row["languages"]) <= spoken
        assert 0 <= row["failed_over_accounts"] <= row["blocked_accounts"] <= blocked.n_unique()
        if row["pivot_model"] is not None:
            asked = traits.filter((pl.col("kind") == "model") & (pl.col("label") == row["pivot_model"]))
            came = asked["tick"].min()
            early = asked.filter(pl.col("tick") < came + timedelta(days=1))["account_id"].unique()
            assert traits["tick"].min() + timedelta(days=1) <= came >= row["flagged_at"]
            assert row["pivot_accounts"] <= len(set(early) & set(row["account_ids"]))
    assert lake.read("campaigns")["pivot_model"].null_count() < lake.read("campaigns").height
