"""Frames as versioned bytes: Arrow IPC parts behind a JSON head; reading them runs no code.

Parts are streams: most states are small, and a file of the format, with its footer, costs Polars a query each way (0.31 ms
to write and 0.43 to read three rows, 0.02 each as a stream; measured). Large ones cost the same as either.
"""

import io
import json
from functools import lru_cache
from typing import Any

import polars as pl

_MAGIC = b"stillwatch state\n"
_FILE = b"ARROW1"
"""What a part begins with that is a file of the format: states were once written so."""


class OtherVersion(ValueError):
    """A state of another version than the one asked for.

    Args:
        kind: whose state it is.
        found: its version.
        known: the version that can be read.
    """

    def __init__(self, kind: str, found: int, known: int) -> None:
        super().__init__(f"a state of {kind} version {found}, not of {kind} version {known}")
        self.found, self.known = found, known


def pack(kind: str, version: int, parts: dict[str, pl.DataFrame]) -> bytes:
    """The frames, each as an LZ4 Arrow IPC stream, after a head that says what they are.

    Args:
        kind: whose state it is.
        version: version of its layout.
        parts: frames by name.
    """
    bodies = [_nothing(tuple(f.columns), tuple(f.dtypes)) if f.is_empty() else _stream(f) for f in parts.values()]
    head = {"kind": kind, "version": version, "parts": list(parts), "lengths": [len(body) for body in bodies]}
    return b"".join([_MAGIC, json.dumps(head).encode(), b"\n", *bodies])


def _stream(frame: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    frame.rechunk().write_ipc_stream(body, compression="lz4")
    return body.getvalue()


@lru_cache(maxsize=256)
def _nothing(names: tuple[str, ...], types: tuple[pl.DataType, ...]) -> bytes:
    """A stream of no rows: most states have parts without any, and to make such a frame takes longer than to write it.

    Of no rows there may be no chunk or an empty one, which a stream tells apart: so it is of a frame made anew.
    """
    return _stream(pl.DataFrame(schema=dict(zip(names, types, strict=True))))


def unpack(data: bytes, kind: str, version: int) -> dict[str, pl.DataFrame]:
    """The frames `pack` was given.

    Raises:
        OtherVersion: a state of that kind, of another version.
        ValueError: the bytes are no state, of another kind, or cut short.
    """
    head, start = head_of(data, kind, version)
    parts = {}
    if len(data) != start + sum(head["lengths"]):
        raise ValueError(f"a state of {kind} of {len(data)} bytes, not {start + sum(head['lengths'])}")
    for name, length in zip(head["parts"], head["lengths"], strict=True):
        part = data[start : start + length]
        parts[name] = (pl.read_ipc if part.startswith(_FILE) else pl.read_ipc_stream)(io.BytesIO(part))
        start += length
    return parts


HEAD_BYTES = 4096
"""No head of a state is longer: it names a handful of parts."""


def head_of(data: bytes, kind: str, version: int) -> tuple[dict[str, Any], int]:
    """What the head says, and where it ends; the first HEAD_BYTES of what `pack` gave are enough.

    Raises:
        OtherVersion: a state of that kind, of another version.
        ValueError: the bytes are no state, or of another kind.
    """
    if not data.startswith(_MAGIC):
        raise ValueError(f"not a state of {kind}: the first bytes are others")
    end = data.index(b"\n", len(_MAGIC))
    head: dict[str, Any] = json.loads(data[len(_MAGIC) : end])
    if head["kind"] != kind:
        raise ValueError(f"a state of {head['kind']} version {head['version']}, not of {kind} version {version}")
    if head["version"] != version:
        raise OtherVersion(kind, head["version"], version)
    return head, end + 1
