"""The language of each prompt, from its letters and its small words."""

from dataclasses import dataclass
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
_VOTES = 6  # of a word that one language has; it is shared by those that share the word
_LEAST_VOTES = 6

_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64
)
_FIRST_BITS = np.uint64(48)
_BLOCK_ROWS = 4096


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
    names = pl.Series(texts.name, [*_LEXICON.languages, UNDECIDED], dtype=pl.String).gather(codes)
    return names.set(texts.is_null(), None)


@dataclass(frozen=True)
class _Lexicon:
    """Function words as hashes, and who owns them.

    Attributes:
        languages: every language an answer can be.
        hashes: the words' hashes, ascending.
        is_likely: whether any of them begins with given 16 bits.
        votes: what each word is worth to each of its owners.
        offsets: word w is owned by the languages owners[offsets[w]:offsets[w + 1]].
        owners: indexes of languages.
        sole: for each script, the language it names by itself, -1 where words must tell.
        rivals: for each script, which languages share it: shape (scripts, languages).
    """

    languages: tuple[str, ...]
    hashes: U64
    is_likely: npt.NDArray[np.bool_]
    votes: I64
    offsets: I64
    owners: I64
    sole: I64
    rivals: npt.NDArray[np.bool_]


def _lexicon() -> _Lexicon:
    spoken = [(name, words) for shared in STOPWORDS.values() for name, words in shared.items()]
    languages = tuple(dict.fromkeys([*(name for name, _ in spoken), *filter(None, LANGUAGE_OF.values())]))
    owners: dict[int, set[int]] = {}
    for name, words in spoken:
        # Beyond ASCII nothing is folded, so words are known as a sentence begins with them, too.
        forms = pl.Series([form for word in words.split() for form in (word, word.capitalize())])
        for hashed in split(forms, _MULTIPLIERS).hashes.tolist():
            owners.setdefault(hashed, set()).add(languages.index(name))
    hashes = np.array(sorted(owners), dtype=np.uint64)
    counts = np.array([len(owners[hashed]) for hashed in sorted(owners)])
    is_likely = np.zeros(1 << 16, dtype=np.bool_)
    is_likely[hashes >> _FIRST_BITS] = True
    return _Lexicon(
        languages=languages,
        hashes=hashes,
        is_likely=is_likely,
        votes=np.maximum(_VOTES // counts, 1),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        owners=np.array([owner for hashed in sorted(owners) for owner in sorted(owners[hashed])]),
        sole=np.array([languages.index(name) if name else -1 for name in LANGUAGE_OF.values()]),
        rivals=np.array([[name in STOPWORDS.get(script, {}) for name in languages] for script in SCRIPTS]),
    )


_LEXICON = _lexicon()


def _codes(texts: pl.Series) -> I64:
    """Index of each text's language in `_LEXICON.languages`, one beyond for undecided."""
    heads = texts.str.head(LOOK)
    script = _prevailing(script_letters(heads))
    codes = _LEXICON.sole[script]
    open_rows = np.flatnonzero(codes < 0)
    votes = _votes(heads.gather(open_rows))
    votes *= _LEXICON.rivals[script[open_rows]]
    most = votes.max(axis=1, initial=0)
    is_decided = (most >= _LEAST_VOTES) & ((votes == most[:, None]).sum(axis=1) == 1)
    codes[open_rows] = np.where(is_decided, votes.argmax(axis=1), len(_LEXICON.languages))
    return codes


def _prevailing(letters: I64) -> I64:
    """Index of each text's script; Latin where no other has enough letters."""
    script = np.zeros(len(letters), dtype=np.int64)
    mixed = np.flatnonzero(letters[:, 1:].any(axis=1))
    weights = np.array([_SYLLABLE if name in _SYLLABIC else 1 for name in SCRIPTS])
    han, kana = SCRIPTS.index("han"), SCRIPTS.index("kana")
    weighted = letters[mixed] * weights
    is_japanese = (weighted[:, kana] * _HAN_PER_KANA >= weighted[:, han]) & (weighted[:, kana] > 0)
    weighted[:, kana] += np.where(is_japanese, weighted[:, han], 0)
    weighted[is_japanese, han] = 0
    other = weighted[:, 1:].argmax(axis=1) + 1
    is_other = weighted[np.arange(len(mixed)), other] * _LATIN_PER_LETTER > weighted[:, 0]
    script[mixed] = np.where(is_other, other, 0)
    return script


def _votes(texts: pl.Series) -> I64:
    """Votes of each text's words for each language."""
    words = split(texts, _MULTIPLIERS)
    likely = np.flatnonzero(_LEXICON.is_likely[words.hashes >> _FIRST_BITS])
    place = np.searchsorted(_LEXICON.hashes, words.hashes[likely])
    np.minimum(place, len(_LEXICON.hashes) - 1, out=place)
    is_known = _LEXICON.hashes[place] == words.hashes[likely]
    place = place[is_known]
    row = np.repeat(np.arange(len(texts)), np.diff(words.offsets))[likely[is_known]]

    owners = np.diff(_LEXICON.offsets)[place]
    ends = np.cumsum(owners)
    entry = np.arange(owners.sum()) + np.repeat(_LEXICON.offsets[place] - (ends - owners), owners)
    cells = np.repeat(row * len(_LEXICON.languages), owners) + _LEXICON.owners[entry]
    tally = np.zeros(len(texts) * len(_LEXICON.languages), dtype=np.int64)
    np.add.at(tally, cells, np.repeat(_LEXICON.votes[place], owners))
    return tally.reshape(len(texts), len(_LEXICON.languages))
