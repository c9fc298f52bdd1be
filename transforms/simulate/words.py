"""Sentences: texts of any length in many languages, made of the vocabulary, a pure function of their key."""

from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.simulate.chance import Ints, Keys, mixed, unit
from transforms.simulate.vocabulary import DOMAINS, SYLLABLES, TONGUES

SENTENCE = 11
"""Words of a sentence."""

LANGUAGES = tuple(TONGUES)
"""Languages and `code`, in order."""

SPOKEN = tuple(name for name in LANGUAGES if name != "code")
"""Languages that people speak, in order."""


def made_up(key: int) -> str:
    """A name of three syllables."""
    count = len(SYLLABLES)
    return (SYLLABLES[key % count] + SYLLABLES[key // count % count] + SYLLABLES[key // count**2 % count]).capitalize()


def sentences(keys: Keys, words: Ints, tongue: Ints, domain: Ints) -> pl.Series:
    """Texts of that many words in that language: the same key gives the same text.

    Args:
        keys: what each text is made from.
        words: number of words, at least 1.
        tongue: index into LANGUAGES.
        domain: index into DOMAINS; only English has nouns of its own for each.
    """
    table, ranges = _lexicon()
    row = np.repeat(np.arange(len(keys)), words)
    place = np.arange(len(row)) - np.repeat(np.cumsum(words) - words, words)
    key = mixed(keys[row], place)
    last = place == words[row] - 1
    step = place % SENTENCE
    patterns, lengths = _patterns()
    word_class = patterns[
        tongue[row], np.where(step == 0, 0, 1 + (step - 1 + keys[row].astype(np.int64) % 7) % lengths[tongue[row]])
    ]
    general = (key >> np.uint64(40)) % np.uint64(10) < 3
    word_class = np.where((word_class == _NOUN) & (tongue[row] == 0) & ~general, _DOMAIN + domain[row], word_class)
    start, size = ranges[tongue[row], word_class, 0], ranges[tongue[row], word_class, 1]
    index = start + (unit(mixed(key, 1)) ** 1.3 * size).astype(np.int64)
    stop = ((step == SENTENCE - 1) & ~last).astype(np.int64)
    tokens = table.take(pa.array(index * 3 + np.where(last, 2, stop)))
    ends = np.concatenate([[0], np.cumsum(words)])
    offsets = np.frombuffer(tokens.buffers()[1], dtype=np.int64)[tokens.offset :][ends]
    joined = pa.LargeStringArray.from_buffers(len(keys), pa.py_buffer(offsets.tobytes()), tokens.buffers()[2])
    return pl.Series(joined)


_STARTER, _LINK, _ADJECTIVE, _NOUN, _VERB, _NAME, _DOMAIN = range(7)
_CLASS = {"f": _LINK, "a": _ADJECTIVE, "n": _NOUN, "v": _VERB, "x": _NAME}


@lru_cache(maxsize=1)
def _patterns() -> tuple[Ints, Ints]:
    """Per language the class of a sentence's first word and those that follow in turn; and how many follow."""
    lengths = np.array([len(tongue.pattern) for tongue in TONGUES.values()])
    table = np.zeros((len(TONGUES), 1 + lengths.max()), dtype=np.int64)
    for i, tongue in enumerate(TONGUES.values()):
        table[i, 1 : 1 + len(tongue.pattern)] = [_CLASS[letter] for letter in tongue.pattern]
    return table, lengths


@lru_cache(maxsize=1)
def _lexicon() -> tuple[pa.LargeStringArray, Ints]:
    """Every word three times (inside a sentence, at its end, at the text's end), and where each class lies.

    The second value holds start and size for [language, class].
    """
    written: list[str] = []
    ranges = np.zeros((len(TONGUES), _DOMAIN + len(DOMAINS), 2), dtype=np.int64)
    names = [made_up(number) for number in range(len(SYLLABLES) ** 3)] + [str(number) for number in range(10, 20_000)]
    where_names: dict[tuple[str, str], int] = {}
    count = 0
    for i, tongue in enumerate(TONGUES.values()):
        lists = {_STARTER: tongue.starters, _LINK: tongue.links, _ADJECTIVE: tongue.adjectives, _NOUN: tongue.nouns, _VERB: tongue.verbs}  # fmt: skip
        lists |= {_DOMAIN + number: nouns for number, nouns in enumerate(DOMAINS.values())} if i == 0 else {}
        for word_class, text in lists.items():
            words = text.split()
            ranges[i, word_class] = count, len(words)
            count += len(words)
            written += [form for word in words for form in (word + tongue.joiner, word + tongue.stop, word)]
        ending = (tongue.joiner, tongue.stop)
        if ending not in where_names:
            where_names[ending] = count
            count += len(names)
            written += [form for word in names for form in (word + tongue.joiner, word + tongue.stop, word)]
        ranges[i, _NAME] = where_names[ending], len(names)
    return pa.array(written, pa.large_string()), ranges
