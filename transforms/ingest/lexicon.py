"""What prompts ask for and how responses open, as booleans."""

import polars as pl

from transforms.ingest.phrases import (
    ASKS_SYSTEM_PROMPT,
    ELICITS_REASONING,
    HAS_RUBRIC,
    LOOKS_REFUSED,
    NEGATED,
    REASONING_TAG,
)

LOOK = 2048
"""Characters read at each end of a prompt; one of up to twice as many is read whole."""

OPENING = 240
"""Characters of a response that can open it with a tag or a refusal."""


def _any_of(patterns: tuple[str, ...]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def prompt_flags(prompts: pl.Series, systems: pl.Series) -> pl.DataFrame:
    """What each call asks for, in its prompt or its system prompt.

    Args:
        prompts: String, the last user message.
        systems: String, the system prompt of the same calls.

    Returns:
        elicits_reasoning, has_rubric: Boolean, of either text; null where both are null.
        asks_system_prompt: Boolean, of the prompt alone; null where it is null.
    """
    user, system = _read(prompts), _read(systems)
    asked, told = (texts.str.replace_all(NEGATED, " ") for texts in (user, system))
    return pl.DataFrame(
        [
            _either(asked, told, ELICITS_REASONING).alias("elicits_reasoning"),
            _either(user, system, HAS_RUBRIC).alias("has_rubric"),
            asked.str.contains(_any_of(ASKS_SYSTEM_PROMPT)).alias("asks_system_prompt"),
        ]
    )


def response_flags(responses: pl.Series) -> pl.DataFrame:
    """How each response opens.

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


def _read(texts: pl.Series) -> pl.Series:
    is_long = texts.str.len_chars() > 2 * LOOK
    ends = texts.str.head(LOOK) + "\n" + texts.str.tail(LOOK)
    return texts.zip_with(~is_long, ends).str.to_lowercase()


def _either(prompts: pl.Series, systems: pl.Series, patterns: tuple[str, ...]) -> pl.Series:
    pattern = _any_of(patterns)
    return prompts.str.contains(pattern) | systems.str.contains(pattern)
