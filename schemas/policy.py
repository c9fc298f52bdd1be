"""Every number a deployment may change, each with its reason, read from one TOML file."""

import dataclasses
import difflib
import functools
import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, get_args, get_origin

from schemas.errors import PolicyError

BOUNDS = ("ingest", "detect", "free")
"""Which work a changed key asks for: re-ingest; rebuild or backtest; none."""


def setting(default: Any, reason: str, bound: str = "detect") -> Any:
    """One policy key: its default, the reason for that default, and what a change asks for."""
    metadata = {"reason": reason, "bound": bound}
    if isinstance(default, dict | list):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Time:
    """Event time, ticks and lateness."""

    tick_minutes: int = setting(
        5,
        "finer than a session's pause, coarse enough to tally; at 125,000 exchanges an hour 10,000 leave in 4.8 minutes (threats.md 4.2)",
    )
    lateness_minutes: int = setting(
        5, "log shippers flush within minutes; every minute here is a minute of delay for each finding"
    )
    progress_events: int = setting(10, "one jumped clock must not close everyone's windows: ten events have to agree")
    earliest: str = setting("2001-01-01", "before any API of this kind: such a clock is broken", "ingest")
    latest: str = setting("2100-01-01", "after any log of today: such a clock is broken", "ingest")

    @property
    def tick(self) -> timedelta:
        """Length of a tick."""
        return timedelta(minutes=self.tick_minutes)

    @property
    def lateness(self) -> timedelta:
        """How long a tick waits for stragglers."""
        return timedelta(minutes=self.lateness_minutes)

    @property
    def earliest_time(self) -> datetime:
        """First acceptable event time."""
        return datetime.fromisoformat(self.earliest).replace(tzinfo=UTC)

    @property
    def latest_time(self) -> datetime:
        """First unacceptable event time after it."""
        return datetime.fromisoformat(self.latest).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Sessions:
    """Sessionization."""

    idle_minutes: int = setting(
        30,
        "the web-analytics convention; must not be shorter than a tick, so that sessions follow exactly from tallies",
    )


@dataclass(frozen=True)
class Ingest:
    """Reading sources."""

    range_megabytes: int = setting(
        64,
        "one worker's bite: half a second of decoding, 150,000 events held until they are written as one file",
        "ingest",
    )
    record_bytes: int = setting(
        16_777_216,
        "a 2-million-token context is about 10 MB of JSON; beyond that a record is an attack on the reader",
        "ingest",
    )
    row_group_rows: int = setting(
        16_384, "a slice of one account group should not read much of its neighbours", "ingest"
    )
    api_paths: list[str] = setting(
        [
            "/v1/",
            "/v1beta/",
            "/openai/",
            "/api/",
            "/chat/completions",
            "/completions",
            "/embeddings",
            "/messages",
            "/responses",
            "/files",
            "/batches",
            "/images/generations",
            "/audio/",
        ],
        "path prefixes that count as API calls in a web access log; other paths are ignored, and counted",
        "ingest",
    )
    account_id_characters: int = setting(
        256, "longer ids are replaced by their digest, so that a hostile id cannot bloat the lake", "ingest"
    )


@dataclass(frozen=True)
class Traits:
    """What becomes a trait."""

    shingle_slots: list[int] = setting(
        [0, 4, 8, 12],
        "four of sixteen minhash slots tie a fixed instruction inside a free payload in most calls; sixteen would quadruple the traits (kernel.md 2)",
    )
    shingle_least_characters: int = setting(
        60, "shorter prompts, about a dozen words, share three-word shingles by chance"
    )


@dataclass(frozen=True)
class Links:
    """Which keys tie accounts together."""

    memory_days: int = setting(
        30,
        "an account holds a key for so long after it last showed it: campaigns were seen over 10 to 20 days (threats.md 1.1), and banned heads are replaced within hours",
    )
    most_holders: int = setting(
        5_000,
        "accounts that hold a key, beyond which it is a popular framework, prompt or gateway and ties nobody; published pools had 273 to 5,380 heads at a time, one 20,000 (threats.md 2.5 #44): such a one is met while its first 5,000 come",
    )


