"""A lake held against the truth of its world: everything `evaluate` tells, as frames and as plain data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lake.lake import Lake
from pipelines.lake.state import manifest_of
from schemas.catalogue import TABLES
from schemas.errors import StillwatchError
from schemas.truth import ATTACK, TRUTH
from transforms.detectors import cards
from transforms.evaluate import (
    FLAGGED,
    POOLED,
    Rate,
    attacking,
    by_detector,
    curve,
    daily,
    false_alarms,
    found_campaigns,
    headline,
    matched,
    outcomes,
    poisson_upper,
    ranking,
    recall,
    said,
    taken,
    timeline,
)
from transforms.evaluate.baselines import ALLOWED, BASELINES, CALL_COLUMNS, Tables, compared, scored, threshold


@dataclass(frozen=True)
class Judgement:
    """What a lake found of a world.

    Attributes:
        found: OUTCOME rows.
        attacks: ATTACK rows, the world's own or, where it has none, all calls since the first attacking one.
        attacks_known: whether they are the world's own.
        scores: account_id, window_end, score of the lake.
        campaigns: rows of `evaluate.FLAGGED`, definite ones.
        matches: what `evaluate.matched` tells of them.
        cost: what the lake costs: see `cost_of`.
        detectors: SAID rows.
    """

    found: pl.DataFrame
    attacks: pl.DataFrame
    attacks_known: bool
    scores: pl.DataFrame
    campaigns: pl.DataFrame
    matches: pl.DataFrame
    cost: dict[str, Any]
    detectors: pl.DataFrame

    def told(self) -> dict[str, Any]:
        """Everything as plain data, ready for JSON."""
        return {
            "world": self._world(),
            "rates": {name: _rate(rate) for name, rate in headline(self.found).items()},
            "scores": ranking(self.found, self.scores).to_dicts(),
            "scores_of_heads": ranking(self.found, self.scores, pooled=True).to_dicts(),
            "budget": [row | {"day": row["day"].isoformat()} for row in daily(self.found, self.scores).to_dicts()],
            "thieves": recall(self.found, taken(self.found, self.attacks)).to_dicts(),
            "others": false_alarms(self.found).to_dicts(),
            "detectors": by_detector(self.found, self.detectors, list(cards())),
            "campaigns": self._campaigns(),
            "cost": self.cost,
            "timeline": timeline(self.true_campaigns(), self.found, self.attacks),
            "curves": {
                name: curve(self.found, self.scores, pooled=pooled)
                for name, pooled in (("acting alone", False), ("heads of pools", True))
            },
        }  # fmt: skip

    def true_campaigns(self) -> pl.DataFrame:
        """One row a true campaign, see `evaluate.found_campaigns`."""
        return found_campaigns(self.found, self.attacks, self.matches, self.campaigns)

    def _world(self) -> dict[str, Any]:
        labels = dict(self.found.group_by("label").len().sort("label").iter_rows())
        return {
            "accounts": labels,
            "calls": int(self.found["calls"].sum()),
            "attack_calls": int(self.found["attack_calls"].sum()),
            "benign_account_days": self._benign_days(),
            "attacks_known": self.attacks_known,
        }

    def _benign_days(self) -> int:
        return int(self.found.filter(pl.col("label") == "benign")["days"].sum())

    def _campaigns(self) -> dict[str, Any]:
        true = self.true_campaigns()
        # Accounts that hand reasoning handles to each other act alone in every other figure, and one by one a rule names them.
        thieves = true.filter((pl.col("label") == "extraction") & pl.col("archetype").is_in(POOLED))
        grown = thieves.filter(pl.col("exchanges") > 0)
        wrong = self.matches.filter(pl.col("verdict") == "false")
        weeks = self._benign_days() / 7
        upper = poisson_upper(wrong.height) / weeks if weeks else None
        return {
            "flagged": self.matches.height,
            "recall": _rate(Rate(int(grown["is_found"].sum()), grown.height)),
            "false": wrong.height,
            "impure": self.matches.filter(pl.col("verdict") == "impure").height,
            "account_weeks": weeks,
            "false_per_account_week": wrong.height / weeks if weeks else None,
            "false_per_account_week_upper": upper,
            "true": [_plain(row) for row in true.to_dicts()],
            "matches": [_plain(row) for row in self.matches.to_dicts()],
        }


def judge(lake: Lake, world: Path) -> Judgement:
    """Holds a lake against the truth files of a folder.

    Args:
        lake: any lake.
        world: holds truth.parquet (TRUTH rows), and attacks.parquet (ATTACK rows) where the attack calls are known.

    Raises:
        StillwatchError: there is no truth, or it is not such a table.
    """
    truth = TRUTH.conform(_read(world / "truth.parquet"))
    flagged = lake.read("flagged_accounts").filter(~pl.col("provisional"))
    findings = lake.scan("findings").select("account_id", "tick", "activity", "tier", "signals").collect()
    active = lake.scan("account_windows").filter(~pl.col("provisional")).select("account_id", "window_end").collect()
    found = outcomes(truth, flagged.select("account_id", "tier", "flagged_at", "status"), findings, active)
    is_known = (world / "attacks.parquet").exists()
    attacks = (
        ATTACK.conform(_read(world / "attacks.parquet"))
        if is_known
        else attacking(truth, _calls_of_thieves(lake, truth))
    )
    campaigns = lake.scan("campaigns").select(list(FLAGGED)).collect().cast(FLAGGED)
    scores = lake.scan("account_scores").select("account_id", "window_end", "score").collect()
    spoken = lake.scan("account_scores").filter(~pl.col("provisional") & (pl.col("signals").list.len() > 0))
    told = said(spoken.select("account_id", "window_end", "signals").collect(), findings)
    return Judgement(found, attacks, is_known, scores, campaigns, matched(truth, campaigns), cost_of(lake), told)


def cost_of(lake: Lake) -> dict[str, Any]:
    """Events, accounts, bytes of all tables an event, bytes of what the last run remembers an account, bytes of each table.

    What a run takes in time depends on the machine and is measured by `make bench`.
    """
    # A lake of an older version has fewer tables.
    there = [name for name in TABLES if lake.folder(name).exists()]
    files = {name: sum(file.size for file in lake.files(name)) for name in there}
    events = sum(file.rows for file in lake.files("events"))
    accounts = lake.scan("account_windows").select(pl.col("account_id").n_unique()).collect().item()
    kept = [
        path
        for path in (lake.root / "_stillwatch" / "state" / name for name in manifest_of(lake).values())
        if path.is_file()
    ]
    state = sum(path.stat().st_size for path in kept)
    return {
        "events": events,
        "accounts": accounts,
        "bytes_per_event": sum(files.values()) / events if events else None,
        "state_bytes_per_account": state / accounts if accounts else None,
        "tables": dict(sorted(files.items(), key=lambda item: -item[1])),
    }


def tables(lake: Lake) -> Tables:
    """What baselines read of a lake."""
    traits = lake.scan("traits").filter(pl.col("kind") == "prefix")
    return Tables(
        lake.scan("account_windows").filter(~pl.col("provisional")).collect(),
        traits.select("account_id", "tick", "key").collect(),
        lake.scan("events").select(CALL_COLUMNS),
    )


def beside_baselines(lake: Lake, judgement: Judgement, other: tuple[Lake, Path] | None) -> dict[str, Any]:
    """The lake's own scores beside the baselines'.

    Args:
        lake: the judged lake.
        judgement: what was found of it.
        other: a lake and the truth of its world, on whose honest accounts thresholds are set; None for rank figures alone.

    Returns:
        `said`, a sentence on the thresholds, and `rows`, see `baselines.compared`.
    """
    methods: dict[str, tuple[pl.DataFrame, pl.DataFrame | None]] = {}
    here, there = tables(lake), None if other is None else tables(other[0])
    for name, method in BASELINES.items():
        methods[name] = (method(here), None if there is None else method(there))
    elsewhere = None if other is None else judge(*other)
    own = None if elsewhere is None else scored(elsewhere.scores)
    methods = {"stillwatch, scores alone": (scored(judgement.scores), own), **methods}
    rows = []
    for name, (scores, reference) in methods.items():
        limit = None if elsewhere is None or reference is None else threshold(elsewhere.found, reference)
        rows.append(compared(name, judgement.found, scores, limit))
    said = (
        "No threshold was set: name another lake and its world to set them on. By rank alone:"
        if other is None
        else f"Thresholds let {ALLOWED:.1%} of the honest account-days of another world pass ({other[1].name}); detectors and baselines never saw the truth of this one."
    )
    return {"said": said, "rows": rows}


def _calls_of_thieves(lake: Lake, truth: pl.DataFrame) -> pl.DataFrame:
    thieves = truth.filter(pl.col("label") == "extraction").lazy().select("account_id")
    return lake.scan("events").select("account_id", "time").join(thieves, on="account_id", how="semi").collect()


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except OSError as error:
        fix = "name a folder that `simulate` wrote, or one with a truth.parquet of your own (docs/contracts.md: truth)"
        raise StillwatchError(str(path), "the truth cannot be read", fix) from error


def _rate(rate: Rate) -> dict[str, Any]:
    return {"hits": rate.hits, "trials": rate.trials, "value": rate.value, "interval": rate.interval}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
