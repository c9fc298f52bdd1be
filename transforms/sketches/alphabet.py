"""Which characters make words, which separate them, and which are words of their own; fixed, whatever Python's Unicode."""

import numpy as np
import numpy.typing as npt

from transforms.sketches.mix import I64

I32 = npt.NDArray[np.int32]

_LETTER, _SEPARATOR, _ALONE = 0, 1, 2

ASCII_FOLD = bytes(
    byte | 0x20 if 0x41 <= byte <= 0x5A else byte if 0x61 <= byte <= 0x7A or byte >= 0x80 else 0 for byte in range(256)
)
"""Byte table: A-Z to a-z, every other ASCII byte to 0 (a separator), bytes of longer characters unchanged."""

_SEPARATORS = (
    (0x0080, 0x00A9), (0x00AB, 0x00B4), (0x00B6, 0x00B9), (0x00BB, 0x00BF), (0x00D7, 0x00D7), (0x00F7, 0x00F7),  # Latin-1
    (0x037E, 0x037E), (0x0387, 0x0387),  # Greek question mark, middle dot
    (0x05BE, 0x05BE), (0x05C0, 0x05C0), (0x05C3, 0x05C3), (0x05F3, 0x05F4),  # Hebrew
    (0x060C, 0x060C), (0x061B, 0x061F), (0x0660, 0x066D), (0x06D4, 0x06D4), (0x06F0, 0x06F9),  # Arabic, its digits
    (0x0964, 0x096F), (0x09E6, 0x09EF),  # danda, Devanagari and Bengali digits
    (0x0E50, 0x0E5B), (0x0ED0, 0x0ED9),  # Thai and Lao digits
    (0x0F08, 0x0F14), (0x104A, 0x104F), (0x1361, 0x1368), (0x17D4, 0x17DA),  # Tibetan, Burmese, Ethiopic, Khmer
    (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2190, 0x2BFF), (0x2E00, 0x2E7F),  # punctuation, currency, arrows, symbols
    (0x3000, 0x3004), (0x3008, 0x3020), (0x3030, 0x3030), (0x303D, 0x303D), (0x30FB, 0x30FB),  # CJK punctuation
    (0xFE00, 0xFE6F), (0xFEFF, 0xFEFF), (0xFF00, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65), (0xFFE0, 0xFFFF),  # forms
)  # fmt: skip
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai and Lao, Burmese, Khmer
    (0x2E80, 0x9FFF), (0xF900, 0xFAFF),  # Chinese and Japanese
)  # fmt: skip


def _classes() -> npt.NDArray[np.uint8]:
    """The class of every code point of the basic plane."""
    table = np.full(0x10000, _LETTER, dtype=np.uint8)
    for first, last in _WITHOUT_SPACES:
        table[first : last + 1] = _ALONE
    for first, last in _SEPARATORS:
        table[first : last + 1] = _SEPARATOR
    return table


_CLASSES = _classes()


def code_points(data: npt.NDArray[np.uint8]) -> tuple[I64, I32, I64]:
    """Where each character beyond ASCII begins, its code point, and its length in bytes.

    Args:
        data: UTF-8 with at least two bytes of padding behind.
    """
    leads = np.flatnonzero(data >= 0xC2)
    first = data[leads].astype(np.int32)
    second = data[leads + 1].astype(np.int32) & 0x3F
    third = data[leads + 2].astype(np.int32) & 0x3F
    size = 2 + (first >= 0xE0) + (first >= 0xF0)
    code = np.where(size == 2, (first & 0x1F) << 6 | second, (first & 0x0F) << 12 | second << 6 | third)
    astral = np.flatnonzero(size == 4)
    fourth = data[leads[astral] + 3].astype(np.int32) & 0x3F
    code[astral] = (first[astral] & 0x07) << 18 | second[astral] << 12 | third[astral] << 6 | fourth
    return leads, code, size


def read_beyond_ascii(
    data: npt.NDArray[np.uint8], folded: npt.NDArray[np.uint8], breaks: npt.NDArray[np.bool_], pad: int
) -> npt.NDArray[np.uint8]:
    """The folded bytes with the separators beyond ASCII set to 0; words of one character are marked in `breaks`.

    Characters beyond the basic plane (emoji, rare Han) are each a word.

    Args:
        data: UTF-8 with `pad` zeros before and after, pad >= 4.
        folded: the same bytes through `ASCII_FOLD`; not changed.
        breaks: one longer than the unpadded text: True where a word may not reach over the position; set in place.
        pad: the zeros before and after.
    """
    leads, code, size = code_points(data)
    kind = np.where(size == 4, _ALONE, _CLASSES[code & 0xFFFF])

    alone = kind == _ALONE
    breaks[leads[alone] - pad] = True
    breaks[leads[alone] + size[alone] - pad] = True

    separates = kind == _SEPARATOR
    result = folded.copy()
    for k in range(3):
        result[leads[separates & (size > k)] + k] = 0
    return result
