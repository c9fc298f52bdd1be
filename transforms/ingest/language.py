"""The language of each prompt, from its letters and its small words."""

from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.ingest.scripts import LANGUAGE_OF, SCRIPTS, script_letters
from transforms.ingest.stopwords import STOPWORDS
from transforms.sketches import split
from transforms.sketches.mix import I64, U64

UNDECIDED: Final = "und"

LOOK = 160
"""Characters read from a prompt's beginning: some twenty-five words."""

_SYLLABIC = ("han", "kana", "hangul")
_SYLLABLE = 3  # letters of an alphabet that a syllable's character stands for
_LATIN_PER_LETTER = 2  # Latin names and code among another script: up to twice its letters do not matter
_HAN_PER_KANA = 10  # a tenth of kana makes Japanese of Han
_VOTES = 4  # of a word that one language has, divided among those that share it; a single letter has one: x, y, it's
_LEAST_VOTES = 4

_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64
)
_FIRST_BITS = np.uint64(48)
_NO_WORD = 2**64 - 1
_BLOCK_ROWS = 1024  # their words, votes and running sums, ten arrays of some hundred KB, stay in the cache


def language(texts: pl.Series) -> pl.Series:
    """The language of each prompt's first 160 characters, as ISO 639-1, or `und` where undecided.

    The prevailing script decides where one language writes it (Greek, Thai, Hangul, ...; Han is Chinese unless kana go
    with it). Languages that share the Latin, Cyrillic, Arabic or Devanagari script are told apart by their function words:
    the one with the most votes, if it has enough and no equal. Short prompts, names, numbers and code stay `und`.

    Args:
        texts: String; null stays null.

    Returns:
        String, named as `texts`. About 1 us a prompt.
    """
    blocks = [_codes(texts.slice(start, _BLOCK_ROWS)) for start in range(0, len(texts), _BLOCK_ROWS)]
    codes = np.concatenate([np.zeros(0, dtype=np.int64), *blocks])
    names = pl.Series(texts.name, [*_lexicon().languages, UNDECIDED], dtype=pl.String).gather(codes)
    return names.set(texts.is_null(), None)


@dataclass(frozen=True)
class _Lexicon:
    """Function words as hashes, and what each is worth to whom.

    Attributes:
        languages: every language an answer can be; those with function words come first.
        hashes: the words' hashes, ascending, two numbers that are none behind them.
        bucket: for the first sixteen bits of a hash, where in `hashes` it would be: there or one further.
        votes: for each word, a byte of votes for each language, eight to an integer; none for the two behind.
        sole: for each script, the language it names by itself, -1 where words must tell.
        rivals: for each script, which languages with function words share it: shape (scripts, 8 * columns of votes).
    """

    languages: tuple[str, ...]
    hashes: U64
    bucket: I64
    votes: U64
    sole: I64
    rivals: npt.NDArray[np.uint8]


@cache  # not at import: whoever imports this room may still want to fork, and Polars starts threads
def _lexicon() -> _Lexicon:
    spoken = [(name, words) for shared in STOPWORDS.values() for name, words in shared.items()]
    languages = tuple(dict.fromkeys([*(name for name, _ in spoken), *filter(None, LANGUAGE_OF.values())]))
    owners: dict[int, set[int]] = {}
    for name, words in spoken:
        # Beyond ASCII nothing is folded, so words are known as a sentence begins with them, too.
        forms = pl.Series([form for word in words.split() for form in (word, word.capitalize())])
        for hashed in split(forms, _MULTIPLIERS).hashes.tolist():
            owners.setdefault(hashed, set()).add(languages.index(name))
    hashes = np.array([*sorted(owners), _NO_WORD, _NO_WORD], dtype=np.uint64)
    bucket = np.searchsorted(hashes, np.arange(1 << 16, dtype=np.uint64) << _FIRST_BITS)
    letters = set(split(pl.Series(list(ascii_lowercase)), _MULTIPLIERS).hashes.tolist())
    votes = np.zeros((len(hashes), -(-len(spoken) // 8) * 8), dtype=np.uint8)
    for row, hashed in enumerate(sorted(owners)):
        votes[row, list(owners[hashed])] = 1 if hashed in letters else max(_VOTES // len(owners[hashed]), 1)
    rivals = np.zeros((len(SCRIPTS), votes.shape[1]), dtype=np.uint8)
    for row, script in enumerate(SCRIPTS):
        rivals[row, [languages.index(name) for name in STOPWORDS.get(script, {})]] = 1
    sole = np.array([languages.index(name) if name else -1 for name in LANGUAGE_OF.values()])
    return _Lexicon(languages, hashes, bucket, votes.view("<u8").astype(np.uint64), sole, rivals)


def _codes(texts: pl.Series) -> I64:
    """Index of each text's language in the lexicon, one beyond for undecided."""
    lexicon = _lexicon()
    heads = texts.str.head(LOOK)
    script = np.zeros(len(heads), dtype=np.int64)
    beyond_ascii = heads.str.len_bytes() != heads.str.len_chars()
    script[beyond_ascii.fill_null(value=False).to_numpy()] = _prevailing(script_letters(heads.filter(beyond_ascii)))
    codes = lexicon.sole[script]
    open_rows = np.flatnonzero(codes < 0)
    votes = _votes(heads.gather(open_rows))
    votes *= lexicon.rivals[script[open_rows]]
    most = votes.max(axis=1, initial=0)
    is_decided = (most >= _LEAST_VOTES) & ((votes == most[:, None]).sum(axis=1) == 1)
    codes[open_rows] = np.where(is_decided, votes.argmax(axis=1), len(lexicon.languages))
    return codes


def _prevailing(letters: I64) -> I64:
    """Index of each text's script; Latin where no other has enough letters."""
    weights = np.array([_SYLLABLE if name in _SYLLABIC else 1 for name in SCRIPTS])
    han, kana = SCRIPTS.index("han"), SCRIPTS.index("kana")
    weighted = letters * weights
    is_japanese = (weighted[:, kana] * _HAN_PER_KANA >= weighted[:, han]) & (weighted[:, kana] > 0)
    weighted[:, kana] += np.where(is_japanese, weighted[:, han], 0)
    weighted[is_japanese, han] = 0
    other = weighted[:, 1:].argmax(axis=1) + 1
    is_other = weighted[np.arange(len(letters)), other] * _LATIN_PER_LETTER > weighted[:, 0]
    return np.where(is_other, other, 0)


def _votes(texts: pl.Series) -> npt.NDArray[np.uint8]:
    """Votes of each text's words for each language with function words: shape (texts, 8 * columns of votes).

    A byte holds the votes of any text of `LOOK` characters: fifty-three words of two letters, four votes each.
    """
    words, lexicon = split(texts, _MULTIPLIERS), _lexicon()
    place = lexicon.bucket[words.hashes >> _FIRST_BITS]
    place += lexicon.hashes[place] < words.hashes
    known = np.flatnonzero(lexicon.hashes[place] == words.hashes)
    running = np.zeros((len(known) + 1, lexicon.votes.shape[1]), dtype=np.uint64)
    for column in range(running.shape[1]):
        np.cumsum(lexicon.votes[place[known], column], out=running[1:, column])
    tally = np.diff(running[np.searchsorted(known, words.offsets)], axis=0)
    return tally.astype("<u8").view(np.uint8).reshape(len(texts), 8 * tally.shape[1])
