"""The review list: who is to be looked at now, after verdicts and what contracts allow.

An overlay that acts at once and never changes a score: whatever it hides stays in `findings`.
"""

import polars as pl

from schemas.finding import FLAGGED_ACCOUNT
from schemas.policy import Policy

RESOLVES = ("false_positive", "benign", "test", "disregard", "duplicate")
"""Verdicts that take an account off the list; the others say that someone is looking."""


def open_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """The latest revision of every finding that is neither closed nor withdrawn."""
    latest = findings.sort("finding_uid", "revision").unique("finding_uid", keep="last", maintain_order=True)
    return latest.filter(pl.col("activity").is_in(["created", "updated"]))


def standing(findings: pl.DataFrame, verdicts: pl.DataFrame, registry: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Every account with an open finding, with where its review stands.

    `suppressed` where the policy allows the account or a word of its contract; else `resolved` or `in_progress` by the
    account's latest verdict; else `new`.

    Args:
        findings: all FINDING revisions so far.
        verdicts: all VERDICT rows so far.
        registry: REGISTRY, one row an account.
        policy: `policy.allow`.

    Returns:
        FLAGGED_ACCOUNT rows.
    """
    one = (
        open_findings(findings)
        .sort("account_id", "flagged_at", "finding_uid")
        .unique("account_id", keep="first", maintain_order=True)
    )
    judged = (
        verdicts.sort("account_id", "given_at")
        .unique("account_id", keep="last", maintain_order=True)
        .select("account_id", "verdict")
    )
    known = one.join(judged, on="account_id", how="left").join(
        registry.select("account_id", "contract"), on="account_id", how="left"
    )
    return FLAGGED_ACCOUNT.conform(
        known.with_columns(
            campaign_ids=pl.col("campaign_ids").fill_null([]),
            status=_status(policy),
            provisional=pl.lit(False),
        )
    )


def suppressed(registry: pl.DataFrame, policy: Policy) -> set[str]:
    """Accounts whose findings the policy suppresses: it names them, or a word of their contract.

    Args:
        registry: REGISTRY, one row an account.
        policy: `policy.allow`.
    """
    return {*policy.allow.account_ids, *registry.filter(_is_allowed(policy))["account_id"]}


def review_list(findings: pl.DataFrame, verdicts: pl.DataFrame, registry: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The accounts a person should look at: `standing` without those suppressed or resolved."""
    return standing(findings, verdicts, registry, policy).filter(~pl.col("status").is_in(["suppressed", "resolved"]))


def _is_allowed(policy: Policy) -> pl.Expr:
    words = [word.casefold() for word in policy.allow.contracts]
    contract = pl.col("contract").str.to_lowercase().fill_null("")
    return pl.any_horizontal(
        pl.col("account_id").is_in(pl.Series(policy.allow.account_ids, dtype=pl.String).implode()),
        *[contract.str.contains(word, literal=True) for word in words],
    )


def _status(policy: Policy) -> pl.Expr:
    return (
        pl.when(_is_allowed(policy))
        .then(pl.lit("suppressed"))
        .when(pl.col("verdict").is_in(RESOLVES))
        .then(pl.lit("resolved"))
        .when(pl.col("verdict").is_not_null())
        .then(pl.lit("in_progress"))
        .otherwise(pl.lit("new"))
    )
