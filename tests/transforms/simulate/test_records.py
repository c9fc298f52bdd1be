"""What the archetypes leave in the log is what the threat model says they leave."""

from typing import Any

import polars as pl
import pytest

from transforms.simulate import Options, World, simulate


def calls_of(archetype: str, attackers: int = 4, **options: Any) -> pl.DataFrame:
    """Calls of pure attackers of one archetype, for a day."""
    chosen = {"days": 1, "attack_share": 1.0, "paraphrase": 0.0, "loud_cap": 600.0, "words": 12} | options
    return simulate(Options(accounts=0, attackers=attackers, archetypes=(archetype,), **chosen)).events


def per_account(frame: pl.DataFrame, **values: pl.Expr) -> pl.DataFrame:
    return frame.group_by("account_id").agg(**values)


def commonest_endings(frame: pl.DataFrame) -> pl.Series:
    """How often each account used its commonest last 25 characters."""
    endings = frame.drop_nulls("prompt").group_by("account_id", pl.col("prompt").str.slice(-25)).len()
    return endings.group_by("account_id").agg(pl.col("len").max())["len"]


def test_a_logit_sweep_walks_through_the_vocabulary() -> None:
    swept = calls_of("T-LOGIT", attackers=12).drop_nulls("logit_bias_tokens")
    tokens = pl.col("logit_bias_tokens").list.explode()
    swept_by = per_account(swept, distinct=tokens.n_unique(), biased=tokens.len().clip(upper_bound=100_000))
    assert swept_by.height >= 6
    assert (swept_by["distinct"] >= 0.9 * swept_by["biased"]).all()
    assert set(swept["max_tokens"]) == {1}


def test_an_application_biases_the_same_few_tokens(world: World) -> None:
    honest = simulate(Options(days=1, accounts=400, words=0)).events.drop_nulls("logit_bias_tokens")
    assert honest.height > 0
    assert per_account(honest, tokens=pl.col("logit_bias_tokens").list.explode().n_unique())["tokens"].max() <= 20


def test_harvested_payloads_never_repeat() -> None:
    bulk = calls_of("T-BULK").drop_nulls("prompt")
    assert bulk["prompt"].n_unique() > 0.98 * bulk.height


def test_an_evaluation_sends_the_same_questions_to_two_models() -> None:
    world = simulate(Options(accounts=0, lookalikes=5, days=2, loud_cap=4_000.0, words=12))
    evaluation = world.truth.filter(pl.col("archetype") == "B-EVAL").select("account_id")
    asked = world.events.join(evaluation, on="account_id").drop_nulls("prompt")
    repeated = asked.group_by("account_id", "prompt").agg(models=pl.col("model_requested").n_unique(), times=pl.len())
    again = repeated.filter(pl.col("times") > 1)
    assert again["times"].sum() > 0.75 * repeated["times"].sum()
    assert (again["models"] > 1).mean() > 0.9  # type: ignore[operator]


def test_a_bypass_search_is_mostly_refused_and_varied_around_few_payloads() -> None:
    probe = calls_of("T-PROBE")
    answered = probe.filter(pl.col("http_status") == 200)
    assert answered["refused"].mean() > 0.55  # type: ignore[operator]
    assert answered["prompt"].n_unique() > 0.9 * answered.height


def test_grading_reads_much_and_writes_little() -> None:
    graded = calls_of("T-GRADE").drop_nulls("output_tokens")
    assert graded["output_tokens"].sum() < 0.05 * graded["input_tokens"].sum()


def test_reasoning_traces_are_long() -> None:
    assert calls_of("T-COT")["output_tokens"].median() > 700  # type: ignore[operator]


def test_stored_conversations_arrive_in_many_languages_with_their_history() -> None:
    replayed = calls_of("T-REPLAY").filter(pl.col("http_status") == 200)
    assert replayed["message_count"].median() >= 8  # type: ignore[operator]
    assert replayed["prompt"].str.contains(r"\p{Han}").any()
    assert replayed["prompt"].str.contains(r"\p{Cyrillic}").any()
    assert replayed["prompt"].str.contains(r"\p{Hangul}").any()


