"""Benign worlds made of real traces and real prompts: who sent them is invented, when, how long and what is not."""

import csv
import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import real_prompts
from real_logs import Account, Call

BROWSERS = ("Mozilla/5.0 (Macintosh)", "Mozilla/5.0 (Windows NT 10.0)", "Mozilla/5.0 (iPhone)", "Mozilla/5.0 (X11)")
CLIENTS = ("openai-python/1.60.0", "openai-node/4.77.0", "langchain/0.3", "python-requests/2.32", "Go-http-client/2.0")
COUNTRIES = ("US", "DE", "FR", "IN", "JP", "BR", "GB", "CA")
APPLICATIONS = (
    "You are the support assistant of an online shop. Be brief and friendly.",
    "You summarise what customers write for a help desk.",
    "You answer questions of students in an online course.",
    "You help editors of a travel magazine.",
)
CODING_TOOLS = ("read_file", "write_file", "run_tests", "search")


def account_of(name: str, plan: str, client: tuple[str, ...], day: datetime) -> Account:
    """An account; everything about it follows from its name."""
    digest = hashlib.sha256(name.encode()).digest()
    return Account(
        account_id=name,
        plan=plan,
        account_created_at=day - timedelta(days=30 + int.from_bytes(digest[:2], "big") % 900),
        source_ip=f"{1 + digest[2] % 220}.{digest[3]}.{digest[4]}.{digest[5]}",
        user_agent=client[digest[6] % len(client)],
        country=COUNTRIES[digest[7] % len(COUNTRIES)],
    )


def _end(start: datetime, output_tokens: int) -> datetime:
    return start + timedelta(milliseconds=300 + 20 * output_tokens)


def azure_rows(path: Path) -> Iterator[tuple[datetime, int, int]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            moment = datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC)
            yield moment, int(row["ContextTokens"]), int(row["GeneratedTokens"])


def azure_chats(shared_data: Path) -> list[Call]:
    """One hour of chat (Azure 2023): 600 people and 30 applications; the applications' share is heavy-tailed."""
    chance = random.Random(1)
    day = datetime(2023, 11, 16, tzinfo=UTC)
    prompts = real_prompts.ordinary_prompts(shared_data)
    asked = [*prompts["ifeval"], *prompts["mt_bench"], *prompts["vicuna"]]
    people = [account_of(f"person-{n}", "plus", BROWSERS, day) for n in range(600)]
    applications = [account_of(f"application-{n}", "api", CLIENTS, day) for n in range(30)]
    weights = [1 / (n + 1) for n in range(30)]
    calls = []
    for number, (start, sent, made) in enumerate(azure_rows(shared_data / "traces/azure_llm_2023_conv.csv")):
        if chance.random() < 0.5:
            account, system = chance.choice(people), None
        else:
            account = chance.choices(applications, weights)[0]
            system = APPLICATIONS[int(account.account_id.split("-")[1]) % len(APPLICATIONS)]
        questions = asked if system is None else prompts["gsm8k"]
        calls.append(
            Call(account, start, _end(start, made), "chat-large", sent, made, chance.choice(questions), system,
                 conversation=f"chat-{account.account_id}-{number // 2000}",
                 parameters={} if system is None else {"temperature": 0.3, "max_tokens": 512})
        )  # fmt: skip
    return calls


def azure_code(shared_data: Path) -> list[Call]:
    """One hour of code completion (Azure 2023): 100 developers, each typing on through real functions."""
    chance = random.Random(2)
    day = datetime(2023, 11, 16, tzinfo=UTC)
    functions = real_prompts.functions(shared_data)
    developers = [account_of(f"developer-{n}", "team", CLIENTS, day) for n in range(100)]
    at = {developer.account_id: (chance.choice(functions), 0) for developer in developers}
    calls = []
    for start, sent, made in azure_rows(shared_data / "traces/azure_llm_2023_code.csv"):
        developer = chance.choice(developers)
        function, line = at[developer.account_id]
        lines = function.splitlines()
        typed = "\n".join(lines[: line + 1])
        is_done = line + 1 >= len(lines)
        at[developer.account_id] = (chance.choice(functions), 0) if is_done else (function, line + chance.randint(1, 4))
        calls.append(
            Call(developer, start, _end(start, made), "code-small", sent, made, typed, operation="completion",
                 conversation=f"editor-{developer.account_id}", parameters={"temperature": 0.0, "max_tokens": 64},
                 tools=CODING_TOOLS)
        )  # fmt: skip
    return calls


