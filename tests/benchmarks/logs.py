"""Logs of any size to measure with: deterministic, vectorised, written piece by piece so that size costs no memory.

An account is awake in sessions of five ticks with about four calls each: few calls an account and tick are the hard case
for anything that keeps tallies. With more accounts than that allows, sessions get shorter, then ticks emptier, so that
every account is there. Records stand in the order in which calls completed.
"""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

HERE = Path(__file__).parent
START_MS = 1_772_409_600_000
"""2026-03-02T00:00:00Z."""

TICK_MS, TICKS_A_DAY = 300_000, 288
CALLS_A_TICK, TICKS_A_SESSION = 4, 5
PIECE_RECORDS = 200_000
"""Records built at a time; texts of 12 KB make 2.4 GB of them."""

KINDS = ("canonical", "canonical_text", "litellm", "litellm_real")
_MARKER = re.compile(r'"?@(\w+)@"?')
_WORDS = """
the of and to in is that for it as with on be at by this have from or one had not but what all were when we there can an
your which their said if do will each about how up out them then she many some so these would other into has more her two
like him see time could no make than first been its who now people my made over did down only way find use may water long
little very after words called just where most know get through back much go good new write our used me man too any day
same right look think also around another came come work three word must because does part even place well such here take
why things help put years different away again off went old number great tell men say small every found still between
name should home big give air line set own under read last never us left end along while might next sound below saw
something thought both few those always looked show large often report contract table sample market energy river library
"""


@dataclass(frozen=True)
class Shape:
    """How large a log is.

    Attributes:
        records: how many calls.
        accounts: of how many accounts.
        days: how long it is; whole days, unless `ticks` says otherwise.
        seed: of what is drawn.
        ticks: how long it is, in ticks.
        first_tick: where it begins, in ticks after START_MS.
        first_number: what the ids of its calls count from.
        own_texts: of so many paragraphs are the texts of each account, so that after a while it says nothing new; None where every
            account draws from all ten thousand: then more accounts hold a prompt in common each hour, and what is held of them grows.
    """

    records: int
    accounts: int = 20_000
    days: int = 1
    seed: int = 1
    ticks: int | None = None
    first_tick: int = 0
    first_number: int = 0
    own_texts: int | None = None

    @property
    def length(self) -> int:
        """How long it is, in ticks."""
        return self.days * TICKS_A_DAY if self.ticks is None else self.ticks


def write_log(path: Path, kind: str, shape: Shape) -> None:
    """Writes a log of one of KINDS."""
    line = lines_of(kind)
    with path.open("wb") as log:
        for calls in calls_of(shape, with_text=kind != "canonical"):
            calls.select(line).write_csv(log, include_header=False, quote_style="never")


def lines_of(kind: str) -> pl.Expr:
    """What makes calls (`calls_of`) records of one of KINDS, a line each."""
    return _lines(_canonical(with_text=kind == "canonical_text") if kind.startswith("canonical") else _payload(kind))


