"""What the holders of one key have in common beside it, in decades: how rarely accounts that merely use the same thing do.

Each signal asks one question of the holders, and the questions are independent of each other: how evenly they use the key
(evenness.py), whether they take turns (turns.py), how they pay, how young they are or whether they signed up together, whether they stay on
their networks (moves.py), and what the calls with the key are about. Points are
-log10 of the share of such benign groups that are at least as extreme; they add up to the tie's points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from schemas.feature import FEATURE
from schemas.policy import Campaigns
from transforms.campaigns import evenness, turns
from transforms.campaigns.base import Base
from transforms.campaigns.tails import at_least, of_prior, part_of, points_of

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEW_NETWORKS, NO_NIGHTS, LEANING = "new_networks", "no_nights", "like_a_harvest"
"""Signals of whence and of when accounts call, and of what their days look like."""


@dataclass(frozen=True)
class Stats:
    """Sums over the holders of keys, as of a tick's end; arrays of one length.

    Attributes:
        accounts: holders.
        calls: calls with the key.
        squares: sum over holders of the square of their calls.
        elicited: calls with a claim of extraction.
        output_tokens: output tokens of `output_known` calls.
        output_known: calls with known output tokens.
        aged: holders whose age is on file.
        fresh: those of them that were fresh when they first showed the key.
        aged_customers: customers (`cards`) of whose holders some have an age on file.
        fresh_customers: sum over them of the part of these that were fresh (customers_age.py).
        cards: payment instruments of the holders; one each where none is on file.
        known_cards: payment instruments on file.
        several: those that pay for several holders.
        carded: holders they pay for.
        signed: holders whose sign-up is on file.
        bursts: pairs of holders in one sign-up burst that pay differently.
        staying: holders of which some day says where they live (learning/moves.py).
        moving: those of them that moved on to new networks on most such days.
        timed: holders of which it is known at which hours they call (learning/hours_called.py).
        sleepless: those of them that call day and night.
        placed: holders of which some day could be compared with a harvest (learning/leaning.py).
        leaning: those of them that are among the accounts whose days look most like one.
        minutes: sum over the holders of the time between their first and last tick with the key.
        turns: sums over the visits to the keys, by name in kinds.TURNS.
        is_text: whether the key is made of what calls say.
        is_brought: whether software sends the key of itself (kinds.BROUGHT).
        is_chosen: whether holders were chosen, and who moves and who leans is counted among all who send the software (chosen.py).
    """

    accounts: F64
    calls: F64
    squares: F64
    elicited: F64
    output_tokens: F64
    output_known: F64
    aged: F64
    fresh: F64
    aged_customers: F64
    fresh_customers: F64
    cards: F64
    known_cards: F64
    several: F64
    carded: F64
    signed: F64
    bursts: F64
    staying: F64
    moving: F64
    timed: F64
    sleepless: F64
    placed: F64
    leaning: F64
    minutes: F64
    turns: Mapping[str, F64]
    is_text: Bools
    is_brought: Bools
    is_chosen: Bools


@dataclass(frozen=True)
class Look:
    """One signal of many keys: points, what was observed, and the value at which it stops contributing.

    Of the looks of one family the strongest counts.
    """

    signal: str
    family: str
    detail: str
    points: F64
    observed: F64
    expected: F64


def looks(stats: Stats, base: Base, policy: Campaigns) -> list[Look]:
    """The signals of keys, in the order in which equal ones are told."""
    cards, in_turn = _cards(stats, base, policy), _turns(stats, policy)
    claims, answers, leaning = _claims(stats, policy), _answers(stats, policy), _leaning(stats, base, policy)
    moves = _moves(stats, base, policy)
    is_typed = stats.is_text & ~stats.is_brought
    is_meant = is_typed & ((cards.points > 0) | (claims.points > 0))
    is_backed = np.where(keep_nights(stats, policy), is_meant, is_meant | (in_turn.points >= policy.sitting_most))
    return [
        _even(stats, is_backed, (moves.points > 0) & (moves.points >= policy.identity_most), policy),
        in_turn,
        cards,
        _bursts(stats, base, policy),
        _fresh(stats, base, policy),
        moves,
        _sleepless(stats, base, moves, policy),
        claims,
        answers,
        _beside_what_is_brought(leaning, np.maximum(claims.points, answers.points), stats, policy),
    ]


def _beside_what_is_brought(leaning: Look, content: F64, stats: Stats, policy: Campaigns) -> Look:
    """How much more than what calls are about the days say of accounts that run one program: both are the program's, and together they say what it says."""
    most = np.round(np.maximum(policy.brought_decades - content, 0.0), 6)
    return replace(leaning, points=np.where(stats.is_brought, np.minimum(leaning.points, most), leaning.points))


