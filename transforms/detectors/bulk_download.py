"""Bulk download: more distinct objects within a day than any choice explains."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule

CARD = Card(
    id="bulk_download",
    layer="L0",
    family="download",
    sees="Ten thousand and more distinct objects downloaded within 24 hours, in whatever order.",
    blind_to="Slower copies and copies spread over accounts; a mirror or backup service looks the same.",
    needs=Presence.OBJECT,
    techniques=("AML.T0024",),
    severity="medium",
    kind="bulk_download",
    points=3.0,
    points_reason="the priors of objects_24h (3 % at 100, 0.5 % at 1,000) fall by 0.78 decades a decade: 0.08 % at 10,000",
    policy=("rules.download_breadth",),
    runbook=(
        "See what kind of objects were fetched and whether they belong to the account.",
        "Ask the owner whether a backup or mirror runs; record it in the accounts file.",
    ),
    firing=Example(
        says="12,000 files, each fetched once, over an hour.",
        tallies=tuple({"minute": 5 * t, "calls": 1000, "download_calls": 1000} for t in range(12)),
        traits=tuple(
            {"minute": 5 * t, "kind": "download", "key": 1000 * t + k} for t in range(12) for k in range(1000)
        ),
    ),
    silent=Example(
        says="A poller that asks for the same 40 results 12,000 times.",
        tallies=tuple({"minute": 5 * t, "calls": 1000, "download_calls": 1000} for t in range(12)),
        traits=tuple(
            {"minute": 5 * t, "kind": "download", "key": (2**57) * k, "count": 25} for t in range(12) for k in range(40)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("downloads") > 0,
    holds=lambda rules: pl.col("objects_day") >= rules.download_breadth,
    observed=pl.col("objects_day"),
    expected=lambda rules: float(rules.download_breadth),
    detail=pl.format("about {} distinct objects in {} downloads in 24 h", "objects_day", "day_downloads"),
)