@dataclass(frozen=True)
class Rules:
    """Deterministic rules (L0)."""

    handle_replays: int = setting(
        3,
        "conversations, told by their last handle, that go on with another account than the handle was issued to; the benign rate is near zero, three exclude a shared clipboard (threats.md 2.4 #32)",
    )
    handle_act: int = setting(
        30, "foreign handles in 24 h that no shared conversation explains: ten times the threshold, a relay at work"
    )
    handle_partners: int = setting(
        1,
        "accounts of which one redeems handles within 24 h, up to which they are told as well: who takes from more may have a stock of others' logs, as lone thieves had of three to six customers each in three worlds by strangers; young ones (campaigns.fresh_days) are told always, and none of these 22 customers was",
    )
    handle_memory_days: int = setting(30, "how long an issued handle is remembered")
    handles_again: int = setting(
        5,
        "handles of its own that an account redeems again in another session within 24 h: a conversation goes on from its last handle once, and a person edits or branches one or two a day; none of 489 honest accounts with handles in seven worlds by strangers did so with a single one",
    )
    handle_again_minutes: int = setting(
        60,
        "after which a handle that is redeemed again is so in another session: retries and parallel calls of one session come within minutes, and sessions end after half an hour (sessions.idle_minutes)",
    )
    conversations_moved: int = setting(
        3,
        "conversations, told by the last answer they bring along, that go on with another account than was given it, within 24 h: as of handles; of 4,423 honest accounts with text in two worlds by strangers one did so once in five days",
    )
    answers_reused: int = setting(
        20,
        "answers given to one other account alone that an account sends in within its prompts, within 24 h: two pools by strangers that make tasks and texts of each other's answers sent in 40 a day and head, honest accounts up to 7, gateways of other people's requests (docs/measured.md)",
    )
    answer_memory_hours: int = setting(
        24,
        "how long it is remembered whom an answer was given to: those that came back in strangers' worlds did so within minutes to half an hour; what honest accounts sent in by chance was 48 hours old in the median",
    )
    sweep_tokens: int = setting(
        300,
        "distinct biased tokens in 24 h: attacks need more than the hidden size, 1,024 and up; applications ban a few dozen words (threats.md 2.3 #16)",
    )
    sweep_act_tokens: int = setting(
        1024,
        "distinct biased tokens in 24 h: the smallest published hidden size, the layer is out (threats.md 2.3 #16)",
    )
    sweep_calls: int = setting(
        100, "calls with logit bias or log-probabilities in 24 h below which a sweep is no sweep"
    )
    sweep_rotation: float = setting(
        0.5,
        "largest share of the biasing calls that bias any one token, on average: a sweep takes new tokens, a list of banned words is the same in all calls",
    )
    sweep_one_token: float = setting(
        0.5,
        "least share of a week's biasing calls that ask for one token: published sweeps do in all of theirs (threats.md 1.1 T-LOGIT), and other calls of the same five minutes hide some",
    )
    fresh_tokens: int = setting(
        100,
        "distinct biased tokens in 24 h from which a sweep is one if nearly every call takes new ones: 1 % of accounts bias as many (schemas/feature.py), with lists that repeat",
    )
    fresh_uses: float = setting(
        2.0,
        "times that each of them is biased at most, on average: a sweep reads a token once, and perhaps again to be sure; banned words and labels come back in every call",
    )
    fresh_calls: int = setting(
        10,
        "calls with logit bias in 24 h that suffice if sweep_act_tokens are biased in them: it is the tokens that are read, an API takes hundreds of them a call, and a handful of long lists is no sweep",
    )
    logprob_calls: int = setting(
        1000,
        "one-token calls with log-probabilities in 24 h: the smallest published attack needs 1,024 (threats.md 2.3 #16)",
    )
    wide_logprob_calls: int = setting(
        300,
        "calls in 24 h that ask for one token and for ten alternatives or more (schemas/tally.py): as many as biased tokens, a few hundred (threats.md 2.3 #16); in three worlds by a stranger five of seven sweeps had as many in a day, and the busiest of 6,782 honest accounts 288",
    )
    bypass_refusals: int = setting(
        60, "refused variants of one payload in 24 h; the published search used 12,000 (threats.md 1.1 T-PROBE)"
    )
    bypass_refusal_share: float = setting(0.5, "the vast majority of the published variants was refused")
    download_objects: int = setting(500, "distinct objects in 24 h; a pipeline fetches its own few results")
    download_breadth: int = setting(
        10_000,
        "distinct objects in 24 h without a walk: the priors (3 % of accounts at 100, 0.5 % at 1,000) leave 0.08 % there",
    )
    download_sequential_share: float = setting(
        0.5, "share of object numbers that follow on each other: a walk, not a choice"
    )
    download_least_numbered: int = setting(200, "numbered downloads in 24 h below which a walk is chance")
    system_prompt_asks: int = setting(10, "requests for the hidden system prompt in 24 h; a curious person asks twice")

    def come_back(self) -> dict[str, int]:
        """How many handles or answers of others within 24 hours speak against who sends them in, by FOREIGN.kind; `gave`: against whose they were."""
        return {
            "handle_used": self.handle_replays,
            "gave": self.handle_replays,
            "answer_carried": self.conversations_moved,
            "answer_pasted": self.answers_reused,
        }


