"""No single address, key, client or account stands for most of the traffic: a proxy or a relay hides who calls."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from schemas.policy import Doctor

_WHAT = {
    "network_prefix": (
        "address",
        "a proxy seems to hide the clients: log the address it forwards (X-Forwarded-For) instead of its own",
    ),
    "api_key_id": (
        "API key",
        "a gateway seems to use one key for its customers: name the field that tells them, `account` under [source.NAME] of the policy",
    ),
    "user_agent": (
        "user agent",
        "a relay seems to stand before the clients: log the agent it forwards, or name a header with `client_fingerprint` under [source.NAME] of the policy",
    ),
    "account_id": (
        "account",
        "the log seems to name a gateway, not who calls it: name the field that does, `account` under [source.NAME] of the policy",
    ),
}


def check(case: Case) -> Iterator[Symptom]:
    """What dominates the last closed days."""
    policy = case.policy.doctor
    last = case.scan("events").select(pl.col("time").max()).collect().item()
    if last is None:
        return
    recent = case.lake.scan("events", case.versions["events"], ("time", last - timedelta(days=policy.days), None))
    accounts = recent.select(pl.col("account_id").n_unique()).collect().item()
    if accounts < policy.dominant_least_accounts:
        return
    for column, (what, mend) in _WHAT.items():
        yield from _dominant(recent, column, what, mend, policy)


def _dominant(events: pl.LazyFrame, column: str, what: str, mend: str, policy: Doctor) -> Iterator[Symptom]:
    by_value = (
        events.filter(pl.col(column).is_not_null())
        .group_by(column)
        .agg(calls=pl.len(), accounts=pl.col("account_id").n_unique())
        .collect(engine="streaming")
    )
    calls = int(by_value["calls"].sum())
    if calls < policy.least_calls:
        return
    limit = policy.dominant_agent_share if column == "user_agent" else policy.dominant_share
    top = by_value.sort("calls", column, descending=[True, False]).row(0, named=True)
    is_shared = column == "account_id" or top["accounts"] >= policy.dominant_least_accounts
    if top["calls"] > limit * calls and is_shared:
        shared = "" if column == "account_id" else f", for {top['accounts']:,} accounts"
        problem = f"it stands for {top['calls'] / calls:.0%} of the calls of the last {policy.days} days{shared}"
        yield Symptom("warning", f"{what} {top[column]}", problem, mend)
