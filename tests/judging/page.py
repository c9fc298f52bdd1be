"""docs/evaluation.md: the goals, and how far the measured worlds are from them; what each detector did in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from judging.attacks import ATTACKS
from judging.worlds import BASE, DETECTORS, REREAD, WORDY
from transforms.evaluate import poisson_upper, wilson
from transforms.evaluate.degradation import SHARES, UNORDERED, WITHOUT, left_out, summed

Row = dict[str, Any]

_FOUND = tuple(SHARES.values())

BUDGET = 0.001
"""Share of honest account-days that may be flagged for review (policy: rates.review)."""

ACT_BUDGET = 0.0001
"""Share of them that may be flagged to act on (policy: rates.act)."""


WHY = {
    "exchanges gone": (
        (
            "A pool of 350 simulated heads takes half a day's calls within two and a half hours, some 5,500 exchanges in each five minutes. The slowest of the five is decided in its second tick and told when that tick's lateness"
            " is over: three times that ([measured](measured.md))."
        ),
        "Shorter ticks and less lateness (`time.tick_minutes`, `time.lateness_minutes`), which cost more runs and more late events. Heads that keep their 860 a day steadily take 1,045 in five minutes, and the goal is met with the same delay.",
    ),
    "harvests": (
        (
            "Whoever works alone has nothing in common with anybody, and a hundred exchanges of bulk generation, agents' tasks or embeddings are by metadata what honest batch jobs, agents and indexers make: 8 to 24 % of honest clients"
            " use one template. The shapes that know a harvest by its day take what the budget of 0.1 % gives: nine by what independence leaves, two by what was measured of them (decisions 0176, 0182)."
        ),
        "More exchanges than a hundred (the distribution test takes 500 to 1,500), a larger budget than 0.1 %, or something the log does not carry: what an account is for, or what its answers are used for.",
    ),
    "logit sweep": (
        "The missed one asked five prompts for one token with its log-probabilities, and biased nothing. Evaluation harnesses and classifiers read answers that way, so that with fewer than ten alternatives a call it takes a thousand in a day (`rules.logprob_calls`); its log ends before that.",
        "The rest of its log. A lower number would name harnesses too: 1 % of honest accounts ask for log-probabilities throughout (prior of `logprob_share_24h`).",
    ),
    "false campaigns": (
        "The one is seven accounts that generate synthetic data by one wording, five of them without a contract (B-SYN, grey), in a world with a hundred times the background (seed 11, 33,000 accounts): an even load (2.7 decades), days like a harvest (2) and long answers (0.8). The more accounts there are, the more groups of them say alike things by chance. No world here has a million accounts for a week: a few false ones, or none, say no more than the bound.",
        "Worlds of a million accounts, and the same evidence again on a second day before a group that only text ties is told.",
    ),
    "bulk download": (
        "The missed copy some dozens to some hundreds of objects, in no order. 3 % of honest accounts fetch a hundred objects in a day and one in 200 fetches a thousand (priors of `objects_24h`), so a few hundred say too little by themselves.",
        "Whose objects they are: a column that says so would tell a stranger's copy from an export of one's own files.",
    ),
    "look-alike": (
        "One account-day among a few dozen decides: with 40 days a single one is 2.5 %.",
        "Hundreds of look-alikes of a kind in the worlds. (Those that are met say as little: see the intervals.)",
    ),
}
"""By the beginning of a goal's name: why it is missed where it is, and what would be needed."""

NOT_KNOWN = ("Nobody has looked yet.", "To look at what is missed.")


@dataclass(frozen=True)
class Goal:
    """One goal of the project.

    Attributes:
        what: what is asked.
        goal: how much.
        met: whether the measured value meets it; None where nothing was measured.
        measured: the value, with its counts.
        world: where it was measured.
    """

    what: str
    goal: str
    met: bool | None
    measured: str
    world: str