def are_alike(stats: Stats, policy: Campaigns) -> Bools:
    """Whether nearly all holders are of one kind: fresh, or paid for together, or using the key equally often.

    A popular tool that a pool uses too has both kinds of holders: whatever the pool has in common, some others have not.
    """
    fresh = np.where(2.0 * stats.aged >= stats.accounts, part_of(stats.fresh, stats.aged), 0.0)
    share = np.maximum(fresh, part_of(stats.carded, stats.accounts))
    even = evenness.effective_share(stats.accounts, stats.calls, stats.squares)
    return np.asarray((share >= policy.alike) | (even >= policy.alike_load))


def are_timed(stats: Stats, policy: Campaigns) -> Bools:
    """Whether it is known of most holders, and of enough, at which hours they call."""
    return np.asarray((stats.timed >= policy.least_accounts) & (2.0 * stats.timed >= stats.accounts))


def keep_nights(stats: Stats, policy: Campaigns) -> Bools:
    """Whether nearly all holders keep nights, as people, shops and schools do."""
    return np.asarray(are_timed(stats, policy) & (stats.sleepless <= (1.0 - policy.alike) * stats.timed))


def are_sleepless(stats: Stats, policy: Campaigns) -> Bools:
    """Whether nearly all holders call day and night, as the heads of a pool do to whom a scheduler deals out whatever comes."""
    return np.asarray(are_timed(stats, policy) & _nearly_all(stats.sleepless, stats.timed, policy))


def _nearly_all(some: F64, known: F64, policy: Campaigns) -> Bools:
    """Whether what is true of so many of those known is true of nearly all (`alike`): what half of the holders have in common does not speak of the others."""
    return np.asarray((some > 0) & (some >= policy.alike * known))


def _even(stats: Stats, is_backed: Bools, is_moving: Bools, policy: Campaigns) -> Look:
    """How even the load is; what people do in one sitting, or at work day by day, they do equally often, and that alone says little.

    Cards speak for the load of those only who type the same: in the first minutes of a log, or of a new program, all of its
    users have called about as often, colleagues among them.
    """
    found = evenness.points(stats.accounts, stats.calls, stats.squares)
    is_lasting = (stats.minutes >= policy.sitting_minutes * stats.accounts) & ~keep_nights(stats, policy)
    found = np.where(is_lasting | is_backed, found, np.minimum(found, policy.sitting_most))
    found = np.minimum(found, policy.family_most)
    found += np.where((found >= policy.family_most) & _is_steady(stats, is_moving, policy), policy.steady_decades, 0.0)
    return Look(
        "even_load",
        "load",
        "the accounts use what they share equally often, as when a scheduler deals out the calls",
        found,
        evenness.effective_share(stats.accounts, stats.calls, stats.squares),
        evenness.ordinary(stats.accounts, stats.calls),
    )


def _is_steady(stats: Stats, is_moving: Bools, policy: Campaigns) -> Bools:
    """Whether a load stays as even as no class's, for longer than a lesson, of accounts of no one company that are on no timetable.

    Work that a company deals out to its own people is as even; what is on file tells them from a pool, or that they move on to new networks every day.
    """
    return np.asarray(
        (evenness.effective_share(stats.accounts, stats.calls, stats.squares) >= policy.steady_share)
        & (stats.accounts >= policy.steady_accounts)
        & ((stats.known_cards >= policy.least_customers) | is_moving)
        & (stats.calls >= policy.steady_calls * stats.accounts)
        & (stats.minutes >= policy.steady_minutes * stats.accounts)
        & turns.by_chance(stats.turns, policy)
    )


def _turns(stats: Stats, policy: Campaigns) -> Look:
    """Whether the accounts wait for each other; people in one room do not, and neither do programs on a timetable.

    A scheduler deals whatever comes to all heads alike: where some call day and night and others do not, nobody does.
    """
    seen = turns.seen(stats.accounts, stats.turns, policy)
    is_mixed = are_timed(stats, policy) & ~are_sleepless(stats, policy) & ~keep_nights(stats, policy)
    return Look(
        "turn_taking",
        "rhythm",
        "the accounts come back in turn, as when a scheduler takes the least recently used one: variation of the visits of others between two of one",
        np.where(is_mixed, 0.0, seen.points),
        seen.observed,
        seen.expected,
    )


def _fresh(stats: Stats, base: Base, policy: Campaigns) -> Look:
    """Whether the customers are young: the seats of a company begin together, so a customer counts once, however many accounts it has."""
    tail = at_least(stats.fresh_customers, stats.aged_customers, base.fresh)
    known = (stats.aged >= policy.least_accounts) & (2.0 * stats.aged >= stats.accounts)
    return Look(
        "fresh_accounts",
        "age",
        f"the accounts were younger than {policy.fresh_days} days when they began, those that one customer pays for counted once",
        points_of(tail, known & (stats.fresh_customers > 0), policy.identity_most),
        part_of(stats.fresh_customers, stats.aged_customers),
        np.full(len(tail), base.fresh),
    )


