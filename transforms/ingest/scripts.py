"""How many letters of which script a text has."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.sketches import PAD, code_points, utf8
from transforms.sketches.mix import I64

# First and last code point of each script's letters, and the language that script alone names, "" where several share it.
_RANGES = (
    ("latin", 0x00C0, 0x024F, ""), ("latin", 0x1E00, 0x1EFF, ""), ("cyrillic", 0x0400, 0x052F, ""),
    ("arabic", 0x0620, 0x06FF, ""), ("devanagari", 0x0900, 0x097F, ""), ("greek", 0x0370, 0x03FF, "el"),
    ("armenian", 0x0531, 0x058F, "hy"), ("hebrew", 0x0590, 0x05FF, "he"), ("bengali", 0x0980, 0x09FF, "bn"),
    ("gurmukhi", 0x0A00, 0x0A7F, "pa"), ("gujarati", 0x0A80, 0x0AFF, "gu"), ("tamil", 0x0B80, 0x0BFF, "ta"),
    ("telugu", 0x0C00, 0x0C7F, "te"), ("kannada", 0x0C80, 0x0CFF, "kn"), ("malayalam", 0x0D00, 0x0D7F, "ml"),
    ("sinhala", 0x0D80, 0x0DFF, "si"), ("thai", 0x0E00, 0x0E7F, "th"), ("lao", 0x0E80, 0x0EFF, "lo"),
    ("burmese", 0x1000, 0x109F, "my"), ("georgian", 0x10A0, 0x10FF, "ka"), ("hangul", 0x1100, 0x11FF, "ko"),
    ("ethiopic", 0x1200, 0x137F, "am"), ("khmer", 0x1780, 0x17FF, "km"), ("kana", 0x3040, 0x30FF, "ja"),
    ("han", 0x3400, 0x4DBF, "zh"), ("han", 0x4E00, 0x9FFF, "zh"), ("hangul", 0xAC00, 0xD7AF, "ko"),
)  # fmt: skip

LANGUAGE_OF: Final = {script: language for script, _, _, language in _RANGES}
"""The language each script names by itself, "" where several share it; Latin is the first script."""

SCRIPTS: Final = tuple(LANGUAGE_OF)


def _table() -> npt.NDArray[np.int64]:
    """The script of each code point of the basic plane; the one after the last for characters of none."""
    table = np.full(0x10000, len(SCRIPTS), dtype=np.int64)
    for script, first, last, _ in _RANGES:
        table[first : last + 1] = SCRIPTS.index(script)
    return table


_SCRIPT_OF = _table()


def script_letters(texts: pl.Series) -> I64:
    """Letters of each script in each text: shape (texts, scripts), in the order of `SCRIPTS`.

    Args:
        texts: String; null is read as an empty text.
    """
    data, bounds = utf8(texts)
    counts = np.zeros((len(texts), len(SCRIPTS) + 1), dtype=np.int64)
    positions, codes, sizes = code_points(data)
    script = np.where(sizes < 4, _SCRIPT_OF[codes & 0xFFFF], len(SCRIPTS))
    row = np.repeat(np.arange(len(texts)), np.diff(np.searchsorted(positions, bounds + PAD)))
    np.add.at(counts, (row, script), 1)

    folded = data[PAD:-PAD] | 0x20
    letters = np.zeros(len(folded) + 1, dtype=np.int32)
    np.cumsum((folded >= ord("a")) & (folded <= ord("z")), out=letters[1:], dtype=np.int32)
    counts[:, 0] += np.diff(letters[bounds])
    return counts[:, :-1]