@dataclass(frozen=True)
class Campaigns:
    """Linkage (L2): when the holders of a shared key are one campaign."""

    least_accounts: int = setting(
        5, "with fewer even a benign load is often even (campaigns/evenness.py); the smallest published pool had 273"
    )
    signed_contracts: list[str] = setting(
        ["enterprise", "msa", "partner", "reseller", "framework"],
        "who has a contract with one of these words on file (accounts file) is a customer one knows, and in no campaign: of 4,130 thieves in fourteen worlds by strangers whose files name contracts 3 had one, of honest accounts 1 to 14 %, gateways, evaluations and fleets of devices among them (decisions 0177 and 0179)",
    )
    least_customers: int = setting(
        3, "payment instruments behind a key's holders: a company with many accounts pays with one or two"
    )
    least_calls: int = setting(
        50, "calls that show a key below which nothing has been taken: s1 needed 1,000 (threats.md 4.2)"
    )
    least_calls_each: int = setting(
        3,
        "calls of a holder with the key, on average: what is shown once or twice may be shown by chance, a common phrase most of all",
    )
    fresh_days: int = setting(
        30, "younger accounts are fresh: pools replace banned heads within a day (threats.md 2.5 #42)"
    )
    usual_fresh: float = setting(
        0.2,
        "share of fresh accounts supposed of customers that have nothing to do with each other, before the accounts file says more",
    )
    usual_cards: float = setting(
        0.1, "share of payment instruments supposed to pay for several accounts, before the accounts file says more"
    )
    usual_moves: float = setting(
        0.2,
        "share of accounts supposed to move on to a new network on most days: travellers and some mobile lines do; before the log says more",
    )
    awake_hours: int = setting(
        6,
        "time over which an account's calls of a day must be spread for the day to say where it lives: jobs on hosted runners, whose addresses are new each time, last no longer",
    )
    usual_sleepless: float = setting(
        0.4,
        "share of accounts supposed to call day and night: 38 to 60 % of API clients were active at all hours in two weeks (threats.md 2.2 #4); before the log says more",
    )
    leaning_calls: int = setting(
        5,
        "calls in 24 h from which a day is compared with a harvester's: the quietest published pool makes 13 (threats.md 1.1)",
    )
    leaning_share: float = setting(
        0.1,
        "share of a day's accounts that are taken to look most like a harvest: of 193 honest groups of fifteen worlds by strangers five have so many among them as chance gives one in a thousand, of 46 pools that nothing else found 17",
    )
    moving_sleepless: float = setting(
        0.5,
        "decades that calling day and night counts at most where accounts move on to new networks as well: one in three of benign groups of such accounts, services that are moved from machine to machine",
    )
    night_hours: int = setting(
        8, "hours in a row, the same every day, in which a person, a shop or a school makes hardly any calls"
    )
    night_share: float = setting(
        0.0417,
        "share of an account's calls in its quietest such hours from which it keeps no nights: an eighth of what falls into them where all hours are alike",
    )
    night_calls: int = setting(
        24,
        "calls of an account, after its first day, below which its hours say nothing: where all hours are alike one account in seven hundred had none in eight of them",
    )
    base_weight: int = setting(200, "accounts that weigh as much as the shares supposed")
    family_most: float = setting(
        3.0, "decades one signal counts at most: one broken sensor must not convict (as evidence.family_floor)"
    )
    identity_most: float = setting(
        2.0,
        "decades a signal of identity counts at most: sign-ups, cards and ages of a class, a fair or a sale go together",
    )
    review_decades: float = setting(
        5.0,
        "points of a campaign: a hundred thousand keys are shared by some accounts in a week of a million accounts; the aim is one false campaign in it",
    )
    large_decades: float = setting(
        4.25,
        "points of a campaign of large_accounts or more of which cards, turns, claims or long answers speak: an even load (3) and claims or long answers that one benign group in twenty has (1.3) are enough, with claims that software brings (1) they are not; no honest group of that size in six worlds by strangers had as much, and pools of 28 and 90 heads had 4.3 to 4.8",
    )
    large_accounts: int = setting(
        25,
        "accounts from which a campaign takes large_decades: honest groups of which something else speaks had up to 20",
    )
    small_decades: float = setting(
        6.0,
        "points of a key with fewer holders than small_accounts: an even load (3) and claims of extraction (2) say of so few no more than of an evaluation, and anything beside makes a campaign of them: two groups of five honest accounts that run one suite each had 5.5 and 5.6 among 33,148 (decision 0180)",
    )
    small_accounts: int = setting(
        8, "holders below which a key takes small_decades: below as many (steady_accounts) a load may be even by chance"
    )
    software_decades: float = setting(
        5.5,
        "points of a campaign by a client fingerprint or user agent alone, or by three words of prompts, or of which nothing speaks but the load and when the accounts were made: a class or a hackathon has one browser, one starter kit, one load and one hour of sign-ups (five decades at most); what is missing must come from what a class has not, turns or cards that pay for several",
    )
    class_decades: float = setting(
        8.5,
        "points of a campaign of which nothing else speaks than what a class, a fleet of devices or the customers of one product have as well: honest groups built to look like pools came to 8 (an even load for days, sign-ups in a burst, new networks each day)",
    )
    class_accounts: int = setting(
        40,
        "accounts from which that holds no more, and it takes software_decades: honest groups of that kind had up to 36 (fleets of 28 and 36 devices in worlds by strangers), the smallest published pool 273 (decision 0179)",
    )
    beside_class: float = setting(
        0.8, "decades that anything else must say for that not to hold: what one in six benign groups has"
    )
    payer_decades: float = setting(
        7.0,
        "points of a campaign by a payment instrument alone: seats of a new customer are young and programs use them evenly (5 decades), like programs in office hours may come in turn (5.5 with an even load); so load, youth and a third must speak: turns with the two decades that none of 15,000 groups of people reached (campaigns/turns.py), or networks that are new each day",
    )
    brought_decades: float = setting(
        1.0,
        "decades that claims of extraction, long answers and days like a harvest count at most, together, where software sends what is shared (system prompts, tools): 5 of 138 published system prompts of products ask for reasoning, so up to one program in twelve (95 %), and whoever runs it does",
    )
    steady_decades: float = setting(
        1.0, "decades that a load adds which is steady: more even than a class's, for longer, and on no timetable"
    )
    steady_share: float = setting(
        0.94,
        "effective share of accounts from which a load is steady: their calls vary by a quarter (CV 0.25) at most, where classes and hackathons that did one exercise came to 0.67 to 0.86",
    )
    steady_accounts: int = setting(8, "accounts below which that may be chance, as in evenness.py")
    steady_calls: int = setting(
        12, "calls of an account with what is shared, on average, below which a guided exercise has one number for all"
    )
    steady_minutes: int = setting(
        1440,
        "mean time between a holder's first and last call below which a load is no steady one: a lesson is over in a day",
    )
    agree: float = setting(
        0.8,
        "share of the accounts with a phrase, and of those with a client, that must be the same for the two to agree: an account in five may have gone over to another client or wording",
    )
    agree_clients: int = setting(
        3,
        "clients that may together be those of a phrase: a pool sends one to three header fingerprints (threats.md 4.3)",
    )
    agree_decades: float = setting(
        1.0,
        "what it adds if the accounts that send a phrase are those that send a client: two kinds of key that are independent of each other, unless a product brings both: of one in ten such customers have as even a load",
    )
    agree_load: float = setting(
        2.0, "decades of even load without which that adds nothing: people with one tool use it unevenly"
    )
    sustain_decades: float = setting(
        2.0,
        "points with which a tied key goes on while its holders are replaced: those who begin have called less than those who are banned",
    )
    sustain_hours: int = setting(
        24, "time for which it does: heads are replaced within a day (threats.md 4.3), then the load is even again"
    )
    sitting_minutes: int = setting(
        180,
        "mean time between a holder's first and last call with a key, below which its holders may have been sitting in one room: a lesson or a workshop lasts up to half a day",
    )
    sitting_most: float = setting(
        1.0,
        "decades that an even load counts at most within such a time, unless accounts type the same, and cards or claims of extraction speak",
    )
    turns_decades: float = setting(
        2.5,
        "decades that taking turns counts at most: none of 15,000 groups of real people with an even load reached 2 (campaigns/turns.py); like programs that rest by a timetable might",
    )
    turns_least: int = setting(
        20,
        "returns of accounts to a key below which their waits are too few to have a variation: its error is 2 / sqrt(n)",
    )
    turns_apart: int = setting(
        30,
        "minutes after which an account that comes back has been away, as between sessions (sessions.idle_minutes): a relay leaves a conversation with one account for up to an hour (threats.md 4.3)",
    )
    turns_silence: int = setting(
        180,
        "minutes without a visit to a key from which it was out of use, as at night, and its clock stands still: longer than a lunch, shorter than a night; of 30 visits a day at random two in a hundred are as far apart",
    )
    turns_most_part: float = setting(
        0.6,
        "waits must vary by no more than this part of what chance gives, however many they are: ends of a log and unlike loads are no turns",
    )
    turns_company: float = setting(
        0.5, "share of the accounts in one tick from which there are no turns to be seen: all are there all the time"
    )
    turns_work: float = setting(
        0.5,
        "part of the variation of random work that waits by the clock must show more than waits in visits: programs on a timetable show none, dealt-out random work shows all of it (1 over the length of a turn)",
    )
    act_decades: float = setting(7.0, "a hundred times rarer than what a person has to look at")
    least_signals: int = setting(2, "independent signals that must say something: one alone never makes a campaign")
    alike: float = setting(
        0.85,
        "share of a key's holders that must be young, or paid for together: with fewer, many of them merely use the same tool as a pool",
    )
    alike_agents: float = setting(
        0.5,
        "the same where a user agent is all that is shared: anybody may send it, so an old account that pays for itself among mostly young ones is left out until it shows more",
    )
    alike_load: float = setting(
        0.8,
        "effective share of a key's holders that says the same of accounts whose age and payment are not known or differ: one bystander in four takes it below",
    )
    as_often: float = setting(
        0.4,
        "part of the median account's calls below which one that moves and sends the same program is left out: of a pool whose calls vary by half (lognormal, CV 0.5) one head in thirty has fewer",
    )
    pace_factor: float = setting(
        3.0,
        "times the median pace of a pool that has only software in common, or part of it, beyond which an account is none of its heads: of a pool whose calls vary by half (lognormal, CV 0.5) one head in a hundred calls three times as often as the median, and one in a hundred a third",
    )
    pace_calls: float = setting(
        8.0,
        "calls that its pace must give for an account to be told by it, and be counted where it comes later: of eight expected ones a head makes less than a third by chance once in seventy (Poisson)",
    )
    overlap: float = setting(
        0.5, "share of the smaller side's accounts that two keys must have in common to be of one campaign"
    )
    overlap_of_larger: float = setting(
        0.3,
        "share of the larger side's that they must have in common too: a pool sends one to three header fingerprints (threats.md 4.3), and a phrase that two pools use must not join them",
    )
    bridged: float = setting(
        0.2, "share of a phrase's accounts that another key must hold to be one of the pools that the phrase bridges"
    )
    bridged_most: float = setting(
        0.65,
        "share of a phrase's accounts that such pools must hold together; the rest are pools with no words of their own yet, and bystanders",
    )
    strangers: float = setting(
        0.2,
        "share of the smaller side's accounts up to which two phrases have nothing to do with each other: wordings drawn at random, each by a fifth of a pool's heads, have as much in common, and four of them are less than `bridged_most` of the heads",
    )
    strangers_chance: float = setting(
        0.001, "chance that two wordings which heads draw at random have as few heads in common (hypergeometric)"
    )
    apart: float = setting(
        0.8,
        "share of a campaign's accounts that must be in sets of several without a common client fingerprint or cards, for these to be campaigns of their own: two pools that use one published instruction",
    )
    same_cards: float = setting(
        0.25,
        "share of the accounts of either of two sets that pay with cards of the other from which both are one pool: 5 to 50 accounts pay with one card (threats.md 4.3), whatever client they use; of either, as one bought account may have anybody's card",
    )
    ring_accounts: int = setting(
        3,
        "accounts that send in each other's reasoning handles or answers, each so many that it is flagged for it (rules.handle_replays, rules.conversations_moved, rules.answers_reused), from which they are a campaign: two are one customer's failover between two keys as often",
    )
    ring_passages: int = setting(
        4,
        "answers that two accounts have of each other in their prompts, either way and as long as no day passes without one, from which they are of one ring: of 170 pairs of which the sender is honest 161 had one in five days, eight two and one three, in two worlds by strangers; pairs of the pools 23 and 10 in the median (decision 0185)",
    )
    ring_decades: float = setting(
        4.0,
        "points of such a ring: those of the rules that flag its accounts, whose benign rates are near zero (threats.md 2.4 #32, decision 0185); they count once",
    )
    repeated: float = setting(
        0.9,
        "share of exact prompts that several accounts send from which it is an evaluation, which sends one set of them whole: of sets that each draws a fifth of, twenty accounts have 0.98 in common; a harvest wants new tasks (threats.md 2.4 #21), but may draw them from a collection or ask for several answers to each",
    )