def _cards(stats: Stats, base: Base, policy: Campaigns) -> Look:
    tail = at_least(stats.several, stats.known_cards, base.cards)
    known = stats.known_cards >= policy.least_customers
    return Look(
        "shared_cards",
        "payment",
        "payment instruments that each pay for several of the accounts",
        points_of(tail, known & (stats.several > 0), policy.identity_most),
        part_of(stats.several, stats.known_cards),
        np.full(len(tail), base.cards),
    )


def _bursts(stats: Stats, base: Base, policy: Campaigns) -> Look:
    """Sign-ups within the hour, as a matter of the whole group: a few friends among the accounts are no burst."""
    chance = stats.signed * (stats.signed - 1.0) / 2.0 * base.bursts
    tail = gammainc(np.maximum(stats.bursts, 1.0), chance)  # of a Poisson number
    return Look(
        "signup_burst",
        "age",
        "pairs of the accounts that pay differently and were created within the same hour by the same path",
        points_of(tail, (stats.bursts > 0) & (2.0 * stats.bursts >= stats.signed), policy.identity_most),
        stats.bursts,
        chance,
    )


def _moves(stats: Stats, base: Base, policy: Campaigns) -> Look:
    """Whether the accounts live on other networks each day, as behind residential proxies; people come home, and servers stay.

    Nightly jobs on fresh machines are over in hours (`campaigns.awake_hours`).
    """
    tail = at_least(stats.moving, stats.staying, base.moves)
    known = (stats.staying >= policy.least_accounts) & (2.0 * stats.staying >= stats.accounts)
    return Look(
        NEW_NETWORKS,
        "network",
        "the accounts call all day long from networks that they have not used on earlier days",
        points_of(
            tail, known & (_nearly_all(stats.moving, stats.staying, policy) | stats.is_chosen), policy.identity_most
        ),
        part_of(stats.moving, stats.staying),
        np.full(len(tail), base.moves),
    )


def _sleepless(stats: Stats, base: Base, moves: Look, policy: Campaigns) -> Look:
    """Whether the accounts have no nights of their own: whatever work comes in is dealt out to all of them.

    Benign services that are moved from machine to machine run day and night as well, so where networks speak it says little beside them.
    """
    tail = at_least(stats.sleepless, stats.timed, base.sleepless)
    most = np.maximum(policy.identity_most - moves.points, policy.moving_sleepless)
    return Look(
        NO_NIGHTS,
        "hours",
        f"the accounts call day and night: also in those {policy.night_hours} hours of the day in which each calls least",
        np.minimum(points_of(tail, are_sleepless(stats, policy), policy.identity_most), most),
        part_of(stats.sleepless, stats.timed),
        np.full(len(tail), base.sleepless),
    )


def _leaning(stats: Stats, base: Base, policy: Campaigns) -> Look:
    """Whether the accounts' days look like a harvest, as seldom another account's in the same log: one alone proves nothing, of a whole group it is no chance."""
    tail = at_least(stats.leaning, stats.placed, base.leaning)
    known = (stats.placed >= policy.least_accounts) & (2.0 * stats.placed >= stats.accounts)
    return Look(
        LEANING,
        "leaning",
        f"the accounts are among the {policy.leaning_share:.0%} whose days look most like a harvest",
        points_of(tail, known & (2.0 * stats.leaning >= stats.placed), policy.identity_most),
        part_of(stats.leaning, stats.placed),
        np.full(len(tail), base.leaning),
    )


def _claims(stats: Stats, policy: Campaigns) -> Look:
    detail = "calls with the shared key that ask for reasoning or a grade, or whose answers open with reasoning"
    share = part_of(stats.elicited, stats.calls)
    return _of_content("extraction_claims", detail, share, "reasoning_elicited_share_24h", stats, policy)


def _answers(stats: Stats, policy: Campaigns) -> Look:
    mean = part_of(stats.output_tokens, stats.output_known)
    detail = "output tokens of a call with the shared key"
    return _of_content("long_answers", detail, mean, "output_per_call_24h", stats, policy)


def _of_content(signal: str, detail: str, values: F64, feature: str, stats: Stats, policy: Campaigns) -> Look:
    """What calls with the key are about, by the shipped prior of a feature; software says nothing about that, and what it brings little."""
    prior = FEATURE[feature].prior
    most = np.where(stats.is_brought, policy.brought_decades, policy.identity_most)
    points = np.where(stats.is_text, np.minimum(of_prior(values, prior), most), 0.0)
    return Look(signal, "content", detail, points, values, np.full(len(values), prior[0][0]))
