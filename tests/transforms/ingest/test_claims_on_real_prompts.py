from pathlib import Path

import polars as pl

import real_prompts
from transforms.ingest.language import language
from transforms.ingest.lexicon import prompt_flags, response_flags


def flags(prompts: list[str], systems: list[str] | None = None) -> pl.DataFrame:
    return prompt_flags(pl.Series(prompts), pl.Series(systems or [None] * len(prompts), dtype=pl.String))


def test_ordinary_prompts_hardly_ever_make_a_claim(shared_data: Path) -> None:
    prompts = [prompt for each in real_prompts.ordinary_prompts(shared_data).values() for prompt in each]
    counts = flags(prompts).sum().row(0, named=True)
    assert len(prompts) > 2000
    assert counts["elicits_reasoning"] == 0
    assert counts["asks_system_prompt"] == 0
    assert counts["has_rubric"] <= 1  # mt_bench 137 asks for ratings out of 10, in JSON


def test_ordinary_responses_are_neither_tagged_nor_refused(shared_data: Path) -> None:
    responses = real_prompts.ordinary_responses(shared_data)
    assert len(responses) > 1500
    assert response_flags(pl.Series(responses)).sum().row(0) == (0, 0)


def test_every_published_judge_asks_for_a_grade(shared_data: Path) -> None:
    systems, prompts = zip(*real_prompts.judge_prompts(shared_data), strict=True)
    found = flags(list(prompts), list(systems))
    assert found["has_rubric"].all()
    assert not found["elicits_reasoning"].any()


def test_a_generators_prompts_claim_what_they_ask_for(shared_data: Path) -> None:
    prompts = real_prompts.generator_prompts(shared_data)
    found = flags(list(prompts.values())).with_columns(name=pl.Series(list(prompts)))
    assert found.filter("elicits_reasoning")["name"].to_list() == ["cot", "cot_response"]
    assert found.filter("has_rubric")["name"].to_list() == ["filter"]
    assert not found["asks_system_prompt"].any()


def test_ordinary_english_prompts_are_english_or_undecided(shared_data: Path) -> None:
    prompts = real_prompts.ordinary_prompts(shared_data)
    for name in ("gsm8k", "vicuna", "mt_bench"):
        found = language(pl.Series(prompts[name]))
        assert (found == "en").mean() > 0.97
        assert found.is_in(["en", "und"]).mean() > 0.98