@dataclass(frozen=True)
class Evidence:
    """Conjunctions of independent signals, used while no reference is large enough."""

    least_families: int = setting(3, "independent families that must point the same way")
    review_decades: float = setting(
        4.75,
        "sum of -log10(tail) over the families a harvest shows in: the shipped priors give at most 1 in 1,000 account-days such a sum together with core_decades, whatever depends on what inside a family (a test computes it)",
    )
    core_decades: float = setting(
        1.0,
        "what the families that make a pattern (a harvest: two of structure, tokens and elicitation) must each carry: rarer than one account in ten",
    )
    kinds: int = setting(
        5,
        "kinds of an account's own evidence that are as good as independent: with so many, of 43,322 honest account-days of nine worlds by strangers 0.49 % have a score of 2 decades or more, 0.11 % of 3 and 0.02 % of 4 (Fisher's method, transforms/findings/together.py)",
    )
    family_floor: float = setting(
        0.001, "no single family counts for more than three decades: one broken sensor must not convict"
    )
    least_calls: int = setting(
        100, "one hundred exchanges suffice to tell a pure harvester (threats.md 3.1, MMD at 100)"
    )
    peer_weight: int = setting(500, "windows of peers that weigh as much as the shipped prior of a feature")
    least_peers: int = setting(200, "windows of peers below which peer ranks are not used at all")
    change_points: float = setting(
        0.5, "decades for a change of behaviour (ADWIN): a hint beside other evidence, never enough alone"
    )
    change_days: int = setting(2, "days a change of behaviour is counted; later it is the account's own habit")


