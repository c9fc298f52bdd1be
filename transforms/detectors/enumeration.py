"""Enumeration: objects are fetched by walking their numbers."""

import polars as pl

from schemas.card import Card, Example
from schemas.event import Presence
from transforms.detectors.rule import Rule, share

CARD = Card(
    id="enumeration",
    layer="L0",
    family="download",
    sees="Hundreds of distinct objects downloaded within 24 hours, most of them numbered one after the other.",
    blind_to="Walks in strides, backwards or by several workers at once; an export of one's own numbered files looks the same.",
    needs=Presence.OBJECT,
    techniques=("AML.T0024",),
    severity="medium",
    kind="bulk_download",
    points=2.3,
    points_reason="0.5 % of benign accounts walk nearly all object numbers (schemas/feature.py, sequential_share_24h)",
    policy=("rules.download_objects", "rules.download_least_numbered", "rules.download_sequential_share"),
    runbook=(
        "Check whether the objects belong to the account: a walk through one's own files is an export.",
        "If they do not, close the listing and look for answers other than 404 in the walk.",
    ),
    firing=Example(
        says="600 files with consecutive numbers in an hour.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 50, "download_calls": 50, "numbered": 50, "sequential": 49} for t in range(12)
        ),
        traits=tuple(
            {"minute": 5 * t, "kind": "download", "key": 50 * t + k, "count": 1} for t in range(12) for k in range(50)
        ),
    ),
    silent=Example(
        says="A pipeline that fetches its own 240 numbered results, in the order in which they finish.",
        tallies=tuple(
            {"minute": 5 * t, "calls": 20, "download_calls": 20, "numbered": 20, "sequential": 4} for t in range(12)
        ),
        traits=tuple(
            {"minute": 5 * t, "kind": "download", "key": 20 * t + k, "count": 1} for t in range(12) for k in range(20)
        ),
    ),
)

RULE = Rule(
    card=CARD,
    changed=pl.col("downloads") > 0,
    holds=lambda rules: (
        (pl.col("objects_day") >= rules.download_objects)
        & (pl.col("day_numbered") >= rules.download_least_numbered)
        & (share("day_walked", "day_numbered") >= rules.download_sequential_share)
    ),
    observed=pl.col("objects_day"),
    expected=lambda rules: float(rules.download_objects),
    detail=pl.format(
        "about {} distinct objects in 24 h; of {} numbered ones {} follow on the one before",
        "objects_day",
        "day_numbered",
        "day_walked",
    ),
)
