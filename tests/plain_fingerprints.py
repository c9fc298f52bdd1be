"""The template keys, written down once more in plain Python: slow, short, and independent of the vectorised code."""

import hashlib
from collections.abc import Sequence

MASK = 2**64 - 1


def multipliers(secret: bytes, purpose: str, count: int) -> list[int]:
    """Secret odd integers for one purpose."""
    stream = b"".join(
        hashlib.blake2b(
            block.to_bytes(8, "little") + purpose.encode(), key=secret, person=b"stillwatch/1", digest_size=64
        ).digest()
        for block in range(1, 2 + count // 8)
    )
    return [int.from_bytes(stream[8 * i : 8 * i + 8], "little") | 1 for i in range(count)]


def mix(value: int) -> int:
    """MurmurHash3's 64-bit finaliser."""
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33


def words(text: str) -> list[bytes]:
    """The words of a text of ASCII, Cyrillic, Han, kana, emoji and the punctuation used with them."""
    found: list[bytes] = [b""]
    for character in text:
        code = ord(character)
        is_word_alone = 0x3040 <= code <= 0x30FA or 0x4E00 <= code <= 0x9FFF or code > 0xFFFF
        is_letter = (code < 128 and character.isalpha()) or 0x0400 <= code <= 0x052F
        if is_word_alone:
            found += [character.encode(), b""]
        elif is_letter:
            found[-1] += character.lower().encode() if code < 128 else character.encode()
        else:
            found.append(b"")
    return [word for word in found if word]


def word_hash(word: bytes, m: Sequence[int]) -> int:
    """First eight bytes, last eight bytes, length."""
    head = int.from_bytes(word[:8].rjust(8, b"\0"), "little")
    tail = int.from_bytes(word[-8:], "little")
    return mix((m[0] + (head ^ head >> 29) * m[1] + tail * m[2] + len(word) * m[3]) & MASK)


def combine(hashes: Sequence[int], m: Sequence[int]) -> int:
    """One signed key of several hashes."""
    return signed(mix((m[0] + sum(h * k for h, k in zip(hashes, m[1:], strict=False))) & MASK))


def signed(value: int) -> int:
    """The same 64 bits as a signed integer."""
    return value - 2**64 if value >> 63 else value


def prompt_keys(text: str, secret: bytes) -> dict[str, object]:
    """head_key, tail_key, line_keys and shingle_keys of a prompt of at most 1,024 characters."""
    m = {
        purpose: multipliers(secret, purpose, n)
        for purpose, n in (("words", 4), ("edges", 9), ("lines", 17), ("shingles", 4))
    }
    hashes = [word_hash(word, m["words"]) for word in words(text)]
    lines = [[word_hash(word, m["words"]) for word in words(line)] for line in text.split("\n")]
    telling = [combine(line[:16], m["lines"]) for line in lines if len(line) >= 4]
    chosen = telling if len(telling) < 4 else telling[:2] + telling[-2:]
    shingles = [mix((m["shingles"][0] + a * m["shingles"][1] + b * m["shingles"][2] + c * m["shingles"][3]) & MASK)
                for a, b, c in zip(hashes, hashes[1:], hashes[2:], strict=False)]  # fmt: skip
    slots = {shingle >> 60: 0 for shingle in sorted(shingles)}
    smallest = [min(s for s in shingles if s >> 60 == slot) for slot in sorted(slots)]
    return {
        "head_key": combine(hashes[:8], m["edges"]) if len(hashes) >= 8 else None,
        "tail_key": combine(hashes[-8:], m["edges"]) if len(hashes) >= 8 else None,
        "line_keys": list(dict.fromkeys(chosen)) if chosen and sum(bool(line) for line in lines) > 1 else None,
        "shingle_keys": [signed(s) for s in smallest] or None,
    }