@dataclass(frozen=True)
class Shapes:
    """Shapes of a harvest from one account (L0, review only)."""

    share: float = setting(
        0.00025,
        "share of honest account-days of at least a hundred calls that may have one shape, if its properties are independent: nine shapes leave at most 1 in 570 of these, and with seats of 1 to 200 calls a day beside API clients (threats.md 4.3) little more than half of all account-days have so many: within the review budget of one in a thousand",
    )
    joint_share: float = setting(
        0.003,
        "the same for shapes whose properties honest accounts show together far more rarely than if these were independent (reasoning, and bypass where prompts are logged): 8 of 32,727 such account-days of two simulated backgrounds have one of the two, 1 in 4,000, where independence leaves 1 in 250; of 6,782 accounts of three worlds by a stranger none has (decision 0182)",
    )
    least_calls: int = setting(
        100, "calls in 24 h below which a shape is chance: one hundred exchanges tell a pure harvester (threats.md 3.1)"
    )


@dataclass(frozen=True)
class Rates:
    """False-positive budget, per account-day."""

    review: float = setting(0.001, "what a team can look at: one in a thousand account-days (threats.md 3.3)")
    act: float = setting(0.0001, "what may be acted on without a look")
    least_decades: float = setting(
        3.0,
        "an account-day within the budget must also carry this much evidence against the shipped priors: the most unusual of ordinary accounts is not a thief",
    )
    l1_least_calls: int = setting(20, "calls in 24 h below which shares are noise; such accounts are left to linkage")


@dataclass(frozen=True)
class Learning:
    """What LEARN keeps and feeds to the models."""

    reference_days: int = setting(
        28, "four weeks: every weekday four times, and traffic of two months ago no longer counts"
    )
    reference_size: int = setting(100_000, "account-days kept a peer group, sampled by hash: the act tier needs 9,999")
    forget_days: int = setting(
        90, "an account unseen for a quarter is a newcomer again: bounds what is kept of accounts"
    )
    most_plans: int = setting(
        16, "plans with a peer group of their own; plan names come from logs and must not multiply groups"
    )
    rank_windows: int = setting(20_000, "windows behind percentile ranks a peer group, sampled by hash")
    learn_windows: int = setting(
        1_000,
        "windows fed to River a peer group and day, sampled by hash: a forest remembers the last tree_window of them, so that these come from the last quarter of the day; of 20,000 they would come from its last minutes, at 9 us each",
    )
    tree_count: int = setting(10, "HalfSpaceTrees: trees; ten of height eight cost 31 us a window (kernel.md)")
    tree_height: int = setting(8, "HalfSpaceTrees: splits above a leaf; 256 leaves suffice for 250 windows")
    tree_window: int = setting(250, "HalfSpaceTrees: windows between two pivots (the paper's default)")
    adwin_delta: float = setting(0.002, "ADWIN's bound on its own false alarms (River's default)")
    guard_days: int = setting(7, "days an account stays out of learning after its last flag")


@dataclass(frozen=True)
class Distribution:
    """The distribution test (L3)."""

    sampled_calls: int = setting(
        8,
        "calls of an account's tick that are looked at: 2,304 a day, more than the 1,500 at which the published test is best (threats.md 3.1), and no account costs more",
    )
    least_accounts: int = setting(
        100, "accounts on either side (centre, null) below which a peer group has no reference of its own"
    )
    reference_size: int = setting(
        2_000,
        "account-days kept a peer group and number of calls, sampled by hash: half make the centre, half the null, whose thousand reach one in a thousand",
    )
    ridge: float = setting(
        0.3,
        "variance added to each direction, in parts of the mean: 0.3, 1 and 3 hardly differ on seeds 1 to 3 (15, 16 and 12 % of pure accounts found at 1 % false positives)",
    )


@dataclass(frozen=True)
class Allow:
    """Overlay: acts at once, never changes scores."""

    contracts: list[str] = setting(
        ["synthetic", "distill", "training", "red-team", "red_team", "research-agreement"],
        "an account whose contract (accounts file) contains one of these words is permitted to do what would be flagged: its findings are suppressed",
        "free",
    )
    account_ids: list[str] = setting([], "accounts whose findings are suppressed", "free")


@dataclass(frozen=True)
class Quality:
    """The audit of a closed day."""

    audit_rows: int = setting(50_000, "rows of a table audited a day, sampled by hash: keeps the audit to seconds")
    history_days: int = setting(7, "days a day's volume and null rates are compared with: each weekday once")
    history_least_days: int = setting(3, "with fewer earlier days nothing is compared: two days have no usual")
    compare_least_rows: int = setting(
        1_000, "rows below which a day is not compared: its volume and null rates are chance"
    )
    volume_factor: float = setting(
        10.0, "a day with ten times more or fewer calls than the median day is not ordinary traffic"
    )
    null_rate_rise: float = setting(0.5, "a column whose null rate rises by half has lost its producer")
    largest_gap_hours: float = setting(12.0, "hours without any event inside a day; a busy API is never silent so long")
    gap_least_events: int = setting(10_000, "events a day up to which a long silence is ordinary")