def damage(source: Path, target: Path, every: int = 1000) -> list[int]:
    """Writes the log again with one record in `every` made unreadable; the lines of those, from 1.

    In turn: cut off in the middle, a number that is a text, a byte that is no UTF-8.
    """
    chance, bad = np.random.default_rng(every), []
    number = re.compile(rb'"(input_tokens|prompt_tokens)": ?\d+')
    with source.open("rb") as whole, target.open("wb") as broken:
        for first, lines in _batches(whole, every):
            row = int(chance.integers(len(lines)))
            line = lines[row]
            if len(bad) % 3 == 0:
                lines[row] = line[: len(line) // 2] + b"\n"
            elif len(bad) % 3 == 1:
                lines[row] = number.sub(rb'"\1":"many"', line, count=1)
            else:
                lines[row] = line.replace(b'"stop"', b'"st\xffp"', 1)
            bad.append(first + row)
            broken.writelines(lines)
    return bad


def begins(path: Path, lines: list[int]) -> list[int]:
    """The offsets at which these lines, counted from 1, begin; `rejects.line` is counted within a range."""
    ends = np.flatnonzero(np.frombuffer(path.read_bytes(), np.uint8) == ord("\n")) + 1
    return [int(ends[line - 2]) if line > 1 else 0 for line in lines]


def prompts(count: int, characters: int, seed: int = 1) -> list[str]:
    """Different prompts of about as many characters."""
    pool = _paragraphs(np.random.default_rng([seed, 9]))
    chosen = np.random.default_rng(seed).integers(0, len(pool), (count, -(-characters // 200)))
    return [" ".join(pool[i] for i in row)[:characters] for row in chosen]


def _batches(log: Any, size: int) -> Iterator[tuple[int, list[bytes]]]:
    first, lines = 1, []
    for line in log:
        lines.append(line)
        if len(lines) == size:
            yield first, lines
            first, lines = first + size, []
    if lines:
        yield first, lines


def calls_of(shape: Shape, *, with_text: bool) -> Iterator[pl.DataFrame]:
    """The calls in the order of their completion (`ended`, epoch milliseconds), a piece of whole ticks at a time."""
    chance = np.random.default_rng([shape.seed, shape.records, shape.accounts, shape.days])
    accounts, ticks, counts = _plan(shape, chance)
    order = np.argsort(ticks, kind="stable")
    accounts, ticks, counts = accounts[order], ticks[order], counts[order]
    pool = _paragraphs(np.random.default_rng([shape.seed, 9])) if with_text else []
    ends = np.cumsum(counts)
    low, number = 0, 0
    first = shape.first_number
    while low < len(ticks):
        high = int(np.searchsorted(ends, number + PIECE_RECORDS, side="right"))
        # Whole ticks, so that pieces one behind the other are in the order of time.
        high = int(np.searchsorted(ticks, ticks[min(max(high, low + 1), len(ticks)) - 1], side="right"))
        calls = accounts[low:high], ticks[low:high], counts[low:high]
        yield _piece(*calls, first + number, pool, shape.own_texts, chance)
        low, number = high, int(ends[high - 1])


def _plan(shape: Shape, chance: np.random.Generator) -> tuple[Any, Any, Any]:
    """Which account calls in which tick how often."""
    each = min(CALLS_A_TICK, max(1, shape.records // shape.accounts))
    pairs = max(1, shape.records // each)
    length = max(1, min(TICKS_A_SESSION, shape.length, pairs // shape.accounts))
    sessions = max(1, pairs // length)
    accounts = np.repeat(np.arange(sessions) % shape.accounts, length)
    begins = shape.first_tick + chance.integers(0, shape.length - length + 1, sessions)
    ticks = (begins[:, None] + np.arange(length)).reshape(-1)
    counts = 1 + chance.binomial(2 * (each - 1), 0.5, len(ticks))
    missing = shape.records - int(counts.sum())
    if missing > 0:
        np.add.at(counts, chance.integers(0, len(counts), missing), 1)
    elif missing < 0:
        spare = np.repeat(np.arange(len(counts)), counts - 1)
        np.subtract.at(counts, chance.choice(spare, -missing, replace=False), 1)
    return accounts, ticks, counts


def _piece(
    accounts: Any, ticks: Any, counts: Any, first: int, pool: list[str], own_texts: int | None, chance: Any
) -> pl.DataFrame:
    size = int(counts.sum())
    ended = np.repeat(ticks, counts) * TICK_MS + chance.integers(0, TICK_MS, size)
    order = np.argsort(ended, kind="stable")
    latency = chance.integers(300, 20_000, size)
    frame = pl.DataFrame(
        {
            "number": np.arange(first, first + size),
            "who": np.repeat(accounts, counts)[order],
            "ended": START_MS + ended[order],
            "latency": latency,
            "waited": (latency * chance.random(size)).astype(np.int64),
            "sent": chance.integers(20, 4000, size),
            "got": chance.integers(1, 1500, size),
            "turns": chance.integers(1, 9, size),
            "is_error": chance.random(size) < 0.02,
            "is_large": chance.random(size) < 0.4,
        }
    )
    if not pool:
        return frame
    paragraphs, who = pl.Series(pool), frame["who"].to_numpy()

    def drawn() -> pl.Series:
        if own_texts is None:
            return paragraphs.gather(chance.integers(0, len(pool), size))
        return paragraphs.gather((who * own_texts + chance.integers(0, own_texts, size)) % len(pool))

    texts = {
        name: pl.concat_str([drawn() for _ in range(parts)], separator=" ")
        for name, parts in (("prompt", 2), ("response", 3), ("short", 1))
    }
    return frame.with_columns(**texts)


def _paragraphs(chance: np.random.Generator) -> list[str]:
    """Ten thousand paragraphs of 200 characters, of words as rare as in prose."""
    words = _WORDS.split()
    weights = 1 / np.arange(1, len(words) + 1)
    chosen = chance.choice(words, (10_000, 60), p=weights / weights.sum())
    return [" ".join(row)[:199].strip() + "." for row in chosen.tolist()]


def _values() -> dict[str, pl.Expr]:
    """What the markers of a record stand for."""
    who, number = pl.col("who"), pl.col("number")
    account = who.cast(pl.String).str.zfill(7)

    def moment(milliseconds: pl.Expr) -> pl.Expr:
        return pl.from_epoch(milliseconds, "ms").dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")

    def seconds(milliseconds: pl.Expr) -> pl.Expr:
        tail = (milliseconds % 1000).cast(pl.String).str.zfill(3)
        return pl.concat_str((milliseconds // 1000).cast(pl.String), pl.lit("."), tail)

    started = pl.col("ended") - pl.col("latency")
    return {
        "id": pl.concat_str(pl.lit("chatcmpl-"), number.cast(pl.String).str.zfill(12)),
        "account": pl.concat_str(pl.lit("acct-"), account),
        "key": pl.concat_str(pl.lit("key-"), account),
        "plan": pl.when(who % 5 == 0).then(pl.lit("enterprise")).otherwise(pl.lit("pro")),
        "address": pl.concat_str(
            pl.lit("10."), (who // 200 % 200).cast(pl.String), pl.lit("."), (who % 200).cast(pl.String), pl.lit(".7")
        ),
        "agent": pl.concat_str(pl.lit("openai-python/1."), (who % 40).cast(pl.String), pl.lit(".0")),
        "conversation": pl.concat_str(pl.lit("conv-"), (number // 3).cast(pl.String)),
        "start": moment(started),
        "start_seconds": seconds(started),
        "first_seconds": seconds(started + pl.col("waited")),
        "end_seconds": seconds(pl.col("ended")),
        "model": pl.when(pl.col("is_large")).then(pl.lit("large")).otherwise(pl.lit("small")),
        "status": pl.when(pl.col("is_error")).then(429).otherwise(200).cast(pl.String),
        "latency": pl.col("latency").cast(pl.String),
        "waited": pl.col("waited").cast(pl.String),
        "sent": pl.col("sent").cast(pl.String),
        "got": pl.col("got").cast(pl.String),
        "total": (pl.col("sent") + pl.col("got")).cast(pl.String),
        "turns": pl.col("turns").cast(pl.String),
        "prompt": pl.col("prompt"),
        "response": pl.col("response"),
        "short": pl.col("short"),
    }


_NUMBERS = frozenset(
    ("start_seconds", "first_seconds", "end_seconds", "status", "latency", "waited", "sent", "got", "total", "turns")
)


def _lines(template: str) -> pl.Expr:
    """A record as one line: the template with its markers replaced, numbers without their quotes."""
    values, parts, end = _values(), [], 0
    for found in _MARKER.finditer(template):
        name = found.group(1)
        quote = "" if name in _NUMBERS else '"'
        parts += [pl.lit(template[end : found.start()] + quote), values[name], pl.lit(quote)]
        end = found.end()
    return pl.concat_str([*parts, pl.lit(template[end:])])


def _canonical(*, with_text: bool) -> str:
    record: dict[str, Any] = {
        "event_id": "@id@", "time": "@start@", "account_id": "@account@", "plan": "@plan@", "api_key_id": "@key@",
        "conversation_id": "@conversation@", "source_ip": "@address@", "country": "NL", "user_agent": "@agent@",
        "operation": "chat", "provider": "openai", "model_requested": "@model@", "model_served": "@model@",
        "http_status": "@status@", "finish_reason": "stop", "latency_ms": "@latency@", "ttft_ms": "@waited@",
        "input_tokens": "@sent@", "output_tokens": "@got@", "temperature": 0.7, "top_p": 1.0, "max_tokens": 2048,
        "stream": True, "message_count": "@turns@",
    }  # fmt: skip
    if with_text:
        record |= {"prompt": "@short@", "response": "@response@"}
    return json.dumps(record, separators=(",", ":"))


def _payload(kind: str) -> str:
    """A LiteLLM payload as the proxy writes it (12 KB), or without what describes the model and the proxy (2.7 KB)."""
    payload = json.loads((HERE / "litellm_payload.json").read_text())
    if kind == "litellm_real":
        return json.dumps(payload).replace("@prompt@", "@short@").replace("@response@", "@short@")
    for name in ("model_map_information", "hidden_params", "cost_breakdown", "standard_built_in_tools_params"):
        del payload[name]
    kept = ("user_api_key_hash", "user_api_key_team_id", "user_api_key_request_route", "user_agent")
    payload["metadata"] = {name: payload["metadata"][name] for name in kept}
    del payload["response"]["usage"], payload["error_information"]
    return json.dumps(payload)


def main() -> None:
    """Writes one log; run in a process of its own, so that the one that measures stays small."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=(*KINDS, "damage"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--source", type=Path, help="the log to damage; the bad lines go to PATH.bad")
    asked = parser.parse_args()
    if asked.kind == "damage":
        asked.path.with_suffix(".bad").write_text(json.dumps(damage(asked.source, asked.path)))
    else:
        write_log(asked.path, asked.kind, Shape(asked.records, asked.accounts, asked.days))


if __name__ == "__main__":
    main()