def test_an_enumeration_follows_the_numbers_of_the_objects() -> None:
    walked = calls_of("T-WALK").sort("account_id", "time")
    number = pl.col("object").str.extract(r"(\d+)").cast(pl.Int64)
    steps = walked.select(step=number.diff().over("account_id"))["step"]
    assert (steps == 1).mean() > 0.3  # type: ignore[operator]


def test_an_embedding_thief_passes_over_its_corpus_once() -> None:
    embedded = calls_of("T-EMB")
    assert set(embedded["operation"]) == {"embedding"}
    assert embedded["prompt"].n_unique() == embedded.height
    assert embedded["output_tokens"].max() == 0


def test_replayed_handles_were_given_to_another_account_before() -> None:
    calls = calls_of("T-SIG", attackers=3)
    issued = calls.select("account_id", "time", handle="reasoning_issued").explode("handle").drop_nulls("handle")
    used = calls.select("account_id", "time", handle="reasoning_used").explode("handle").drop_nulls("handle")
    joined = used.join(issued, on="handle", suffix="_issued")
    foreign = joined.filter(pl.col("account_id") != pl.col("account_id_issued"))
    assert foreign.height > 20
    assert (foreign["time"] > foreign["time_issued"]).all()


def test_honest_accounts_redeem_at_most_two_handles_of_others() -> None:
    world = simulate(Options(days=2, accounts=300, lookalikes=10, loud_cap=400.0, words=0))
    issued = world.events.select("account_id", handle="reasoning_issued").explode("handle").drop_nulls("handle")
    used = world.events.select("account_id", handle="reasoning_used").explode("handle").drop_nulls("handle")
    assert used.height > 100
    foreign = used.join(issued, on="handle", suffix="_issued").filter(
        pl.col("account_id") != pl.col("account_id_issued")
    )
    assert foreign.group_by("account_id").len()["len"].max() <= 2  # type: ignore[operator]


def test_an_unparaphrased_instruction_stands_in_every_prompt() -> None:
    fixed = commonest_endings(calls_of("T-BULK", attackers=8, paraphrase=0.0))
    assert (fixed > 25).sum() >= 2  # instructions stand last in about two of five


def test_a_paraphrase_rate_of_four_fifths_leaves_no_common_wording() -> None:
    assert commonest_endings(calls_of("T-BULK", attackers=8, paraphrase=0.8)).max() < 25  # type: ignore[operator]


def test_a_world_without_text_has_none() -> None:
    silent = simulate(Options(days=1, accounts=20, words=0)).events
    assert silent.select("system", "prompt", "response").null_count().row(0) == (silent.height,) * 3


def test_failed_calls_have_neither_answer_nor_tokens(marked: pl.DataFrame) -> None:
    failed = marked.filter(pl.col("http_status") != 200)
    assert failed.height > 20
    for column in ("response", "output_tokens", "finish_reason", "reasoning_issued", "model_served", "cost_usd"):
        assert failed[column].null_count() == failed.height, column


def test_an_output_at_its_limit_is_cut(marked: pl.DataFrame) -> None:
    cut = marked.filter(pl.col("finish_reason") == "length")
    assert cut.height > 20
    assert (cut["output_tokens"] == cut["max_tokens"].fill_null(16_000)).all()


@pytest.mark.parametrize("archetype", ["B-CI", "B-GATE"])
def test_look_alikes_come_from_many_places_or_users(archetype: str, marked: pl.DataFrame) -> None:
    calls = marked.filter(pl.col("archetype") == archetype)
    wide = per_account(calls, networks=pl.col("source_ip").n_unique(), users=pl.col("end_user_id").n_unique())
    assert wide.select(pl.max_horizontal("networks", "users").max()).item() > 20


def test_heads_of_a_pool_share_a_fingerprint_that_nobody_else_has(marked: pl.DataFrame) -> None:
    heads = marked.filter(pl.col("archetype") == "T-HYDRA")
    prints = heads["client_fingerprint"].unique()
    assert (heads["account_id"].n_unique() >= 5, len(prints) <= 3) == (True, True)
    assert marked.filter(pl.col("archetype") != "T-HYDRA")["client_fingerprint"].is_in(prints.implode()).sum() == 0