@dataclass(frozen=True)
class Upkeep:
    """When small data files are put together."""

    small_files: int = setting(
        64,
        "small files of a table after which a run puts them together: opening one costs 0.25 ms, and they take a third more space (measured)",
        "free",
    )
    small_rows: int = setting(
        65_536, "rows below which a file is small: four row groups, so that its footer costs more than its rows", "free"
    )
    file_rows: int = setting(
        262_144,
        "rows put together at most: 66 MB of events, 0.7 s of a processor (measured); larger files would blur the times of one",
        "free",
    )


@dataclass(frozen=True)
class Retention:
    """How long rows are kept, in days of event time before the end of closed time; findings, verdicts and runs always."""

    events_days: int = setting(
        400, "a year and a month, so that rebuild and backtest reach the same month of last year", "free"
    )
    traits_days: int = setting(400, "what links are explained with: as long as the events behind them", "free")
    results_days: int = setting(
        800, "sessions, windows and scores are a hundredth of the events: two years compare year with year", "free"
    )
    versions_days: int = setting(
        7, "earlier versions of tables stay readable for a week: queries under way, and a look back at what was", "free"
    )
    checkpoint_days: int = setting(
        35,
        "days whose borders keep their state, so that `rebuild` can start there: a week more than the reference looks back (learning.reference_days); an older day is rebuilt from the beginning, while its events are kept",
        "free",
    )


@dataclass(frozen=True)
class Watch:
    """Reading logs while they are written; nothing here changes a result."""

    latency_seconds: float = setting(
        30.0,
        "from a record's arrival to its row in `events`: a tick and its lateness take ten minutes before anything can be found, half a minute adds little; every run is a commit",
        "free",
    )
    run_megabytes: int = setting(
        256,
        "bytes of log a first run takes at most: a few seconds of decoding; it doubles while more than one run lies waiting",
        "free",
    )
    most_run_megabytes: int = setting(
        4_096, "bytes of log any run takes at most: a minute or two of decoding, done again after a kill", "free"
    )
    ahead_minutes: float = setting(
        2.0,
        "the work of a tick begins so long before the watermark passes its end, and is done again if a call came for it since; 0 for none: a tick of 400,000 calls takes 20 s, and who is three minutes late is rare",
        "free",
    )
    spool_megabytes: int = setting(
        256, "bytes of standard input held on disk until they are committed; beyond, its writer has to wait", "free"
    )
    idle_minutes: float = setting(
        10.0,
        "a source that has not grown for so long no longer holds back time for the others: twice the lateness, so that a slow shipper is waited for",
        "free",
    )

    longest_turn_minutes: float = setting(
        30.0,
        "a supervisor that takes longer over one turn counts as stuck (/healthz): the largest runs take a minute or two, a day's learning a few",
        "free",
    )

    @property
    def idle(self) -> timedelta:
        """How long a source must not have grown to be idle."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def ahead(self) -> timedelta:
        """How long before the watermark passes a tick's end its work begins."""
        return timedelta(minutes=self.ahead_minutes)

    def must_fit(self, where: str) -> None:
        """Raises PolicyError where a number makes no sense."""
        for key in (
            "latency_seconds",
            "run_megabytes",
            "most_run_megabytes",
            "spool_megabytes",
            "longest_turn_minutes",
        ):
            if getattr(self, key) <= 0:
                raise PolicyError(where, f"watch.{key} is not above 0", "raise it")
        for key in ("idle_minutes", "ahead_minutes"):
            if getattr(self, key) < 0:
                raise PolicyError(where, f"watch.{key} is below 0", "raise it")


@dataclass(frozen=True)
class Kafka:
    """Reading topics; nothing here changes a result."""

    wait_seconds: float = setting(
        30.0,
        "how long a broker may not answer until a command says so and ends, or a watch says so and tries again: the time in which a cluster elects leaders anew",
        "free",
    )

    def must_fit(self, where: str) -> None:
        """Raises PolicyError where a number makes no sense."""
        if self.wait_seconds <= 0:
            raise PolicyError(where, "kafka.wait_seconds is not above 0", "raise it")


@dataclass(frozen=True)
class Alerts:
    """When `stillwatch watch` says that it may be blind; nothing here changes a result."""

    look_seconds: float = setting(
        30.0, "between two looks: an alert is a commit, and nothing it tells of is over in less", "free"
    )
    silent_minutes: float = setting(
        60.0,
        "a source is silent after so long: every hour of a working day has calls, an hour is waited for once",
        "free",
    )
    silent_gaps: float = setting(
        3.0,
        "and after so many times the longest pause between its last hundred calls: a slow source pauses by itself, three times as long it never did in a hundred",
        "free",
    )
    known_hours: float = setting(
        24.0,
        "a file that was written within so long before it is first met counts as being written: older ones are history",
        "free",
    )
    volume_share: float = setting(
        0.5,
        "of the second smallest of the same hour on the seven days before: that has a weekend day in it, and one outage left out; less than half of it is no quiet day",
        "free",
    )
    volume_least_calls: int = setting(
        200, "calls of that hour below which chance halves it: 200 have a standard deviation of 7 %", "free"
    )
    abstaining_rise: float = setting(
        0.25,
        "share of accounts, above the highest of the 24 hours before, that abstain for one reason: one gateway of four no longer logs a field",
        "free",
    )
    abstaining_least_accounts: int = setting(
        50,
        "accounts in an hour below which a share is chance: a quarter of 50 is four standard deviations of 6 %",
        "free",
    )
    rejects_share: float = setting(
        0.05, "of a source's records within an hour: logs of real gateways have far less than one in a hundred", "free"
    )
    rejects_factor: float = setting(
        5.0, "times the share of the week before: a source that was always bad has not become blind now", "free"
    )
    rejects_least: int = setting(100, "refused records within an hour below which it is a handful of bad lines", "free")
    ahead_minutes: float = setting(
        10.0,
        "ahead of this machine's clock: machines that keep time by NTP are a second apart, two latenesses are none",
        "free",
    )
    ahead_events: int = setting(
        10, "calls that are ahead: as many as have to agree on the time (time.progress_events)", "free"
    )
    seen_minutes: float = setting(60.0, "between two entries that an alert still holds: each is a commit", "free")
    kept_days: int = setting(
        90, "days for which alerts that are cleared stay: a quarter, for a review of the operation", "free"
    )

    def must_fit(self, where: str) -> None:
        """Raises PolicyError where a number makes no sense."""
        for key in ("look_seconds", "silent_minutes", "seen_minutes", "kept_days", "ahead_events"):
            if getattr(self, key) <= 0:
                raise PolicyError(where, f"alerts.{key} is not above 0", "raise it")