def goals(rows: Sequence[Row]) -> list[Goal]:
    """The goals against what was measured.

    Args:
        rows: of docs/evaluation.json.
    """
    full = [row for row in rows if row["axis"] == "attack share" and row["value"] >= 0.25]
    slow, large = _of(rows, "low and slow"), _of(rows, "large pool")
    apart = _of(rows, "detectors")
    return [
        _share("campaigns found at 25 to 100 % attack share", 0.95, _sum(full, "campaigns_found", "campaigns"), full),
        _share(
            "campaigns found at 10 %, 13 calls a day and head", 0.85, _sum(slow, "campaigns_found", "campaigns"), slow
        ),
        _gone(large),
        _share(
            "harvests from one account without cover, found at the first evaluation after their 100th exchange",
            0.95,
            (sum(row["at_once"][0] for row in apart), sum(row["at_once"][1] for row in apart)),
            apart,
        ),
        *[_attack(name, apart) for name in ATTACKS],
        _false(
            "honest account-days flagged",
            (sum(row["honest_days_flagged"] for row in apart), sum(row["honest_days"] for row in apart)),
            apart,
        ),
        _false(
            "honest account-days to act on",
            (sum(row["honest_days_to_act_on"] for row in apart), sum(row["honest_days"] for row in apart)),
            apart,
            ACT_BUDGET,
        ),
        _false(
            "honest account-days flagged, all worlds (some have the same accounts)",
            (sum(row["honest_days_flagged"] for row in rows), sum(row["honest_days"] for row in rows)),
            rows,
        ),
        _nobodys(rows),
        *_lookalikes(apart),
    ]


def evaluation_page(rows: Sequence[Row], made: str) -> str:
    """The page.

    Args:
        rows: of docs/evaluation.json.
        made: the line that says who writes it.
    """
    table = goals(rows)
    return "\n".join(
        [
            "# Evaluation",
            "",
            made,
            "",
            "What was measured on worlds whose truth is known (`make evaluation`, rows in `docs/evaluation.json`), against the goals. A world is",
            "simulated from published figures and a seed; no number of the policy was chosen on it, though what a harvest's day looks like was learned from other seeds (decision 0175). What it cannot show is said beside each figure: few",
            "seeds and few accounts make wide intervals (95 %, in brackets), and a simulated thief is as clever as its description.",
            "[Measured](measured.md) holds what was measured by hand, with the command, and the distribution test against its anchor: 73 % at 0.3 % false positives over",
            "17 pairs of real collections, where 90.5 % are published (missed); [performance](performance.md) has the speed of linkage, whose cost of a new trait is not flat (missed).",
            "",
            "## Goals",
            "",
            "Met means that the measured value meets the goal; whether it would in every world of this kind is what the interval is about.",
            "",
            "| what | goal | measured | met | world |",
            "|---|---|---|---|---|",
            *[f"| {g.what} | {g.goal} | {g.measured} | {_word(g.met)} | {g.world} |" for g in table],
            "",
            *missed_goals(table),
            "## As one thing changes",
            "",
            *degradation_table(rows),
            "## Detectors, each by itself",
            "",
            *detectors_table(rows),
            "## What is found without one kind of evidence",
            "",
            *without_table(rows),
        ]
    )


def missed_goals(table: Sequence[Goal]) -> list[str]:
    """Why goals are missed and what meeting them would take, a line each; nothing where none is."""
    missed = [goal for goal in table if goal.met is False]
    if not missed:
        return []
    told = []
    for goal in missed:
        why, needed = next((of for start, of in WHY.items() if goal.what.startswith(start)), NOT_KNOWN)
        told.append(f"| {goal.what} | {why} | {needed} |")
    return [
        "### Why goals are missed",
        "",
        "| what | why | what would be needed |",
        "|---|---|---|",
        *told,
        "",
    ]


