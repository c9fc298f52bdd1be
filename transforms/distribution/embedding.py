"""Random Fourier features of calls, in integers: every number a cosine or sine of a random phase, 127 for 1.

A kernel is the expectation of cos(phase(x) - phase(y)) over the draws: 1 for equal calls, falling with distance in what is
ordered (a length: Gaussian frequencies, Rahimi & Recht 2007) and at once with a difference in what is not (a key, a
language). Phases are whole 256ths of a turn, drawn from a fixed mixing of integers, so that every machine adds up the
same numbers. What a call does not have adds no phase: it pulls neither way.
"""

import zlib

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.embedding import EMBEDDING, MAPS, UNIT, WAVES
from transforms.sketches.grouping import starts_of
from transforms.sketches.mix import I64, mix

U8 = npt.NDArray[np.uint8]
I8 = npt.NDArray[np.int8]

TURN = 256
_BANDS = 48
"""Half octaves: up to 2**24 tokens."""

_EDGES = np.unique(np.ceil(2.0 ** (np.arange(1, _BANDS) / 2.0)).astype(np.int64))
_OPERATIONS = {"chat": 0, "completion": 0, "embedding": 1, "download": 2, "other": 3}
_KEY_ROWS = 1024
_LANGUAGES = 64
"""The first is for calls without one."""

_LENGTHS = 24
_TURNS = 8
_FLAGS = 192

# Widths in radians: how fast similarity falls. Two lengths a factor of four apart are unlike (2 octaves x 0.67 = 1.3), one
# claim more or less is a third of likeness (exp(-1/2) = 0.6); keys are six, and any three shared make a template.
_TOKEN_OCTAVE, _OPERATION, _KEY, _FLAG, _LANGUAGE, _CHARACTER_OCTAVE, _TURN_OCTAVE = 0.67, 1.5, 0.6, 1.0, 0.7, 0.4, 0.3

_CIRCLE = np.stack(
    [np.rint(UNIT * np.cos(2 * np.pi * np.arange(TURN) / TURN)), np.rint(UNIT * np.sin(2 * np.pi * np.arange(TURN) / TURN))]
).astype(np.int8)  # fmt: skip


def _normal(seed: int, rows: int) -> npt.NDArray[np.float64]:
    """Numbers as good as normal, of mean 0 and variance 1: twelve uniforms less six, from whole numbers."""
    first = np.uint64(zlib.crc32(f"stillwatch/embedding/1/{seed}".encode())) << np.uint64(32)
    words = mix(first + np.arange(rows * WAVES * 3, dtype=np.uint64)).reshape(rows, WAVES, 3)
    shifts = np.array([0, 16, 32, 48], dtype=np.uint64)
    uniforms = ((words[..., None] >> shifts) & np.uint64(0xFFFF)).reshape(rows, WAVES, 12)
    return np.asarray(uniforms.astype(np.int64).sum(axis=2) / 65_536.0 - 6.0)


def _phases(radians: npt.NDArray[np.float64]) -> U8:
    return (np.rint(radians * TURN / (2 * np.pi)).astype(np.int64) % TURN).astype(np.uint8)


def _circles(phases: U8) -> I8:
    """Cosines, then sines."""
    return np.concatenate([_CIRCLE[0][phases], _CIRCLE[1][phases]], axis=1)


def _token_table() -> I8:
    octave = np.arange(_BANDS)[:, None] / 2.0 * _TOKEN_OCTAVE
    sent, made, operation = octave * _normal(1, 1), octave * _normal(2, 1), _OPERATION * _normal(3, 4)
    radians = sent[:, None, None] + made[None, :, None] + operation[None, None]
    return _circles(_phases(radians.reshape(-1, WAVES)))


def _manner_tables() -> tuple[U8, U8]:
    flags, values = _FLAG * _normal(5, 8), np.arange(_FLAGS)
    radians = np.zeros((_FLAGS, WAVES))
    for place in range(6):
        radians += ((values >> place) & 1)[:, None] * flags[place]
    temperature = values >> 6
    radians += (temperature == 1)[:, None] * flags[6] + (temperature == 2)[:, None] * flags[7]
    turns = _TURN_OCTAVE * np.arange(_TURNS)[:, None] * _normal(6, 1)
    language = _LANGUAGE * _normal(7, _LANGUAGES) * (np.arange(_LANGUAGES) > 0)[:, None]
    lengths = _CHARACTER_OCTAVE * np.arange(_LENGTHS)[:, None] * _normal(8, 1)
    claims = (radians[:, None] + turns[None]).reshape(-1, WAVES)
    return _phases(claims), _phases((language[:, None] + lengths[None]).reshape(-1, WAVES))


_TOKENS = _token_table()
_KEYS = np.concatenate([_phases(_KEY * _normal(4, _KEY_ROWS)), np.zeros((1, WAVES), dtype=np.uint8)])
_CLAIMS, _WRITING = _manner_tables()
_ALL_KEYS = ("head_key", "tail_key")
_SLOTS = (0, 4, 8, 12)
"""Places of the minhash slots that are looked at: four of sixteen, as traits do."""


