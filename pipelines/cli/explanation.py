"""An account's explanation: plain data first, and the text made from it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.cli.circles import Shared, circles
from pipelines.cli.course import course, together
from pipelines.cli.output import cell, iso, neutral
from schemas.feature import FEATURE
from schemas.finding import DAMAGE_TIERS
from schemas.policy import Policy
from schemas.technique import TECHNIQUES
from transforms.detectors.nearest import CORE, Near, nearest, prior_points
from transforms.detectors.patterns import COUNTS_FROM, HARVEST
from transforms.findings.calibration import least_size

DAMAGE = {
    1_000: "enough for s1",
    10_000: "minutes at the largest reported rate",
    52_000: "enough for Alpaca",
    100_000: "more than Lion and most published recipes",
    800_000: "enough for R1-distill",
}
"""What published distillation recipes did with so many exchanges (threats.md 4.2)."""

_WINDOWS = 168
"""Hours looked back for what an account came nearest to: a week."""

_NEAREST = 3
"""As many near rules and shapes as help a person."""

_NEAR_FROM = 0.3
"""Share of the way from which a rule or shape is near: an account's youth alone is nothing."""


@dataclass(frozen=True)
class Sources:
    """The rows of the lake that speak of one account, as plain data.

    Attributes:
        account_id: the account.
        flagged: its row of `flagged_accounts`; None if it is not flagged.
        revisions: its rows of `findings`, oldest first.
        campaigns: rows of `campaigns` it belongs to, each with its latest row of `campaign_tests` as `latest_test` (None if it has none).
        scores: its rows of `account_scores`, oldest first.
        windows: its rows of `account_windows`, oldest first.
        model: the row of `models` its latest score was held against; None if nothing was learned yet.
        shared: what it shares with few others; None if it is flagged, or showed nothing lately.
    """

    account_id: str
    flagged: Mapping[str, Any] | None
    revisions: Sequence[Mapping[str, Any]]
    campaigns: Sequence[Mapping[str, Any]]
    scores: Sequence[Mapping[str, Any]]
    windows: Sequence[Mapping[str, Any]]
    model: Mapping[str, Any] | None
    shared: Shared | None = None

    @property
    def is_known(self) -> bool:
        """Whether any hour of the account has been closed."""
        return bool(self.windows or self.scores or self.flagged)


def explain(sources: Sources, policy: Policy) -> dict[str, Any]:
    """Why the account is flagged, or why it is not, as JSON knows it; the keys are those of the lake where it has them."""
    latest = sources.scores[-1] if sources.scores else None
    told: dict[str, Any] = {
        "account_id": sources.account_id,
        "is_flagged": sources.flagged is not None,
        "seen": _seen(sources),
    }
    if sources.flagged is not None:
        told |= {name: value for name, value in sources.flagged.items() if name not in ("account_hash", "techniques")}
        told["techniques"] = [{"id": t, "name": TECHNIQUES.get(t, "")} for t in sources.flagged["techniques"]]
        told["signals"] = [_signal(signal) for signal in sources.flagged["signals"]]
        told["revisions"] = [
            {name: revision[name] for name in ("revision", "activity", "revised_at", "tier", "severity", "score")}
            for revision in sources.revisions
            if revision["finding_uid"] == sources.flagged["finding_uid"]
        ]
        told["strongest_reason"] = next(iter(sources.flagged["reasons"]), None)
        told["campaigns"] = [dict(campaign) for campaign in sources.campaigns]
    else:
        told["why_not"] = [*_nearest(sources, policy), *_why_not(latest, sources, policy)]
        told["why_not"] += _withdrawals(sources.revisions)
        told["shares"] = [] if sources.shared is None else circles(sources.shared, policy.campaigns)
        told["nearest"] = [vars(near) for near in _near_of(sources, policy)]
        told["highest"] = _score(
            max(sources.scores, key=lambda s: (s["score"] is not None, s["score"] or 0.0), default=None)
        )
    told["latest"] = _score(latest)
    return told


def near(account: str, known: Iterable[str]) -> list[str]:
    """Up to three known accounts that read like this one."""
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    return [folded[name] for name in difflib.get_close_matches(account.casefold(), folded, n=3, cutoff=0.6)]


