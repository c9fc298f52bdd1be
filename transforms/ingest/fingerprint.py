"""Texts and names as keyed 64-bit fingerprints.

Two kinds. *Digests* are keyed BLAKE2b over the exact bytes: equal texts, equal digests, and nothing can be learnt from
them without the key. *Template keys* are equal where parts of two prompts are equal, which is what links the calls of
one template; they are keyed sums of word hashes, fast and not cryptographic. Their algorithm is versioned by
`transforms.ingest.key.ALGORITHM`.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

from schemas.event import EVENT
from transforms.ingest.key import FingerprintKey
from transforms.ingest.passages import passage_keys
from transforms.sketches import Words, combine, minhash, split
from transforms.sketches.mix import I64, U64

WINDOW = 512
"""Characters read at each end of a prompt for its template keys; a prompt of up to twice as many is read whole."""

EDGE_WORDS = 8
LINE_WORDS = 4
LINE_LOOK = 16
LINES_AT_EACH_END = 2

PROMPT_COLUMNS = ("prompt_digest", "prompt_chars", "head_key", "tail_key", "line_keys", "passage_keys", "shingle_keys")
_PROMPT_KEYS = pl.Schema({name: EVENT.polars[name] for name in PROMPT_COLUMNS})

_LEAST_REPETITION = 2  # looking a text up costs a third of digesting it
_BLOCK_ROWS = 4096
_BLOCK_BYTES = 1 << 19  # of text read at a time: its words and their hashes, ten arrays of it, stay in the cache


def text_digest(texts: pl.Series, key: FingerprintKey, purpose: str) -> pl.Series:
    """The exact, keyed, cryptographic digest of each text: 8 bytes of keyed BLAKE2b, as a signed little-endian integer.

    Args:
        texts: String or Binary; null stays null, an empty text has a digest.
        key: the deployment's key.
        purpose: digests of one text under two purposes have nothing in common.

    Returns:
        Int64, named as `texts`. About 0.5 us a text of 200 bytes, 1 ns a byte beyond.
    """
    blank = hashlib.blake2b(key=key.derive(purpose), digest_size=8)
    digests = []
    for text in texts.cast(pl.Binary).drop_nulls().to_list():
        digest = blank.copy()
        digest.update(text)
        digests.append(digest.digest())
    present = np.flatnonzero(texts.is_not_null().to_numpy())
    return _scatter(texts.name, len(texts), present, np.frombuffer(b"".join(digests), dtype="<i8"))


def token(values: pl.Series, key: FingerprintKey, purpose: str) -> pl.Series:
    """The keyed fingerprint of each name (handle, end user, conversation, tool schema): its `text_digest`."""
    return repeated_digest(values, key, purpose)


def repeated_digest(texts: pl.Series, key: FingerprintKey, purpose: str) -> pl.Series:
    """The `text_digest` of texts that mostly repeat each other, a conversation's id or a system prompt: each is digested once.

    Args:
        texts: String; null stays null.
        key: the deployment's key.
        purpose: as of `text_digest`.

    Returns:
        Int64, named as `texts`. About 0.15 us a text that was there before.
    """
    different = texts.unique()
    if len(different) * _LEAST_REPETITION > len(texts):
        return text_digest(texts, key, purpose)
    digests = pl.DataFrame({"text": different, "digest": text_digest(different, key, purpose)})
    found = texts.alias("text").to_frame().join(digests, on="text", how="left", maintain_order="left")
    return found["digest"].alias(texts.name)


def account_hash(ids: pl.Series) -> pl.Series:
    """xxh3-64 of each account id's UTF-8, as a signed integer; not keyed: it orders files and makes account groups.

    Returns:
        Int64, named as `ids`; null stays null.

    >>> account_hash(pl.Series([""])).to_list()
    [3244421341483603138]
    """
    return ids.to_frame().select(plh.col(ids.name).nchash.xxh3_64().reinterpret(signed=True)).to_series()


def prompt_keys(texts: pl.Series, key: FingerprintKey) -> pl.DataFrame:
    """The digest, the length, the four kinds of template key and the passages of each prompt, as the event contract names them.

    Template keys and passages are read in two windows, the prompt's first 512 and last 512 characters, or in the whole prompt where
    it has at most 1,024. Words are those of `transforms.sketches.split`.

    Args:
        texts: String; null stays null in every column.
        key: the deployment's key.

    Returns:
        prompt_digest: Int64, the exact digest of the whole prompt.
        prompt_chars: Int64, its length in characters.
        head_key, tail_key: Int64, of the first and of the last eight words; null where a window has fewer.
        line_keys: List(Int64), distinct keys of up to four lines of at least four words, the first two and the last two,
            in that order; a line counts by its first sixteen words, and one that a window cuts is left out unless these
            are whole. Null where no such line is or the windows hold no two lines with words.
        passage_keys: List(Int64), as of `transforms.ingest.passages`; null where there are none.
        shingle_keys: List(Int64), up to sixteen minhash slots of three-word shingles, by slot; null below three words.
    """
    if texts.null_count() == len(texts):
        return pl.DataFrame(schema=_PROMPT_KEYS).clear(len(texts))
    size = int(texts.str.len_bytes().clip(upper_bound=2 * WINDOW).cast(pl.Int64).sum())
    rows = min(max(_BLOCK_BYTES * len(texts) // max(size, 1), 1), _BLOCK_ROWS)
    blocks = [_template_keys(texts.slice(start, rows), key) for start in range(0, max(len(texts), 1), rows)]
    exact = pl.DataFrame(
        [
            text_digest(texts, key, "prompt").rename("prompt_digest"),
            texts.str.len_chars().cast(pl.Int64).rename("prompt_chars"),
        ]
    )
    return (
        pl.concat([exact, pl.concat(blocks, rechunk=True)], how="horizontal").select(PROMPT_COLUMNS).cast(_PROMPT_KEYS)
    )


def _template_keys(texts: pl.Series, key: FingerprintKey) -> pl.DataFrame:
    rows = len(texts)
    is_long = (texts.str.len_chars() > 2 * WINDOW).fill_null(value=False)
    long_rows = np.flatnonzero(is_long.to_numpy())
    first = texts.zip_with(~is_long, texts.str.head(WINDOW)) if len(long_rows) else texts
    last = texts.filter(is_long).str.tail(WINDOW)

    words = split(pl.concat([first.alias("text"), last.alias("text")]), key.multipliers("words", 4))
    groups = np.concatenate([np.arange(rows), long_rows])
    tails = np.arange(rows)
    tails[long_rows] = rows + np.arange(len(long_rows))
    shingle_offsets, shingles = minhash(words, groups, rows, key.multipliers("shingles", 4))
    line_offsets, lines = _line_keys(words, groups, tails, key.multipliers("lines", LINE_LOOK + 1))
    passage_offsets, passages = passage_keys(words, groups, tails, key)
    edges = key.multipliers("edges", EDGE_WORDS + 1)
    return pl.DataFrame(
        [
            _edge_keys("head_key", words, words.offsets[:rows], np.arange(rows), edges),
            _edge_keys("tail_key", words, words.offsets[tails + 1] - EDGE_WORDS, tails, edges),
            _lists("line_keys", line_offsets, lines),
            _lists("passage_keys", passage_offsets, passages),
            _lists("shingle_keys", shingle_offsets, shingles),
        ]
    )


def _edge_keys(name: str, words: Words, begins: I64, segments: I64, multipliers: U64) -> pl.Series:
    """Keys of eight words from `begins` in each segment; null where the segment has fewer."""
    enough = np.flatnonzero(np.diff(words.offsets)[segments] >= EDGE_WORDS)
    run = words.hashes[begins[enough, None] + np.arange(EDGE_WORDS)]
    return _scatter(name, len(segments), enough, combine(run, multipliers).view(np.int64))


def _line_keys(words: Words, groups: I64, tails: I64, multipliers: U64) -> tuple[I64, I64]:
    """Offsets and keys of each row's telling lines; a row's windows are the segments `row` and `tails[row]`."""
    rows, lines = len(tails), words.lines
    group = groups[lines.segment]
    is_back = lines.segment == tails[group]
    is_front = lines.segment < rows
    ends, begins = _run_edges(lines.segment)
    is_whole = (~ends | is_back | (lines.words >= LINE_LOOK)) & (~begins | is_front)
    has_words = np.bincount(lines.segment[lines.words > 0], minlength=len(groups))
    is_several = np.bincount(groups, weights=has_words > 1, minlength=rows) > 0

    telling = np.flatnonzero(is_whole & is_several[group] & (lines.words >= LINE_WORDS))
    segment = lines.segment[telling]
    from_start = np.arange(len(telling)) - np.searchsorted(segment, segment)
    from_end = np.searchsorted(segment, segment, side="right") - 1 - np.arange(len(telling))
    near_start = is_front[telling] & (from_start < LINES_AT_EACH_END)
    near_end = is_back[telling] & (from_end < LINES_AT_EACH_END)
    chosen = telling[near_start | near_end]
    chosen = chosen[np.argsort(group[chosen], kind="stable")]

    look = np.arange(LINE_LOOK)
    hashes = words.hashes[np.minimum(lines.first[chosen, None] + look, len(words.hashes) - 1)]
    hashes[look >= lines.words[chosen, None]] = 0
    keys, group = combine(hashes, multipliers), group[chosen]
    fresh = np.ones(len(keys), dtype=np.bool_)
    for back in range(1, 2 * LINES_AT_EACH_END):
        fresh[back:] &= (keys[back:] != keys[:-back]) | (group[back:] != group[:-back])
    offsets = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(group[fresh], minlength=rows), out=offsets[1:])
    return offsets, keys[fresh].view(np.int64)


def _run_edges(ids: I64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each of ascending ids is the last, and the first, of its run."""
    changes = ids[1:] != ids[:-1]
    edge = np.ones(min(len(ids), 1), dtype=np.bool_)
    return np.concatenate([changes, edge]), np.concatenate([edge, changes])


def _scatter(name: str, rows: int, present: I64, values: I64) -> pl.Series:
    """An Int64 column with `values` at the rows `present` and null elsewhere."""
    column = np.zeros(rows, dtype=np.int64)
    column[present] = values
    is_null = np.ones(rows, dtype=np.bool_)
    is_null[present] = False
    return pl.Series(name, pl.from_arrow(pa.array(column, mask=is_null)))


def _lists(name: str, offsets: I64, values: I64) -> pl.Series:
    """A List(Int64) column; an empty list becomes null."""
    is_null = np.diff(offsets) == 0
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values), mask=pa.array(is_null))
    return pl.Series(name, pl.from_arrow(lists))
