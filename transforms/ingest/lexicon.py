"""What prompts ask for and how responses open, as booleans."""

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.ingest.claim import NEGATED, Claim
from transforms.ingest.cleaning import JUDGES_STEPS
from transforms.ingest.eliciting import ELICITS_REASONING
from transforms.ingest.grading import HAS_RUBRIC
from transforms.ingest.opening import LOOKS_REFUSED, REASONING_TAG
from transforms.ingest.prying import ASKS_SYSTEM_PROMPT

LOOK = 1024
"""Characters read at each end of a prompt; one of up to twice as many is read whole."""

OPENING = 240
"""Characters of a response that can open it with a tag or a refusal."""

_OF_PROMPTS = (ELICITS_REASONING, HAS_RUBRIC, JUDGES_STEPS, ASKS_SYSTEM_PROMPT)
_OF_SYSTEMS = (ELICITS_REASONING, HAS_RUBRIC, JUDGES_STEPS)

Mask = npt.NDArray[np.bool_]


def prompt_flags(prompts: pl.Series, systems: pl.Series) -> pl.DataFrame:
    """What each call asks for, in its prompt or its system prompt.

    The first and the last 1,024 characters of each text are read. A request that is negated ("never show your chain of
    thought") is none.

    Args:
        prompts: String, the last user message.
        systems: String, the system prompt of the same calls.

    Returns:
        elicits_reasoning, has_rubric: Boolean, of either text; null where both are null.
        asks_system_prompt: Boolean, of the prompt alone; null where it is null.
        About 2 us a call of 200 characters that claims nothing, 5 to 10 us of one that might.
    """
    elicits, grades, cleans, pries = _claims(prompts, _OF_PROMPTS)
    texts = pl.DataFrame({"text": systems})
    known = texts.unique().drop_nulls()  # few, and sent with every call
    of_system = _claims(known["text"], _OF_SYSTEMS)
    found = known.with_columns(pl.Series("elicits", of_system[0]), pl.Series("grades", of_system[1] | of_system[2]))
    of_systems = texts.join(found, on="text", how="left", maintain_order="left").select(
        pl.exclude("text").fill_null(value=False)
    )
    nothing, no_prompt = prompts.is_null() & systems.is_null(), prompts.is_null()
    return pl.DataFrame(
        [
            (pl.Series("elicits_reasoning", elicits) | of_systems["elicits"]).set(nothing, None),
            (pl.Series("has_rubric", grades | cleans) | of_systems["grades"]).set(nothing, None),
            pl.Series("asks_system_prompt", pries).set(no_prompt, None),
        ]
    )


def response_flags(responses: pl.Series) -> pl.DataFrame:
    """How each response opens, by its first 240 characters.

    Args:
        responses: String; null stays null.

    Returns:
        has_reasoning_tags: Boolean: with an inline reasoning tag.
        looks_refused: Boolean: with a refusal, in one of some twenty languages.
    """
    openings = responses.str.head(OPENING).str.to_lowercase()
    return pl.DataFrame(
        [
            openings.str.contains(_any_of(REASONING_TAG)).alias("has_reasoning_tags"),
            openings.str.contains(_any_of(LOOKS_REFUSED)).alias("looks_refused"),
        ]
    )


@cache
def _any_literal(literals: tuple[str, ...]) -> str:
    """A pattern for any of the literals: the engine makes one automaton of it, and Polars keeps it between calls."""
    return "|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", literal) for literal in literals)


@cache
def _any_of(patterns: tuple[str, ...]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _claims(texts: pl.Series, claims: tuple[Claim, ...]) -> list[Mask]:
    """Whether each text makes each claim; False for null.

    One pass for the literals of all claims decides which texts are searched at all. These are searched by one group of
    patterns after the other: one union of all is several times slower, and Polars keeps only some thirty compiled.
    """
    is_long = (texts.str.len_chars() > 2 * LOOK).fill_null(value=False)
    if is_long.any():
        texts = texts.zip_with(~is_long, texts.str.head(LOOK) + "\n" + texts.str.tail(LOOK))
    lowered = texts.fill_null("").str.to_lowercase()
    anchors = tuple(anchor for claim in claims for anchor in claim.anchors)
    suspects = lowered.str.contains(_any_literal(anchors)).arg_true().to_numpy()
    suspect_texts = lowered.gather(suspects)
    masks = []
    for claim in claims:
        mask = np.zeros(len(texts), dtype=np.bool_)
        mask[suspects[_makes(suspect_texts, claim)]] = True
        masks.append(mask)
    return masks


def _makes(texts: pl.Series, claim: Claim) -> npt.NDArray[np.int64]:
    """Indexes of the texts, in lower case, that make the claim."""
    rows = texts.str.contains(_any_literal(claim.anchors)).arg_true().to_numpy()
    left = texts.gather(rows)
    if claim.is_negatable:
        left = left.str.replace_all(NEGATED, " ")
    found = [rows[:0]]
    for number, group in enumerate(claim.patterns):
        if not len(rows):
            break
        hits = _matched(left, group, claim.narrower.get(number, ()))
        found.append(rows[hits])
        rows, left = rows[~hits], left.filter(~hits)
    return np.sort(np.concatenate(found)).astype(np.int64)


def _matched(texts: pl.Series, group: tuple[str, ...], literals: tuple[str, ...]) -> Mask:
    """Which of the texts, none of them null, a group of patterns matches; those without any of its literals, if it has some, are not searched."""
    if not literals:
        return texts.str.contains(_any_of(group)).to_numpy()
    suspects = texts.str.contains(_any_literal(literals))
    hits = np.zeros(len(texts), dtype=np.bool_)
    if suspects.any():
        hits[suspects.to_numpy()] = texts.filter(suspects).str.contains(_any_of(group)).to_numpy()
    return hits
