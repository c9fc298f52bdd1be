"""Prompts, system prompts and answers, composed from words and instructions; equal payload numbers are equal texts."""

import numpy as np
import polars as pl

from transforms.simulate.calls import Calls, numbers
from transforms.simulate.chance import Flags, Ints, mixed, unit
from transforms.simulate.instructions import instruction, instructions, paraphrased, standing
from transforms.simulate.phrases import REFUSALS, STEPS, TAGS
from transforms.simulate.vocabulary import DOMAINS
from transforms.simulate.words import LANGUAGES, SPOKEN, sentences


def texts(calls: Calls, outcome: pl.DataFrame, quoted: pl.Series, longest: int) -> pl.DataFrame:
    """system, prompt and response of each call; null where the operation or the outcome has none.

    Args:
        calls: the calls.
        outcome: their http_status, operation, refused and output_tokens.
        quoted: what they bring in place of a payload of their own, null where nothing.
        longest: words at which a payload or an answer is cut.
    """
    spoken = (outcome["operation"] != "download").to_numpy()
    chats = spoken & (outcome["operation"] != "embedding").to_numpy()
    payload, tongue, domain = _payloads(calls, longest)
    payload = quoted.zip_with(quoted.is_not_null(), payload)
    opening, closing = instructions(calls)
    carries = (calls.names("layout") != "none").to_numpy() & calls.chance.happens("templated", calls.of("templated"))
    curious = ~carries & calls.chance.happens("curious", calls.of("curious"))
    question = pl.Series([" ".join(instruction("leak", number)) for number in range(40)])
    asks = ~carries & ~curious & calls.chance.happens("steps", calls.of("asks_steps"))
    steps = pl.Series(STEPS).gather(calls.chance.below("which steps", len(STEPS)))
    break_ = pl.Series(["\n\n", "\n", " ", "\n###\n"]).gather(
        (mixed(calls.seed, "break", calls.activity) % np.uint64(4)).astype(np.int64)
    )
    frame = pl.DataFrame(
        {
            "payload": payload,
            "opening": opening,
            "closing": closing,
            "break": break_,
            "steps": steps,
            "layout": pl.select(pl.when(pl.lit(pl.Series(carries))).then(pl.lit(calls.names("layout"))).otherwise(pl.lit("none")).alias("layout"))["layout"],
            "asks": asks,
            "curious": curious,
            "question": question.gather(calls.chance.below("question", 40)),
            "spoken": spoken,
            "chats": chats,
            "standing": standing(calls),
        }
    )  # fmt: skip
    whole = pl.concat_str("opening", pl.lit(" "), "closing")
    plain = (
        pl.when("curious")
        .then("question")
        .when("asks")
        .then(pl.concat_str("payload", pl.lit(" "), "steps"))
        .otherwise(pl.col("payload"))
    )
    layout = pl.col("layout")
    written = frame.select(
        system=pl.when("chats").then(pl.when(layout == "system").then(whole).otherwise(pl.col("standing"))),
        prompt=pl.when("spoken").then(
            pl.when(layout == "prefix")
            .then(pl.concat_str(whole, "break", "payload"))
            .when(layout == "suffix")
            .then(pl.concat_str("payload", "break", whole))
            .when(layout == "wrap")
            .then(pl.concat_str("opening", "break", "payload", "break", "closing"))
            .otherwise(plain)
        ),
    )
    return written.with_columns(response=_responses(calls, outcome, chats, tongue, domain, longest))


def answers(calls: Calls, longest: int) -> pl.Series:
    """The response of each call, null where it was not answered; as `texts` gives it."""
    outcome = numbers(calls)
    _, tongue, domain = _payloads(calls, longest)
    chats = outcome["operation"].is_in(["chat", "completion"]).to_numpy()
    return _responses(calls, outcome, chats, tongue, domain, longest)


def _payloads(calls: Calls, longest: int) -> tuple[pl.Series, Ints, Ints]:
    """The varying part of each prompt, its language (index into LANGUAGES) and field of knowledge."""
    pool = calls.of("payloads")
    common = mixed(calls.seed, "payload", calls.of("payload_set"), calls.payload)
    own = calls.chance.key("own payload")
    key = np.where(pool > 0, common, own)
    canary = calls.chance.happens("canary", calls.of("canaries"))
    key = np.where(canary, mixed(calls.seed, "canary", calls.of("fingerprint"), calls.chance.below("canary", 3)), key)
    first = calls.names("language").replace_strict({name: i for i, name in enumerate(LANGUAGES)}, return_dtype=pl.Int64)
    another = mixed(key, "another", 1) % np.maximum(calls.of("languages") - 1, 1).astype(np.uint64)
    spread = (first.to_numpy() + 1 + another.astype(np.int64)) % len(SPOKEN)
    foreign = (unit(mixed(key, "foreign")) < calls.of("foreign")) & (calls.of("languages") > 1)
    tongue = np.where(foreign, spread, first.to_numpy())
    domain = (calls.of("domain") + (mixed(key, "domain") % np.maximum(calls.of("domains"), 1).astype(np.uint64)).astype(np.int64)) % len(DOMAINS)  # fmt: skip
    spread_of_lengths = np.exp(0.5 * (unit(mixed(key, "words")) * 2 - 1) * 1.7)
    words = np.clip(calls.of("words") * spread_of_lengths, 3, longest).astype(np.int64)
    written = sentences(key, words, tongue, domain)
    moved = np.flatnonzero(calls.of("perturbed") > 0)
    if len(moved):
        keys, rate = calls.chance.key("perturbed")[moved], calls.of("perturbed")[moved]
        written = written.scatter(moved, paraphrased(written.gather(moved), keys, rate, at_least_one=True))
    return written, tongue, domain


def _responses(
    calls: Calls, outcome: pl.DataFrame, chats: Flags, tongue: Ints, domain: Ints, longest: int
) -> pl.Series:
    chance = calls.chance
    tokens = outcome["output_tokens"].fill_null(0).to_numpy()
    words = np.clip(tokens * 0.7, 1, max(longest // 2, 8)).astype(np.int64)
    prose = sentences(chance.key("answer"), words, tongue, domain)
    short = calls.names("voice").is_in(["rubric", "eval", "label"]).to_numpy() & (tokens < 64)
    mark = pl.Series([f'{{"score": {n}}}' for n in range(11)] + [str(n) for n in range(1, 11)] + list("ABCD"))
    tag = pl.Series(TAGS).gather((mixed(calls.seed, "tag", calls.activity) % np.uint64(len(TAGS))).astype(np.int64))
    frame = pl.DataFrame(
        {
            "prose": prose,
            "mark": mark.gather(chance.below("mark", len(mark))),
            "refusal": pl.Series(REFUSALS).gather(chance.below("refusal text", len(REFUSALS))),
            "tag": tag,
            "answered": chats & (outcome["http_status"] == 200).to_numpy(),
            "refused": outcome["refused"].fill_null(value=False),
            "short": short,
            "tagged": chance.happens("tags", calls.of("tags")),
        }
    )
    return frame.select(
        pl.when("answered").then(
            pl.when("refused")
            .then("refusal")
            .when("short")
            .then("mark")
            .when("tagged")
            .then(pl.concat_str("tag", pl.lit("\n"), "prose"))
            .otherwise("prose")
        )
    ).to_series()