def degradation_table(rows: Sequence[Row]) -> list[str]:
    """What is found as one thing of the base world changes: a row for each value, worlds of all seeds added up."""
    pool, table = BASE.pools[0], [row for row in summed(rows) if row["axis"] not in (WITHOUT, "detectors")]
    if not table:
        return ["Not measured yet: `make evaluation` does.", ""]
    lines = [
        f"The base world has {BASE.accounts} ordinary accounts, {BASE.lookalikes} of each look-alike, a thief of each archetype that acts alone, and {len(BASE.pools)} pools of",
        f"{pool.heads} heads with {pool.per_head:g} calls a day, {pool.attack_share:.0%} of them the attack, over {BASE.days} days; each row changes one thing of it. *Log* says what the log lacks;",
        "*real traces* is the world of real arrivals, lengths and prompts, without simulated text. A campaign that is false has no true one's",
        "accounts for the most part. Gone is the median over campaigns of a world, of exchanges that had left by the flag, averaged over worlds.",
        "Processor time is that of a machine on which other work ran as well. `stillwatch evaluate --grid docs/evaluation.json` draws the curves.",
        "",
        "| what changes | to | worlds | campaigns found | false | heads found | alone found | honest account-days flagged | gone before the flag | us of a processor a call |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table:
        gone = "" if row["taken_median"] is None else f"{row['taken_median']:,.0f}"
        cost = row["processor"] * row["seeds"] / row["calls"] * 1e6
        shares = [_counted(row[hits], row[trials]) if row[trials] else "" for hits, trials in _FOUND]
        honest = f"{row['honest_days_flagged']:,} of {row['honest_days']:,}"
        lines.append(
            f"| {row['axis']} | {_value(row)} | {row['seeds']} | {shares[0]} | {row['campaigns_false']} | {shares[1]} | {shares[2]} | {honest} | {gone} | {cost:.0f} |"
        )
    return [*lines, "", *_reread(rows)]


def _reread(rows: Sequence[Row]) -> list[str]:
    """How many heads are named for what they send in of others' answers, where pools go over these."""
    mine: dict[float, list[Row]] = {}
    for row in _of(rows, REREAD):
        mine.setdefault(row["value"], []).append(row)
    if not mine:
        return []
    told = [
        f"{sum(row['reused']['heads'] for row in same):,} of {sum(row['heads'] for row in same):,} where it is {share:.0%}"
        for share, same in sorted(mine.items())
    ]
    honest = sum(row["reused"]["honest_days"] for same in mine.values() for row in same)
    return [
        f"*{REREAD.capitalize()}*: all calls of the pools are the attack, texts have up to {WORDY.words} words (answers half of that; {BASE.words} and eight elsewhere), and a share of the attack",
        "grades what the rest of it was answered. Heads named by [`output_reuse`](detectors.md#output_reuse) for it: "
        + "; ".join(told)
        + f"; honest account-days: {honest}.",
        "It takes twenty answers within a day, which heads that go over fewer do not send in, and sixteen words of an answer, which short ones have not.",
        "",
    ]


def _value(row: Row) -> str:
    """What an axis was changed to, in words."""
    if row["axis"] in UNORDERED:
        return str(row["variant"])
    if row["axis"] in ("attack share", "paraphrase", REREAD):
        return f"{row['value']:.0%}"
    return f"{row['value']:g}{' times' if row['axis'] == 'background' else ''}"


def detectors_table(rows: Sequence[Row]) -> list[str]:
    """What each detector did in the worlds of all thieves and look-alikes."""
    apart = _of(rows, "detectors")
    if not apart:
        return ["Not measured yet: `make evaluation` does.", ""]
    names = [each["detector"] for each in apart[0]["detectors"]]
    lines = [
        f"In {_worlds(apart)}: {DETECTORS.accounts:,} ordinary accounts, {DETECTORS.lookalikes} of each look-alike, {DETECTORS.attackers} of each thief that acts",
        f"alone, {len(DETECTORS.pools)} pools, over {DETECTORS.days} days. *Spoke*: a signal of it had points in an hour of the day. *Named*: a finding of the day has such a",
        "signal, whether or not it would have sufficed by itself. Thieves are accounts named on any day.",
        "",
        "| detector | honest account-days: spoke | named | at most (95 %) | thieves named | of those named, thieves |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        one = detector(rows, name)
        assert one is not None
        lines.append(
            f"| [`{name}`](detectors.md#{name}) | {_percent(one.spoke, one.days)} | {one.named:,} of {one.days:,} | {one.upper:.2%} | "
            f"{', '.join(one.caught) or 'none'} | {_percent(one.right, one.right + one.wrong)} |"
        )
    return [*lines, ""]


def without_table(rows: Sequence[Row]) -> list[str]:
    """What is found of each harvest where a policy lets one kind of evidence say nothing."""
    mine = _of(rows, WITHOUT)
    harvests, table = left_out(rows)
    if not mine:
        return ["Not measured yet: `make evaluation` does.", ""]
    false = {name: [row for row in mine if row["variant"] == name] for name, _ in table}
    lines = [
        f"In {_worlds(mine)}: the same world of a pool a harvest, each of {BASE.pools[0].heads} heads with {BASE.pools[0].per_head:g} calls a day, a quarter of them the attack,",
        "judged under a policy that leaves out one kind of evidence after the other. What a harvest loses without one is what its",
        "result rests on: a number of the policy that had been fitted to one archetype would show as a column that falls alone.",
        "Heads on the review list, of all heads. The pools of a world differ in ages, cards and clients as well, by the draw: one seed says that a",
        "pool rests on something, several say that its kind does.",
        "",
        f"| without | {' | '.join(harvests)} | campaigns found | false | honest account-days flagged |",
        f"|---|{'---|' * (len(harvests) + 3)}",
    ]
    for name, counted in table:
        cells = [f"{listed} of {heads}" for listed, heads in (counted.get(h, (0, 0)) for h in harvests)]
        found, all_of = _sum(false[name], "campaigns_found", "campaigns")
        flagged, days = _sum(false[name], "honest_days_flagged", "honest_days")
        wrong = sum(row["campaigns_false"] for row in false[name])
        lines.append(f"| {name} | {' | '.join(cells)} | {found} of {all_of} | {wrong} | {_percent(flagged, days)} |")
    return [*lines, ""]


@dataclass(frozen=True)
class Apart:
    """What one detector did, summed over worlds: honest account-days, those it spoke and was named on, thieves by archetype."""

    days: int
    spoke: int
    named: int
    right: int
    wrong: int
    caught: tuple[str, ...]
    world: str

    @property
    def upper(self) -> float:
        """The 95 % bound of the share named; three in so many days where none was."""
        return poisson_upper(self.named) / self.days if self.days else 1.0


def detector(rows: Sequence[Row], name: str) -> Apart | None:
    """What a detector did; None where it was not measured."""
    apart = _of(rows, "detectors")
    mine = [each for row in apart for each in row["detectors"] if each["detector"] == name]
    if not mine:
        return None
    kinds = sorted({kind for each in mine for kind in each["thieves"]})
    caught = [
        (kind, *[sum(each["thieves"].get(kind, {}).get(count, 0) for each in mine) for count in ("named", "accounts")])
        for kind in kinds
    ]
    return Apart(
        *[sum(each[count] for each in mine) for count in ("days", "spoke_days", "named_days", "right", "wrong")],
        caught=tuple(f"{kind} {named} of {accounts}" for kind, named, accounts in caught if named),
        world=_worlds(apart),
    )


def measured_line(rows: Sequence[Row], name: str) -> str:
    """What a card says of its detector's rates."""
    one = detector(rows, name)
    if one is None:
        return "not yet"
    thieves = ", ".join(one.caught) or "no thief"
    return (
        f"named {thieves}; on {one.named:,} of {one.days:,} honest account-days (at most {one.upper:.2%} at 95 %), spoke on "
        f"{one.spoke:,} ({one.world})"
    )


def _of(rows: Iterable[Row], axis: str) -> list[Row]:
    return [row for row in rows if row["axis"] == axis]


def _sum(rows: Iterable[Row], hits: str, trials: str) -> tuple[int, int]:
    return sum(row[hits] for row in rows), sum(row[trials] for row in rows)


def _share(what: str, least: float, counted: tuple[int, int], rows: Sequence[Row]) -> Goal:
    hits, trials = counted
    goal = f"at least {least:.0%}"
    if not trials:
        return Goal(what, goal, None, "", _worlds(rows))
    return Goal(what, goal, hits / trials >= least, _counted(hits, trials), _worlds(rows))


def _false(what: str, counted: tuple[int, int], rows: Sequence[Row], most: float = BUDGET) -> Goal:
    hits, trials = counted
    goal = "none" if most == 0 else f"at most {100 * most:g}%"
    if not trials:
        return Goal(what, goal, None, "", _worlds(rows))
    return Goal(what, goal, hits / trials <= most, _counted(hits, trials), _worlds(rows))


def _gone(rows: Sequence[Row]) -> Goal:
    what, goal = "exchanges gone before the flag, pool of 350 x 860 a day (1:10)", "fewer than 10,000"
    values = [row["taken_median"] for row in rows if row["taken_median"] is not None]
    if not values:
        return Goal(what, goal, None, "", _worlds(rows))
    return Goal(what, goal, max(values) < 10_000, " / ".join(f"{value:,.0f}" for value in values), _worlds(rows))


def _attack(name: str, rows: Sequence[Row]) -> Goal:
    """An attack by the detectors that are there for it; of those that were missed, how many exchanges they had made by the end."""
    goal = "precision 100 %, recall at least 95 %"
    mine = [row["attacks"][name] for row in rows]
    if not mine:
        return Goal(name, goal, None, "", _worlds(rows))
    right, wrong, named, accounts = (sum(each[of] for each in mine) for of in ("right", "wrong", "named", "accounts"))
    missed = sorted(calls for each in mine for calls in each["missed"])
    beside = f"; missed after {', '.join(map(str, missed))} exchanges" if missed else ""
    measured = f"precision {_percent(right, right + wrong)}, recall {_counted(named, accounts)}{beside}"
    return Goal(name, goal, wrong == 0 and named >= 0.95 * accounts > 0, measured, _worlds(rows))


def _nobodys(rows: Sequence[Row]) -> Goal:
    """Campaigns that are nobody's, a million honest accounts and a week; the most that chance allows where none was seen (rule of three)."""
    what, goal = "false campaigns of a million accounts in a week", "at most 1"
    if not rows:
        return Goal(what, goal, None, "", _worlds(rows))
    false, weeks = sum(row["campaigns_false"] for row in rows), sum(row["honest_days"] for row in rows) / 7e6
    measured = f"{false / weeks:,.0f} ({false} in {7e6 * weeks:,.0f} account-days; at most {poisson_upper(false) / weeks:,.0f})"
    return Goal(what, goal, false / weeks <= 1, measured, _worlds(rows))


def _lookalikes(rows: Sequence[Row]) -> list[Goal]:
    kinds = sorted({kind for row in rows for kind in row["others"] if kind.startswith("B-")})
    found = []
    for kind in kinds:
        of_kind = [row["others"][kind] for row in rows if kind in row["others"]]
        counted = sum(each["flagged_days"] for each in of_kind), sum(each["days"] for each in of_kind)
        found.append(
            _false(f"look-alike {kind}: account-days flagged", counted, rows, 0.0 if kind == "B-SHARE" else BUDGET)
        )
    return found


def _counted(hits: int, trials: int) -> str:
    low, high = wilson(hits, trials)
    return f"{_percent(hits, trials)} ({hits:,} of {trials:,}; {low:.1%} to {high:.1%})"


def _percent(hits: int, trials: int) -> str:
    if not trials:
        return "none named"
    share = hits / trials
    return f"{share:.2%}" if 0 < share < 0.1 else f"{share:.1%}"


def _worlds(rows: Sequence[Row]) -> str:
    if not rows:
        return "not measured yet"
    axes = sorted({row["axis"] for row in rows})
    seeds = sorted({row["seed"] for row in rows})
    return f"`{', '.join(axes)}`, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _word(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "**no**"