def candidates(account: str, accounts: pl.Series, most: int = 5_000) -> list[str]:
    """Accounts worth comparing letter by letter, out of very many: similar length, and a shared beginning or end."""
    frame = accounts.unique().sort().alias("account_id").to_frame()
    name = pl.col("account_id").str.to_lowercase()
    wanted = account.lower()
    shares = (
        name.str.starts_with(wanted[:3]) | name.str.ends_with(wanted[-3:]) | name.str.contains(wanted, literal=True)
    )
    close = frame.filter(shares | (pl.lit(frame.height <= most)))
    return close.get_column("account_id").head(most).to_list()


def _seen(sources: Sources) -> dict[str, Any]:
    if not sources.windows:
        return {}
    last = sources.windows[-1]
    return {
        "first_seen": last["first_seen"],
        "last_window_end": last["window_end"],
        "calls": last["lifetime_calls"],
        "output_tokens": last["lifetime_output_tokens"],
        "peer_group": last["peer_group"],
        "is_weak_account": last["is_weak_account"],
    }


def _signal(signal: Mapping[str, Any]) -> dict[str, Any]:
    feature = FEATURE.get(signal["signal"])
    return dict(signal) | {"unit": feature.unit if feature else None, "why": feature.why if feature else None}


def _score(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    left_out = ("account_id", "account_hash", "signals")
    return {name: value for name, value in row.items() if name not in left_out} | {
        "signals": [_signal(signal) for signal in row["signals"]]
    }


def _near_of(sources: Sources, policy: Policy) -> list[Near]:
    """The rules and shapes that any of its windows came nearest to, each once, nearest first."""
    best: dict[str, Near] = {}
    for window in sources.windows[-_WINDOWS:]:
        for one in nearest(window, policy):
            if one.reached >= max(_NEAR_FROM, best[one.detector].reached if one.detector in best else 0.0):
                best[one.detector] = one
    return sorted(best.values(), key=lambda one: (-one.reached, one.detector))[:_NEAREST]


def _nearest(sources: Sources, policy: Policy) -> list[str]:
    """Campaigns it was counted to, then the rules and shapes it came nearest to."""
    lines = [
        f"It was counted to campaign {one['campaign_id']} ({one['accounts']:,} accounts), but no finding of it is open: it left, was allowed, "
        "or nothing supported it any more."
        for one in sources.campaigns
    ]
    for place, one in enumerate(_near_of(sources, policy)):
        title = "Nearest" if place == 0 else "Then"
        lines.append(f"{title}: {one.detector}, {one.reached:.0%} of the way: {one.says}.")
    return lines


def _harvest(window: Mapping[str, Any], policy: Policy) -> str:
    """What the pattern of a harvest takes, by the shipped priors, and what of it is not there."""
    evidence = policy.evidence
    points = prior_points(window, policy)
    core = sum(points[name] >= evidence.core_decades for name in CORE)
    shown = [name for name in HARVEST if points[name] >= COUNTS_FROM]
    total = sum(points[name] for name in HARVEST)
    calls = window["calls_24h"] or 0.0
    named = ", ".join(f"{name} {points[name]:.1f}" for name in CORE)
    lacks = {
        f"two of {', '.join(CORE[:-1])} and {CORE[-1]} with {evidence.core_decades:g} decade or more (it has {named}; evidence.core_decades)": core
        >= 2,
        f"{evidence.least_families} kinds of evidence (it has {', '.join(shown) or 'none'}; evidence.least_families)": len(
            shown
        )
        >= evidence.least_families,
        f"{evidence.review_decades:g} decades in all (it has {total:.1f}; evidence.review_decades)": total
        >= evidence.review_decades,
        f"{evidence.least_calls:,} calls in 24 h (it made {calls:,.0f}; evidence.least_calls)": calls
        >= evidence.least_calls,
    }
    missing = [what for what, is_there in lacks.items() if not is_there]
    return f"; for that it lacks {', and '.join(missing)}" if missing else ""


def _why_not(latest: Mapping[str, Any] | None, sources: Sources, policy: Policy) -> list[str]:
    """One sentence for each way of being flagged that did not hold at the latest scored hour."""
    if latest is None:
        return ["No hour of it has been scored."]
    if latest["score"] is None:
        return ["Nothing could look at it: every layer abstained.", *latest["abstained_because"]]
    because = (
        ["No rule could look." if latest["l0_score"] is None else "No rule held."] if not latest["l0_score"] else []
    )
    rates = policy.rates
    if latest["l1_score"] is None:
        why = "; ".join(latest["abstained_because"])
        because.append(f"Its own features were not judged: {why}." if why else "Its own features were not judged.")
    elif latest["p_value"] is None or 1 / (1 + latest["reference_size"]) > rates.review:
        window = next((w for w in reversed(sources.windows) if w["window_end"] == latest["window_end"]), None)
        lacks = "" if window is None else _harvest(window, policy)
        compared = f"{latest['reference_size']:,} account-days of peers"
        given = (
            f"Its {compared} are too few for a rate"
            if latest["p_value"] is None
            else f"Its {compared} give a rate of {latest['p_value']:.3g}, but are too few for one as small as the review tier takes"
        )
        because.append(
            f"{given} ({rates.review:g} takes {least_size(rates.review):,}), so of its features only the pattern of a harvest flags{lacks}. "
            "How rare its single signals are is told by shipped priors and peers."
        )
    elif latest["p_value"] > rates.review:
        because.append(
            f"A share of {latest['p_value']:.3g} of {latest['reference_size']:,} account-days of peers scored as high; the "
            f"review tier takes {rates.review:g}."
        )
    else:
        because.append(
            f"It is among the most unusual account-days ({latest['p_value']:.3g}), but what is unusual lacks the shape of an "
            f"extraction or weighs less than {rates.least_decades:g} decades against the shipped priors."
        )
    if sources.model is not None and sources.model["quarantined"]:
        because.append("The day before failed its audit: it was scored against an older snapshot.")
    return because


def _withdrawals(revisions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why findings about it no longer stand."""
    last = {revision["finding_uid"]: revision for revision in revisions}
    return [
        f"Its finding {one['finding_uid']} was withdrawn. {one['reasons'][0].removeprefix('Withdrawn: ').capitalize()}"
        for one in last.values()
        if one["activity"] == "withdrawn"
    ]


def text(told: Mapping[str, Any]) -> str:
    """The explanation for a terminal; every value in it is neutral."""
    lines = _flagged(told) if told["is_flagged"] else _unflagged(told)
    return "\n".join(lines) + "\n"


def _flagged(told: Mapping[str, Any]) -> list[str]:
    title = [told["tier"], told["severity"], told["kind"].replace("_", " ")]
    title += ["uncalibrated"] if told["uncalibrated"] else []
    title += ["provisional"] if told["provisional"] else []
    lines = [f"{neutral(told['account_id'])}: flagged ({', '.join(title)})", ""]
    lines.append("Why")
    lines += [f"  {number}. {neutral(reason)}" for number, reason in enumerate(told["reasons"], 1)]
    lines += ["", "Signals", *_indented(_signal_table(told["signals"]))]
    techniques = [f"{t['id']} {t['name']}".strip() for t in told["techniques"]]
    lines += ["", *_facts(
        {
            "flagged at": iso(told["flagged_at"]),
            "active since": iso(told["active_since"]),
            "had left by then": _damage(told),
            "score": _level(told),
            "technique": ", ".join(techniques),
            "campaigns": "; ".join(_campaign(campaign) for campaign in told["campaigns"]),
            "linked accounts": cell(told["linked_account_ids"]),
            "example calls": cell(told["example_event_ids"]),
            "status": told["status"] + (f", verdict {told['verdict']}" if told["verdict"] else ""),
            "finding": f"{told['finding_uid'] or 'none yet (provisional)'}, {_history(told['revisions'])}",
            "made with": f"policy {told['policy_version']}, snapshot {told['snapshot_id'] or 'none yet'}",
        }
    )]  # fmt: skip
    lines += _list("What this source could not show", told["could_not_see"])
    lines += _list("What would have cleared it", told["would_clear"])
    return lines


def _unflagged(told: Mapping[str, Any]) -> list[str]:
    lines = [f"{neutral(told['account_id'])}: not flagged"]
    lines += _list("Why not", told["why_not"])
    if told["shares"]:
        since = f"What it shares with few others, since {told['shares'][0]['since']:%Y-%m-%d}"
        lines += _list(since, [f"{one['says']}. No campaign, because {one['because']}." for one in told["shares"]])
    seen = told["seen"]
    if seen:
        lines += ["", *_facts(
            {
                "first seen": iso(seen["first_seen"]),
                "last hour": iso(seen["last_window_end"]),
                "calls": f"{seen['calls']:,}",
                "output tokens": f"{seen['output_tokens']:,}",
                "peer group": seen["peer_group"] + (" (account made of address and agent)" if seen["is_weak_account"] else ""),
            }
        )]  # fmt: skip
    for title, row in (("Latest score", told["latest"]), ("Highest score", told["highest"])):
        if row is not None and (title == "Latest score" or row["window_end"] != told["latest"]["window_end"]):
            lines += ["", f"{title}: {_level(row)}, in the hour to {iso(row['window_end'])}"]
            lines += _indented(_signal_table(row["signals"])) if row["signals"] else []
            if title == "Latest score":
                lines += [f"  abstained: {neutral(line)}" for line in row["abstained_because"]]
    return lines


def _level(row: Mapping[str, Any]) -> str:
    if row["score"] is None:
        return "none, every layer abstained"
    rate = "uncalibrated" if row["p_value"] is None else f"rate {row['p_value']:.3g} per account-day"
    return f"{row['score']:.2f} decades, {rate}"


def _damage(told: Mapping[str, Any]) -> str:
    parts = [f"{told['exchanges_before']:,} exchanges"]
    if told["output_tokens_before"] is not None:
        parts.append(f"{told['output_tokens_before']:,} output tokens")
    reached = told["damage_tier"]
    tier = f"below {DAMAGE_TIERS[0]:,}" if reached is None else f"past {reached:,}, {DAMAGE.get(reached, '')}"
    return f"{', '.join(parts)} ({tier})"


def _campaign(campaign: Mapping[str, Any]) -> str:
    kinds = cell(campaign["link_kinds"])
    taken = f"{campaign['exchanges']:,} exchanges, {campaign['exchanges_per_day']:,.0f} a day"
    goes_on = course(campaign)
    told = [
        f"{campaign['accounts']:,} accounts, by {kinds}",
        taken,
        *([goes_on] if goes_on else []),
        *together(campaign["latest_test"]),
    ]
    return f"{neutral(campaign['campaign_id'])} ({'; '.join(told)})"


def _history(revisions: Sequence[Mapping[str, Any]]) -> str:
    if not revisions:
        return "no revision"
    last = revisions[-1]
    return f"revision {last['revision']} ({last['activity']} {iso(last['revised_at'])})"


def _signal_table(signals: Sequence[Mapping[str, Any]]) -> list[str]:
    """Aligned lines: signal, observed, expected, peers, how rare, its part of the score."""
    header = ["signal", "observed", "expected", "peers", "benign as extreme", "points", ""]
    rows = [
        [
            neutral(s["signal"]),
            *(_number(s[name]) for name in ("observed", "expected", "peers")),
            "" if s["tail"] is None else f"{s['tail']:.3g}",
            f"{s['points']:.2f}",
            neutral(s["detail"] or s["unit"] or ""),
        ]
        for s in signals
    ]
    widths = [max(len(row[index]) for row in (header, *rows)) for index in range(len(header))]
    return [
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _facts(facts: Mapping[str, str]) -> list[str]:
    shown = {name: neutral(value) for name, value in facts.items() if value}
    width = max(map(len, shown))
    return [f"{name.ljust(width)}  {value}" for name, value in shown.items()]


def _list(title: str, sentences: Sequence[str]) -> list[str]:
    return ["", title, *[f"  - {neutral(sentence)}" for sentence in sentences]] if sentences else []


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