@dataclass(frozen=True)
class Doctor:
    """When `stillwatch doctor` speaks up."""

    checked_rows: int = setting(
        2_000_000, "rows of a table looked at, of larger ones a part: 2 to 4 s of a processor (measured)", "free"
    )
    days: int = setting(7, "days of events and windows looked at for traffic and silence: each weekday once", "free")
    least_calls: int = setting(1_000, "calls below which shares are chance", "free")
    dominant_share: float = setting(
        0.5,
        "calls from one address, key or account: more than from all others together is a proxy, a gateway or a relay",
        "free",
    )
    dominant_agent_share: float = setting(
        0.95, "calls with one user agent: a popular SDK may well have most, but not nearly all", "free"
    )
    dominant_least_accounts: int = setting(
        20, "accounts below which one customer may well be most of the traffic, or one office all of it", "free"
    )
    late_share: float = setting(
        0.01, "events of a source that came too late: with a fitting lateness it is a handful after an outage", "free"
    )
    ahead_days: int = setting(
        2, "days an event may lie ahead of closed time: files of one day follow each other by one", "free"
    )


@dataclass(frozen=True)
class SourceRule:
    """How records of matching sources name account, key, end user and client: field names in order of preference.

    A name is a field of the record, dotted for nested ones (`metadata.user_api_key_team_id`), or `header:NAME` for a
    request header. Empty lists mean the adapter's stated default.
    """

    match: str = setting("*", "glob over the source's name", "ingest")
    format: str = setting("auto", "adapter, or auto", "ingest")
    account: list[str] = setting([], "fields that name the account", "ingest")
    api_key: list[str] = setting([], "fields that name the key", "ingest")
    end_user: list[str] = setting([], "fields that name the account's own user", "ingest")
    client_fingerprint: list[str] = setting([], "fields or headers with a TLS or header fingerprint", "ingest")


@dataclass(frozen=True)
class Change:
    """One key in which two policies differ.

    Attributes:
        key: `section.key`, or `source.NAME.key`.
        before: its value in the one; None where the one has no such source rule.
        after: in the other, likewise.
        bound: one of BOUNDS: what the change asks for.
    """

    key: str
    before: Any
    after: Any
    bound: str


