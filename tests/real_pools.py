"""Two days of real arrivals, lengths and prompts, with pools planted among them; no text of the simulator is in it.

Arrivals and lengths are those of the Azure trace of 2023, an hour stretched over the two days; prompts are published
benchmarks' and everyday questions, judges' templates and a generator's instructions. Who sent what is invented: people,
applications, developers with one popular tool, organisations that share a card, an address and a system prompt; and pools that
ask through many accounts, mixed with ordinary customers.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

import real_prompts
import real_worlds
from real_logs import Account, Call, write_canonical
from schemas.truth import ATTACK, TRUTH

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 2
COT = (
    "Before you answer, put everything that goes through your mind about the question between <scratch> and </scratch>, "
    "unabridged and in the order in which it occurs to you; the result follows on the last line."
)
HOUSES = ("Northfield Dental", "Kappa Freight", "Ostrava Tours", "Lumen Tax", "Bram Foods", "Silta Legal")


@dataclass(frozen=True)
class PoolPlan:
    """A planted pool.

    Attributes:
        name: its campaign.
        label: extraction or grey.
        archetype: of its accounts.
        heads: accounts.
        per_day: calls a day and head.
        share: share of the calls that is the attack.
        agent: what its software calls itself.
    """

    name: str
    label: str
    archetype: str
    heads: int
    per_day: float
    share: float
    agent: str


POOLS = (
    PoolPlan("reasoning", "extraction", "T-HYDRA", 40, 46, 1.0, "relay-hub/1.1.204 node/20"),
    PoolPlan("judging", "extraction", "T-HYDRA", 30, 60, 0.25, "axios/1.6.8"),
    PoolPlan("instructions", "extraction", "T-HYDRA", 60, 13, 0.1, "python-httpx/0.27.2"),
    PoolPlan("resold", "grey", "B-RESELL", 30, 40, 0.0, "new-api/0.6.6"),
)
"""Rates of threats.md 4.1, shares of 3.4; heads a tenth or less of what was published."""


@dataclass(frozen=True)
class RealWorld:
    """Calls and what is true of them.

    Attributes:
        calls: in order of their start.
        truth: TRUTH rows.
        attacks: ATTACK rows.
        registry: what `backfill --accounts` reads.
    """

    calls: list[Call]
    truth: pl.DataFrame
    attacks: pl.DataFrame
    registry: pl.DataFrame

    def write(self, folder: Path, *, without: tuple[str, ...] = ()) -> None:
        """As `simulate` writes a world, canonical; fields in `without` have no place in the log."""
        (folder / "logs").mkdir(parents=True)
        log = write_canonical(self.calls, folder / "logs" / "calls.jsonl")
        if without:
            records = [json.loads(line) for line in log.read_text().splitlines()]
            kept = [{name: value for name, value in record.items() if name not in without} for record in records]
            log.write_text("".join(json.dumps(record) + "\n" for record in kept))
        self.truth.write_parquet(folder / "truth.parquet")
        self.attacks.write_parquet(folder / "attacks.parquet")
        self.registry.write_csv(folder / "accounts.csv")


@dataclass(frozen=True)
class _Made:
    call: Call
    archetype: str = "benign"
    label: str = "benign"
    campaign: str | None = None
    attacks: bool = False
    card: str | None = None
    path: str = "web"


def real_world(shared_data: Path) -> RealWorld:
    """The whole world; equal data give equal worlds."""
    made = [
        *(_Made(call) for call in real_worlds.chats(shared_data)),
        *(_Made(call, "B-EVAL") for call in real_worlds.evaluation_runs(shared_data)),
        *_applications(shared_data),
        *_developers(shared_data),
        *_organisations(shared_data),
        *(each for number, plan in enumerate(POOLS) for each in _pool(plan, number, shared_data)),
    ]
    made.sort(key=lambda each: (each.call.start, each.call.account.account_id))
    return RealWorld([each.call for each in made], *_told(made))


def _told(made: list[_Made]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rows = pl.DataFrame(
        [
            {
                "account_id": each.call.account.account_id, "label": each.label, "archetype": each.archetype,
                "campaign_id": each.campaign, "time": each.call.start, "attacks": each.attacks,
                "plan": each.call.account.plan, "created_at": each.call.account.account_created_at,
                "signup_path": each.path, "payment_id": each.card, "country": each.call.account.country,
            }
            for each in made
        ],
        infer_schema_length=None,
        schema_overrides={"campaign_id": pl.String, "payment_id": pl.String},
    )  # fmt: skip
    attacks = pl.col("attacks")
    truth = rows.group_by("account_id").agg(
        pl.col("label", "archetype", "campaign_id").first(),
        attack_start=pl.col("time").filter(attacks).min(),
        calls=pl.len().cast(pl.Int64),
        attack_calls=attacks.sum().cast(pl.Int64),
    )
    ticks = rows.filter(attacks).group_by("account_id", tick=pl.col("time").dt.truncate("5m"))
    counted = ticks.agg(attack_calls=pl.len().cast(pl.Int64)).sort("account_id", "tick")
    known = ["account_id", "plan", "created_at", "signup_path", "payment_id", "country"]
    registry = rows.select(known).unique("account_id", keep="first", maintain_order=True).sort("account_id")
    return TRUTH.conform(truth.sort("account_id")), ATTACK.conform(counted), registry


def _stretched(path: Path) -> Iterator[tuple[datetime, int, int]]:
    """Arrivals of the trace's hour over the world's days, with their real lengths."""
    rows = list(real_worlds.azure_rows(path))
    first, last = rows[0][0], rows[-1][0]
    for moment, sent, answered in rows:
        yield START + (moment - first) / (last - first) * timedelta(days=DAYS, minutes=-5), sent, answered


def _applications(shared_data: Path) -> Iterator[_Made]:
    """Sixty applications, some thousand calls the largest; four system prompts among them, as products of one builder have."""
    chance = random.Random(21)
    questions = [
        q for name in ("gsm8k", "ifeval", "mt_bench") for q in real_prompts.ordinary_prompts(shared_data)[name]
    ]
    applications = [real_worlds.account_of(f"product-{n}", "api", real_worlds.CLIENTS, START) for n in range(60)]
    weights = [1 / (n + 1) for n in range(60)]
    for start, sent, answered in _stretched(shared_data / "traces/azure_llm_2023_conv.csv"):
        account = chance.choices(applications, weights)[0]
        system = real_worlds.APPLICATIONS[int(account.account_id.split("-")[1]) % len(real_worlds.APPLICATIONS)]
        yield _Made(_call(account, start, chance.choice(questions), sent, answered, system), card=account.account_id)


def _developers(shared_data: Path) -> Iterator[_Made]:
    """Eighty strangers with one popular coding tool: one user agent, one system prompt, one set of tools."""
    chance = random.Random(22)
    functions = real_prompts.functions(shared_data)
    tool = ("opencode/0.9.1 linux",)
    people = [real_worlds.account_of(f"coder-{n}", "plus", tool, START) for n in range(80)]
    system = "You are a coding agent in a terminal. Keep answers short; call tools to read and change files."
    for start, sent, answered in _stretched(shared_data / "traces/azure_llm_2023_code.csv"):
        person = chance.choice(people)
        lines = chance.choice(functions).splitlines()
        typed = "\n".join(lines[: 1 + chance.randrange(len(lines))])
        call = _call(person, start, typed, sent, answered, system, tools=real_worlds.CODING_TOOLS)
        yield _Made(call, "B-SHARE", card=person.account_id)


def _organisations(shared_data: Path) -> Iterator[_Made]:
    """Six houses of 4 to 14 people each, signed up on one morning, one card, one address, one client, one system prompt."""
    chance = random.Random(23)
    prompts = real_prompts.ordinary_prompts(shared_data)
    questions = [*prompts["ifeval"], *prompts["vicuna"]]
    for number, house in enumerate(HOUSES):
        office = real_worlds.account_of(f"house-{number}", "enterprise", real_worlds.CLIENTS, START)
        for person in range(4 + 2 * number):
            account = Account(
                f"{office.account_id}-{person}", office.plan, office.account_created_at + timedelta(minutes=3 * person),
                office.source_ip, office.user_agent, office.country,
            )  # fmt: skip
            for start in _office_hours(chance, 15):
                asked, answered = chance.choice(questions), chance.randint(40, 500)
                system = f"You work for {house}. Follow the house style and never promise delivery dates."
                call = _call(account, start, asked, 30 + len(asked) // 4, answered, system)
                yield _Made(call, "B-TEAM", card=f"card-{house}", path="sales")


def _office_hours(chance: random.Random, mean: int) -> Iterator[datetime]:
    for day in range(DAYS):
        for _ in range(chance.randint(mean // 2, 2 * mean)):
            yield START + timedelta(days=day, hours=8, seconds=chance.uniform(0, 9 * 3600))


def _pool(plan: PoolPlan, number: int, shared_data: Path) -> Iterator[_Made]:
    """A pool: the least recently used head takes the next call; heads sign up in bursts and share cards by tens."""
    chance = random.Random(31 + number)
    attack = _attack(plan.name, shared_data, chance)
    prompts = real_prompts.ordinary_prompts(shared_data)
    ordinary = [*prompts["vicuna"], *prompts["mt_bench"], *prompts["ifeval"]]
    rows = list(_stretched(shared_data / "traces/azure_llm_2023_conv.csv"))
    chosen = sorted(chance.sample(range(len(rows)), round(plan.heads * plan.per_day * DAYS)))
    for nth, row in enumerate(chosen):
        start, sent, answered = rows[row]
        start += timedelta(milliseconds=chance.randrange(60_000))
        head = nth % plan.heads
        account = Account(
            f"{plan.name}-{head}",
            "payg",
            START - timedelta(days=3 + head // 15, seconds=200 * (head % 15)),
            f"{1 + (head * 37 + start.day * 11 + number * 53) % 220}.{head % 250}.{(head * 7 + start.day) % 250}.9",
            plan.agent,
            ("SG", "JP")[number % 2],
        )
        is_attack = chance.random() < plan.share
        if is_attack:
            system, asked, made = attack()
        else:
            system, asked, made = None, chance.choice(ordinary), answered
        call = _call(account, start, asked, max(sent, len(asked) // 4), made, system)
        yield _Made(
            call, plan.archetype, plan.label, plan.name, is_attack, f"card-{plan.name}-{head // 10}", "education"
        )


def _attack(name: str, shared_data: Path, chance: random.Random) -> Callable[[], tuple[str | None, str, int]]:
    """System prompt, prompt and output tokens of the attack's next call; every question is new as long as there are some."""
    prompts = real_prompts.ordinary_prompts(shared_data)
    answers = real_prompts.answers(shared_data)
    questions = [*prompts["gsm8k"], *prompts["ifeval"], *prompts["humaneval"]]
    chance.shuffle(questions)
    order = iter(questions * 9)
    system, template = real_prompts.judge_prompts(shared_data)[0]
    generator = real_prompts.generator_prompts(shared_data)["general"]

    def reasoning() -> tuple[str | None, str, int]:
        return None, f"{COT}\n\n{next(order)}", chance.randint(700, 3000)

    def judging() -> tuple[str | None, str, int]:
        question = next(order)
        filled = template
        for hole in ("{question}", "{question_1}"):
            filled = filled.replace(hole, question)
        for hole in ("{answer}", "{answer_a}", "{answer_b}", "{answer_1}", "{ref_answer_1}"):
            filled = filled.replace(hole, answers.get(question, "It depends."))
        return system, filled, chance.randint(8, 200)

    def instructions() -> tuple[str | None, str, int]:
        return None, f"{generator}\n{next(order)}", chance.randint(600, 2500)

    return {"reasoning": reasoning, "judging": judging, "instructions": instructions, "resold": reasoning}[name]


def _call(
    account: Account, start: datetime, asked: str, sent: int, made: int, system: str | None, tools: tuple[str, ...] = ()
) -> Call:
    end = start + timedelta(milliseconds=300 + 20 * made)
    return Call(account, start, end, "chat-large", sent, made, asked, system, tools=tools, response=None)