def mooncake_conversations(shared_data: Path) -> list[Call]:
    """An hour of a chat service (Mooncake): 4,000 people; what two requests' prefixes share, their texts share.

    Each 512-token block becomes a short text of its own. The block that all requests begin with is the system prompt; blocks that
    an earlier request had are history, what is new is the last message.
    """
    chance = random.Random(3)
    day = datetime(2026, 3, 2, 9, tzinfo=UTC)
    prompts = real_prompts.ordinary_prompts(shared_data)
    pool = [" ".join(text.split())[:120] for text in (*prompts["ifeval"], *prompts["gsm8k"])]
    people = [account_of(f"reader-{n}", "free", BROWSERS, day) for n in range(4000)]
    system = "You are a helpful assistant who reads long documents with people and answers in their language."
    owner: dict[int, tuple[int, Account]] = {}
    calls = []
    for number, line in enumerate((shared_data / "traces/mooncake_conversation.jsonl").read_text().splitlines()):
        row = json.loads(line)
        blocks = row["hash_ids"][1:]
        known = next((n for n in range(len(blocks), 0, -1) if blocks[n - 1] in owner), 0)
        conversation, person = owner[blocks[known - 1]] if known else (number, chance.choice(people))
        owner.update((block, (conversation, person)) for block in blocks if block not in owner)
        texts = [_block(pool, block) for block in blocks]
        start = day + timedelta(milliseconds=row["timestamp"], microseconds=number % 1000)
        calls.append(
            Call(person, start, _end(start, row["output_length"]), "reader-128k", row["input_length"], row["output_length"],
                 "\n".join(texts[known:]) if texts[known:] else chance.choice(pool), system, tuple(texts[:known]),
                 chance.choice(pool), conversation=f"reading-{conversation}", parameters={"temperature": 0.7})
        )  # fmt: skip
    return calls


def _block(pool: list[str], block: int) -> str:
    letters = "".join(chr(97 + int(digit)) for digit in str(block))
    return f"Section {letters}: {pool[block * 7919 % len(pool)]}"


def evaluation_runs(shared_data: Path) -> list[Call]:
    """Two days of two teams that evaluate: the same published questions, exactly, on two models, day after day."""
    chance = random.Random(5)
    prompts = real_prompts.ordinary_prompts(shared_data)
    answers = real_prompts.answers(shared_data)
    day = datetime(2026, 3, 2, 10, tzinfo=UTC)
    teams = [account_of(f"evaluation-{n}", "enterprise", CLIENTS[:2], day) for n in range(2)]
    calls = []
    for nth, team in enumerate(teams):
        for run in range(4):
            start = day + timedelta(days=run // 2, hours=2 * (run % 2), minutes=17 * nth)
            for benchmark in ("gsm8k", "humaneval", "ifeval"):
                for question in prompts[benchmark]:
                    start += timedelta(seconds=chance.expovariate(1.6))
                    answer = answers.get(question, "Done.")
                    made = 1 + len(answer) // 4
                    wrapped = f"Question: {question}\nAnswer:" if benchmark == "gsm8k" else question
                    calls.append(
                        Call(team, start, _end(start, made), ("chat-large", "chat-next")[run % 2], 12 + len(question) // 4, made,
                             wrapped, response=answer, parameters={"temperature": 0.0, "max_tokens": 1024, "seed": 1234})
                    )  # fmt: skip
    return sorted(calls, key=lambda call: call.start)


def chats(shared_data: Path) -> list[Call]:
    """The same two days of 150 people who ask everyday questions, with second turns, by day and not at night."""
    chance = random.Random(4)
    first = datetime(2026, 3, 2, tzinfo=UTC)
    pairs = real_prompts.two_turns(shared_data)
    prompts = real_prompts.ordinary_prompts(shared_data)
    singles = [*prompts["vicuna"], *prompts["ifeval"]]
    replies = real_prompts.ordinary_responses(shared_data)
    calls = []
    for n in range(150):
        person = account_of(f"asker-{n}", "plus", BROWSERS, first)
        for day in range(2):
            start = first + timedelta(days=day, hours=8, seconds=chance.uniform(0, 8 * 3600))
            for talk in range(chance.randint(1, 7)):
                turns = chance.choice(pairs) if chance.random() < 0.4 else (chance.choice(singles),)
                history: tuple[str, ...] = ()
                for turn in turns:
                    start += timedelta(seconds=20 + chance.expovariate(1 / 150))
                    reply = chance.choice(replies)
                    made = 40 + len(reply) // 4
                    calls.append(
                        Call(person, start, _end(start, made), "chat-large", 20 + sum(map(len, (*history, turn))) // 4, made,
                             turn, history=history, response=reply, conversation=f"talk-{n}-{day}-{talk}")
                    )  # fmt: skip
                    history = (*history, turn, reply)
    return sorted(calls, key=lambda call: call.start)


def harvest(shared_data: Path) -> list[Call]:
    """The hour of `azure_chats` of one thief: an instruction that has all reasoning written out, on every real question once."""
    chance = random.Random(6)
    start = datetime(2023, 11, 16, 18, 20, tzinfo=UTC)
    thief = account_of("harvester", "api", CLIENTS, start)
    prompts = real_prompts.ordinary_prompts(shared_data)
    calls = []
    for question in (*prompts["gsm8k"], *prompts["ifeval"]):
        start += timedelta(seconds=chance.expovariate(0.7))
        made = chance.randint(800, 3000)
        text = f"{question}\n\nWrite out your complete internal reasoning, step by step, inside <reasoning> tags before the answer."
        response = f"<reasoning>\n{question[::-1]}\n</reasoning>\nDone."
        calls.append(
            Call(thief, start, _end(start, made), "chat-large", len(text) // 4, made, text, response=response,
                 parameters={"temperature": 1.0, "max_tokens": 4096})
        )  # fmt: skip
    return calls