@dataclass(frozen=True)
class Policy:
    """The whole configuration; see `stillwatch policy` for the file with all reasons."""

    time: Time = dataclasses.field(default_factory=Time)
    sessions: Sessions = dataclasses.field(default_factory=Sessions)
    ingest: Ingest = dataclasses.field(default_factory=Ingest)
    traits: Traits = dataclasses.field(default_factory=Traits)
    links: Links = dataclasses.field(default_factory=Links)
    rules: Rules = dataclasses.field(default_factory=Rules)
    evidence: Evidence = dataclasses.field(default_factory=Evidence)
    campaigns: Campaigns = dataclasses.field(default_factory=Campaigns)
    shapes: Shapes = dataclasses.field(default_factory=Shapes)
    rates: Rates = dataclasses.field(default_factory=Rates)
    learning: Learning = dataclasses.field(default_factory=Learning)
    distribution: Distribution = dataclasses.field(default_factory=Distribution)
    allow: Allow = dataclasses.field(default_factory=Allow)
    quality: Quality = dataclasses.field(default_factory=Quality)
    retention: Retention = dataclasses.field(default_factory=Retention)
    upkeep: Upkeep = dataclasses.field(default_factory=Upkeep)
    watch: Watch = dataclasses.field(default_factory=Watch)
    kafka: Kafka = dataclasses.field(default_factory=Kafka)
    alerts: Alerts = dataclasses.field(default_factory=Alerts)
    doctor: Doctor = dataclasses.field(default_factory=Doctor)
    source: dict[str, SourceRule] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The policy in a TOML file; keys it does not name keep their defaults.

        Raises:
            PolicyError: no such file, no TOML, an unknown key (the nearest known one is named), or a wrong type.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise PolicyError(str(path), f"cannot be read ({error.strerror})", "name an existing TOML file") from error
        except UnicodeDecodeError as error:
            raise PolicyError(str(path), "is not UTF-8", "save it as UTF-8") from error

    @classmethod
    def parse(cls, text: str, where: str = "policy") -> Self:
        """The policy in a TOML text; `where` names it in errors."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(where, f"is not TOML ({error})", "mend the syntax") from error
        sections: dict[str, Any] = {}
        known = {f.name: f for f in dataclasses.fields(cls)}
        for name, body in data.items():
            if name not in known:
                raise _unknown(where, name, known)
            if not isinstance(body, dict):
                raise PolicyError(where, f"{name} is a value, not a section", f"write [{name}] on a line of its own")
            if name == "source":
                sections[name] = {
                    key: _section(SourceRule, rule, f"{where}, [source.{key}]") for key, rule in body.items()
                }
            else:
                sections[name] = _section(_kind(known[name]), body, f"{where}, [{name}]")
        policy = cls(**sections)
        policy._must_fit(where)
        return policy

    @functools.cached_property
    def version(self) -> str:
        """Twelve hex digits that change with every value that can change a score or an event."""
        relevant: dict[str, Any] = {}
        for section in dataclasses.fields(self):
            body = getattr(self, section.name)
            if section.name != "source":
                bound = [key.name for key in dataclasses.fields(body) if key.metadata["bound"] != "free"]
                if bound:  # a section that changes no score must not change the version by being there
                    relevant[section.name] = {name: getattr(body, name) for name in bound}
        relevant["source"] = {name: dataclasses.asdict(rule) for name, rule in sorted(self.source.items())}
        return hashlib.blake2b(json.dumps(relevant, sort_keys=True).encode(), digest_size=6).hexdigest()

    def changes(self, other: "Policy") -> list[Change]:
        """The keys in which another policy differs from this one, in the order of the file."""
        found = []
        for section in dataclasses.fields(self):
            if section.name != "source":
                pair = getattr(self, section.name), getattr(other, section.name)
                found += _differing(section.name, *pair)
        for name in sorted({*self.source, *other.source}):
            found += _differing(f"source.{name}", self.source.get(name), other.source.get(name))
        return found

    def toml(self) -> str:
        """The policy as a TOML file with the reason beside every key."""
        lines = ["# stillwatch policy: every number with its reason. Delete what you do not change.", ""]
        for section in dataclasses.fields(self):
            if section.name == "source":
                continue
            body = getattr(self, section.name)
            lines.append(f"[{section.name}]  # {(type(body).__doc__ or '').splitlines()[0]}")
            for key in dataclasses.fields(body):
                lines.append(f"# {key.metadata['reason']} ({key.metadata['bound']}-bound)")
                lines.append(f"{key.name} = {json.dumps(getattr(body, key.name))}")
            lines.append("")
        for name, rule in sorted(self.source.items()):
            lines.append(f"[source.{name}]")
            lines += [f"{key.name} = {json.dumps(getattr(rule, key.name))}" for key in dataclasses.fields(rule)]
            lines.append("")
        return "\n".join(lines)

    def to_json(self) -> str:
        """The policy as JSON, for a run's plan."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The policy a plan recorded; the inverse of `to_json`."""
        data = json.loads(text)
        sources = {name: SourceRule(**rule) for name, rule in data.pop("source").items()}
        sections = {f.name: _kind(f)(**data[f.name]) for f in dataclasses.fields(cls) if f.name in data}
        return cls(**sections, source=sources)

    def _must_fit(self, where: str) -> None:
        day = 24 * 60
        if self.time.tick_minutes < 1 or 60 % self.time.tick_minutes:
            raise PolicyError(
                where,
                f"time.tick_minutes = {self.time.tick_minutes} does not divide an hour",
                "use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60",
            )
        if not self.time.tick_minutes <= self.sessions.idle_minutes < day:
            raise PolicyError(
                where,
                "sessions.idle_minutes must be at least a tick and less than a day",
                "raise it, or use a shorter tick",
            )
        if not set(self.traits.shingle_slots) <= set(range(16)):
            raise PolicyError(where, "traits.shingle_slots names a slot that is none", "use numbers from 0 to 15")
        if self.links.memory_days < 1 or self.links.most_holders < 2:
            raise PolicyError(where, "links need a day of memory and two holders at least", "correct [links]")
        self.watch.must_fit(where)
        self.alerts.must_fit(where)
        if not 0 < self.rates.act <= self.rates.review < 1:
            raise PolicyError(where, "rates must be 0 < act <= review < 1", "correct [rates]")
        kept = self.retention
        if kept.events_days < kept.checkpoint_days:
            raise PolicyError(
                where,
                "retention.events_days is less than retention.checkpoint_days",
                "raise it, or keep fewer checkpoints: a rebuild from one reads the events since",
            )
        for key in ("checkpoint_days", "traits_days", "results_days"):
            if getattr(kept, key) < 2:
                raise PolicyError(
                    where, f"retention.{key} is less than 2", "raise it: the day that closed last is learned from"
                )
        if self.upkeep.small_rows > self.upkeep.file_rows:
            raise PolicyError(
                where, "upkeep.small_rows is more than upkeep.file_rows", "lower it: what was put together is not small"
            )
        for key in ("earliest", "latest"):
            try:
                datetime.fromisoformat(getattr(self.time, key))
            except ValueError as error:
                raise PolicyError(where, f"time.{key} is no date", "write YYYY-MM-DD") from error


def _differing(section: str, before: Any, after: Any) -> list[Change]:
    """The keys of one section that differ; None stands for a section that is not there."""
    return [
        Change(f"{section}.{key.name}", *values, key.metadata["bound"])
        for key in dataclasses.fields(after if before is None else before)
        if (values := (getattr(before, key.name, None), getattr(after, key.name, None)))[0] != values[1]
    ]


def _kind(section: "dataclasses.Field[Any]") -> type[Any]:
    kind = section.default_factory
    assert isinstance(kind, type), section.name  # noqa: S101 - every section but `source` is a dataclass of this module
    return kind


def _section(kind: type[Any], body: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(kind)}
    for name, value in body.items():
        if name not in known:
            raise _unknown(where, name, known)
        if not _fits(value, known[name].type):
            raise PolicyError(
                where, f"{name} = {value!r} is not of type {_type_name(known[name].type)}", "correct the value"
            )
    return kind(**{name: float(value) if known[name].type is float else value for name, value in body.items()})


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _type_name(kind: Any) -> str:
    return str(kind) if get_origin(kind) else kind.__name__


def _unknown(where: str, name: str, known: dict[str, Any]) -> PolicyError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    fix = f"write {near[0]}" if near else "use one of " + ", ".join(known)
    return PolicyError(where, f"unknown key {name}", fix)