def tables() -> tuple[U8 | I8, ...]:
    """Everything that was drawn: what a call's vector is looked up in."""
    return _TOKENS, _KEYS, _CLAIMS, _WRITING


def embed(calls: pl.DataFrame) -> pl.DataFrame:
    """EMBEDDING rows of sampled calls, summed over an account's hour; parts of one hour add up.

    Args:
        calls: SAMPLED_CALL rows of whole ticks, by account and time.
    """
    known = pl.col("input_tokens").is_not_null() & pl.col("output_tokens").is_not_null()
    parts, seen = [EMBEDDING.empty()], pl.lit(value=False)
    for one in MAPS:
        carries = (pl.col("presence") & int(one.needs)) == int(one.needs)
        parts.append(_summed(calls.filter(known & carries & ~seen), one.name))
        seen = seen | carries
    return EMBEDDING.conform(pl.concat(parts))


def features(calls: pl.DataFrame, name: str) -> I8:
    """What a map sees of each call.

    Args:
        calls: SAMPLED_CALL rows whose tokens are known and whose source carries what the map needs.
        name: the map.

    Returns:
        One row a call, `EmbeddingMap.size` columns.
    """
    if name == "metadata":
        return _tokens(calls)
    return np.concatenate([_tokens(calls), _words(calls), _manner(calls)], axis=1)


def _summed(calls: pl.DataFrame, name: str) -> pl.DataFrame:
    if calls.is_empty():
        return EMBEDDING.empty()
    hours = calls["tick"].dt.truncate("1h")
    account = calls["account_id"].rle_id().cast(pl.Int64).to_numpy()
    starts = starts_of(account, hours.to_physical().to_numpy())
    sums = np.add.reduceat(features(calls, name), starts, axis=0, dtype=np.int32)
    return calls.select("account_id", "account_hash")[starts].with_columns(
        window_end=hours.gather(starts).dt.offset_by("1h"),
        map=pl.lit(name),
        calls=pl.Series(np.diff(starts, append=calls.height)),
        vector=vectors(sums),
    )


def vectors(sums: npt.NDArray[np.int32]) -> pl.Series:
    """Rows of a table as a list column."""
    return pl.Series("vector", np.ascontiguousarray(sums), dtype=pl.Array(pl.Int32, sums.shape[1])).cast(
        pl.List(pl.Int32)
    )


def table(rows: pl.DataFrame) -> I64:
    """The vectors of EMBEDDING rows of one map, one row each."""
    if rows.is_empty():
        return np.empty((0, 0), dtype=np.int64)
    size = len(rows["vector"][0])
    return rows["vector"].explode().to_numpy().reshape(rows.height, size).astype(np.int64)


def _tokens(calls: pl.DataFrame) -> I8:
    sent, made = _bands(calls["input_tokens"]), _bands(calls["output_tokens"])
    operation = calls["operation"].replace_strict(_OPERATIONS, return_dtype=pl.Int64).to_numpy()
    return np.asarray(_TOKENS[(sent * _BANDS + made) * 4 + operation])


def _words(calls: pl.DataFrame) -> I8:
    slots = calls["shingle_keys"].list
    keys = [calls[name] for name in _ALL_KEYS] + [slots.get(place, null_on_oob=True) for place in _SLOTS]
    phases = np.zeros((calls.height, WAVES), dtype=np.uint8)
    for key in keys:
        row = key.fill_null(0).to_numpy() & (_KEY_ROWS - 1)
        phases += _KEYS[np.where(key.is_null().to_numpy(), _KEY_ROWS, row)]
    return _circles(phases)


def _manner(calls: pl.DataFrame) -> I8:
    claims = np.zeros(calls.height, dtype=np.int64)
    for place, claim in enumerate(_CLAIM_BITS):
        claims |= calls.select(claim.fill_null(value=False)).to_series().to_numpy().astype(np.int64) << place
    temperature = pl.when(pl.col("temperature") == 0).then(1).when(pl.col("temperature") > 0).then(2).otherwise(0)
    claims += calls.select(temperature.cast(pl.Int64)).to_series().to_numpy() << 6
    turns = np.minimum(_bands(calls["message_count"].fill_null(0).cast(pl.Int64)) // 2, _TURNS - 1)
    names = calls["language"].unique().drop_nulls()
    codes = {name: 1 + zlib.crc32(name.encode()) % (_LANGUAGES - 1) for name in names}
    language = calls["language"].replace_strict(codes, default=0, return_dtype=pl.Int64).to_numpy()
    lengths = np.minimum(_bands(calls["prompt_chars"].fill_null(0)) // 2, _LENGTHS - 1)
    return _circles(_CLAIMS[claims * _TURNS + turns] + _WRITING[language * _LENGTHS + lengths])


def _bands(counts: pl.Series) -> I64:
    """Half octaves, from 0."""
    return np.minimum(np.searchsorted(_EDGES, counts.to_numpy(), side="right"), _BANDS - 1)


_CLAIM_BITS = (
    pl.col("elicits_reasoning"),
    pl.col("has_rubric"),
    pl.col("has_reasoning_tags"),
    pl.col("tool_count") > 0,
    pl.col("system_digest").is_not_null(),
    pl.col("max_tokens").is_not_null(),
)
