"""Lines of logs, mutated by chance from a seed: bytes and tokens flipped, put in, taken out, doubled and spliced."""

import random
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[\[\]{},:]|[^\s"\[\]{},:]+|\s+'
)
_POOL = (
    b"null", b"true", b"-1", b"0", b"1e400", b"9223372036854775808", b"1.5", b'""', b'"x"', b'"\\ud800"', b'"\\u0000"',
    b"[]", b"{}", b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r",
    b"-", b"NaN", "\u0661".encode(), "\uff11".encode(), "\u2028".encode(), b"[[[[[[[[", b'"2026-02-30T25:00:00Z"', b'"time":0',
)  # fmt: skip
"""What decoders stumble over."""


def mutated(lines: Sequence[bytes], count: int, seed: int) -> list[bytes]:
    """Lines made of these by one to four mutations each; none holds a line feed or is blank."""
    chance = random.Random(seed)
    found: list[bytes] = []
    while len(found) < count:
        line = chance.choice(lines)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            line = chance.choice(_MUTATIONS)(line, lines, chance)
        line = line.replace(b"\n", b" ")
        if line.strip():
            found.append(line)
    return found


Mutation = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _flip(line: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randrange(len(line) or 1)
    return line[:place] + bytes([line[place] ^ 1 << chance.randrange(8)]) + line[place + 1 :] if line else b"?"


def _insert(line: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randrange(len(line) + 1)
    return line[:place] + chance.choice(_POOL) + line[place:]


def _delete(line: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randrange(len(line) or 1)
    return line[:place] + line[place + chance.randrange(1, 9) :]


def _double(line: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    place = chance.randrange(len(line) or 1)
    end = place + chance.randrange(1, 40)
    return line[:end] + line[place:end] + line[end:]


def _splice(line: bytes, lines: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(lines)
    return line[: chance.randrange(len(line) + 1)] + other[chance.randrange(len(other)) :]


def _replace_token(line: bytes, lines: Sequence[bytes], chance: random.Random) -> bytes:
    tokens = _TOKEN.findall(line) or [b""]
    tokens[chance.randrange(len(tokens))] = chance.choice(_POOL)
    return b"".join(tokens)


def _move_token(line: bytes, lines: Sequence[bytes], chance: random.Random) -> bytes:
    tokens, others = _TOKEN.findall(line) or [b""], _TOKEN.findall(chance.choice(lines))
    tokens[chance.randrange(len(tokens))] = chance.choice(others)
    return b"".join(tokens)


def _double_tokens(line: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    tokens = _TOKEN.findall(line) or [b""]
    start = chance.randrange(len(tokens))
    end = start + chance.randrange(1, 6)
    return b"".join([*tokens[:end], *tokens[start:end], *tokens[end:]])


_MUTATIONS: tuple[Mutation, ...] = (
    _flip, _insert, _delete, _double, _splice, _replace_token, _replace_token, _move_token, _double_tokens,
)  # fmt: skip
