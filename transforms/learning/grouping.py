"""Peer groups for the next day: plan and kind of use."""

from datetime import datetime, timedelta

import polars as pl

from schemas.policy import Policy
from schemas.snapshot import PEER

MAINLY = 0.5
"""Share of calls from which an account is mainly something: more often than not."""

CONVERSES = 0.3
"""Share of calls with three messages or more from which an account converses: most conversations are short."""

READ = (
    "account_id", "account_hash", "window_end", "plan", "calls_24h", "downloads_24h", "output_tokens_24h",
    "input_per_call_24h", "tool_share_24h", "multi_turn_share_24h",
)  # fmt: skip
"""WINDOW columns that peer groups follow from."""

_OTHER, _NO_PLAN = "other", "no-plan"
_NOT_PLAIN = r"[^a-z0-9._-]+"
_PLAN_CHARACTERS = 24


def use() -> pl.Expr:
    """Kind of use of a window, the first that fits: downloads, embeddings, calls with tools, conversations, single questions."""
    calls = pl.col("calls_24h")
    silent = (pl.col("output_tokens_24h") == 0) & (pl.col("input_per_call_24h") > 0)
    sees_turns = pl.col("multi_turn_share_24h").is_not_null() | pl.col("tool_share_24h").is_not_null()
    return (
        pl.when(pl.col("downloads_24h") > MAINLY * calls)
        .then(pl.lit("download"))
        .when(silent)
        .then(pl.lit("embedding"))
        .when(pl.col("tool_share_24h") >= MAINLY)
        .then(pl.lit("agent"))
        .when(pl.col("multi_turn_share_24h") >= CONVERSES)
        .then(pl.lit("chat"))
        .when(sees_turns)
        .then(pl.lit("single"))
        .otherwise(pl.lit("unknown"))
    )


def peers_after(
    previous: pl.DataFrame, day: datetime, windows: pl.DataFrame, registry: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """PEER rows for the next day.

    An account with windows on the day gets the plan known of it (the registry's, else the log's) and the use of its last
    window; one without keeps its group, until `learning.forget_days` after its last call.

    Args:
        previous: PEER rows of the day.
        day: its start.
        windows: its WINDOW rows, of which READ is read; the last one of each account suffices.
        registry: REGISTRY, one row an account.
        policy: learning.forget_days, learning.most_plans.
    """
    last = windows.sort("account_id", "window_end").unique("account_id", keep="last", maintain_order=True)
    known = registry.select("account_id", registered="plan")
    today = last.join(known, on="account_id", how="left", maintain_order="left").select(
        "account_id", "account_hash", plan=_plain(pl.coalesce("registered", "plan")), use=use(), last_day=pl.lit(day)
    )
    common = (
        today.filter(pl.col("plan") != _NO_PLAN)
        .group_by("plan")
        .len()
        .sort("len", "plan", descending=[True, False])
        .head(policy.learning.most_plans)["plan"]
    )
    is_named = pl.col("plan").is_in(common.implode()) | (pl.col("plan") == _NO_PLAN)
    plan = pl.when(is_named).then("plan").otherwise(pl.lit(_OTHER))
    today = today.with_columns(peer_group=pl.concat_str(plan, pl.lit("/"), "use")).select(PEER.columns)
    oldest = day - timedelta(days=policy.learning.forget_days)
    kept = previous.filter(pl.col("last_day").is_null() | (pl.col("last_day") > oldest)).join(
        today, on="account_id", how="anti"
    )
    return PEER.conform(pl.concat([kept.select(PEER.columns), today]))


def _plain(plan: pl.Expr) -> pl.Expr:
    """A plan's name as part of a group's name: lower case, letters, digits and `._-`, short."""
    name = plan.str.to_lowercase().str.replace_all(_NOT_PLAIN, "-").str.strip_chars("-").str.slice(0, _PLAN_CHARACTERS)
    return pl.when(name.str.len_chars() > 0).then(name).otherwise(pl.lit(_NO_PLAN))
