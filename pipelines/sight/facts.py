"""What a lake tells of how it is: small questions, each answered from the lake alone and without a lease."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.lake.borders import floor_to_day
from pipelines.lake.files import scan
from pipelines.lake.lake import Lake
from pipelines.lake.references import ALWAYS, pin_at
from pipelines.lake.snapshots import read_snapshot
from pipelines.lake.state import Manifest, States
from schemas.catalogue import TABLES
from schemas.policy import Policy, Rates
from schemas.score import TIERS
from transforms.distribution import recipe
from transforms.findings import Calibration, least_size
from transforms.sessions import SessionState


def runs_after(lake: Lake, sequence: int) -> list[dict[str, Any]]:
    """The rows of `runs` behind a sequence number, in order; only files that can hold any are opened."""
    files = [entry for entry in lake.files("runs") if entry.most.get("sequence", sequence + 1) > sequence]
    rows = scan([lake.folder("runs") / entry.path for entry in files], TABLES["runs"])
    return lake.collect("runs", rows.filter(pl.col("sequence") > sequence).sort("sequence")).to_dicts()


def flagged_by_tier(lake: Lake) -> dict[str, int]:
    """Accounts on the review list, by tier; every tier is there."""
    counts = lake.scan("flagged_accounts").group_by("tier").len()
    found = dict(lake.collect("flagged_accounts", counts).iter_rows())
    return {tier: found.get(tier, 0) for tier in TIERS}


def quarantined_days(lake: Lake) -> list[datetime]:
    """Days that failed their audit and that nobody released, sorted."""
    models = lake.scan("models").filter("quarantined").select("day").unique()
    days = lake.collect("models", models)
    return days.join(lake.read("releases"), on="day", how="anti")["day"].sort().to_list()


def reference(lake: Lake, manifest: Manifest, closed: datetime | None, policy: Policy) -> dict[str, Any]:
    """What the distribution test compares with on the day that is open, and what is recorded for the next border.

    Args:
        lake: the lake.
        manifest: its states.
        closed: end of its last closed tick.
        policy: of its last DETECT run.

    Returns:
        `action` (imported, frozen; null for what the lake learns), `name`, `learned_day`, `since` (null: from the first event),
        `holds` (false: the policy samples calls otherwise, so that what the lake learns is compared with), `next` (action recorded
        for a later border, null for none) and `next_from`.
    """
    border = None if closed is None else floor_to_day(closed)
    rows = lake.read("reference_pins").sort("holds_from", "sequence")
    first = rows["holds_from"].min() if border is None else border
    now = None if first is None else pin_at(lake, first)  # type: ignore[arg-type]
    later = rows.filter(pl.col("holds_from") > first) if first is not None else rows
    told: dict[str, Any] = {"action": None, "name": None, "learned_day": None, "since": None, "holds": True}
    if now is not None:
        is_first = now["holds_from"] == ALWAYS
        told = {"action": now["action"], "name": now["reference"], "learned_day": now["learned_day"]}
        told |= {"since": None if is_first else now["holds_from"], "holds": now["recipe"] == recipe(policy)}
    elif "snapshot" in manifest:
        told["learned_day"] = read_snapshot(lake.root, manifest["snapshot"], ()).day
    after = {"action": None, "holds_from": None} if later.is_empty() else later.row(-1, named=True)
    return told | {"next": after["action"], "next_from": after["holds_from"]}


def rejects_of_run(lake: Lake, run_id: str) -> dict[str, int]:
    """Records that a run refused, by reason; none where its files were put together with others since."""
    names = [entry.path for entry in lake.files("rejects") if entry.path.startswith(f"{run_id}-")]
    rows = scan([lake.folder("rejects") / name for name in names], TABLES["rejects"])
    return dict(lake.collect("rejects", rows.group_by("reason").len()).iter_rows())


def rejects_by_reason(lake: Lake) -> dict[str, int]:
    """Records that are refused, by reason, most first."""
    counts = lake.scan("rejects").group_by("reason").len().sort("len", "reason", descending=[True, False])
    return dict(lake.collect("rejects", counts).iter_rows())


def state_bytes(lake: Lake, manifest: Mapping[str, str]) -> int:
    """Bytes of the states and snapshots that a manifest names."""
    return States(lake.root).size(manifest.values())


def open_accounts(lake: Lake, manifest: Manifest) -> int:
    """Accounts whose session may still go on."""
    states = States(lake.root)
    names = [name for key, name in manifest.items() if key.startswith("sessions/")]
    return sum(states.restore(name, SessionState).sessions["account_id"].n_unique() for name in names)


def scored_alike(lake: Lake, manifest: Manifest) -> int:
    """Account-days of the largest reference that a manifest's models give rates against; 0 before the first day was learned."""
    snapshot = read_snapshot(lake.root, manifest.get("snapshot"), ("references",))
    return Calibration.of(snapshot["references"]).largest()


def least_alike(rates: Rates) -> dict[str, int]:
    """By tier, account-days that a reference takes for a rate as small as the tier's budget."""
    return {"review": least_size(rates.review), "act": least_size(rates.act)}
