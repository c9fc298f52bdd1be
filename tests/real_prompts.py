"""The published prompts of the shared data, by name of their collection."""

import gzip
import json
from pathlib import Path
from typing import Any


def _records(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def ordinary_prompts(shared_data: Path) -> dict[str, list[str]]:
    """Benchmark questions and everyday questions: none asks for reasoning, a grade or a system prompt."""
    folder = shared_data / "prompts"
    return {
        "gsm8k": [record["question"] for record in _records(folder / "gsm8k_test.jsonl")],
        "humaneval": [record["prompt"] for record in _records(folder / "humaneval.jsonl.gz")],
        "ifeval": [record["prompt"] for record in _records(folder / "ifeval.jsonl")],
        "mt_bench": [turn for record in _records(folder / "mt_bench_questions.jsonl") for turn in record["turns"]],
        "vicuna": [turn for record in _records(folder / "vicuna_questions.jsonl") for turn in record["turns"]],
    }


def ordinary_responses(shared_data: Path) -> list[str]:
    """Worked solutions and reference answers, as good models give them."""
    folder = shared_data / "prompts"
    references = (record.get("reference", []) for record in _records(folder / "mt_bench_questions.jsonl"))
    return [
        *(record["answer"] for record in _records(folder / "gsm8k_test.jsonl")),
        *(record["canonical_solution"] for record in _records(folder / "humaneval.jsonl.gz")),
        *(reference for each in references for reference in each),
    ]


def judge_prompts(shared_data: Path) -> list[tuple[str, str]]:
    """System prompt and user template of published LLM judges."""
    records = _records(shared_data / "prompts" / "fastchat_judge_prompts.jsonl")
    return [(record["system_prompt"], record["prompt_template"]) for record in records]


def generator_prompts(shared_data: Path) -> dict[str, str]:
    """What a synthetic-data generator sends, by the name of its file."""
    return {
        path.stem: path.read_text(encoding="utf-8") for path in sorted((shared_data / "prompts/airoboros").iterdir())
    }


def functions(shared_data: Path) -> list[str]:
    """Whole functions: the task and its solution."""
    return [
        record["prompt"] + record["canonical_solution"]
        for record in _records(shared_data / "prompts" / "humaneval.jsonl.gz")
    ]


def answers(shared_data: Path) -> dict[str, str]:
    """The published answer of each benchmark question that has one."""
    folder = shared_data / "prompts"
    solved = {record["question"]: record["answer"] for record in _records(folder / "gsm8k_test.jsonl")}
    written = {record["prompt"]: record["canonical_solution"] for record in _records(folder / "humaneval.jsonl.gz")}
    return solved | written


def two_turns(shared_data: Path) -> list[tuple[str, ...]]:
    """Conversations of two questions."""
    return [tuple(record["turns"]) for record in _records(shared_data / "prompts" / "mt_bench_questions.jsonl")]
