"""Frames as versioned bytes: Arrow IPC parts behind a JSON head; reading them runs no code."""

import io
import json

import polars as pl

_MAGIC = b"stillwatch state\n"


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
    """The frames, each as LZ4 Arrow IPC, after a head that says what they are.

    Args:
        kind: whose state it is.
        version: version of its layout.
        parts: frames by name.
    """
    bodies = []
    for frame in parts.values():
        body = io.BytesIO()
        frame.rechunk().write_ipc(body, compression="lz4")
        bodies.append(body.getvalue())
    head = {"kind": kind, "version": version, "parts": list(parts), "lengths": [len(body) for body in bodies]}
    return b"".join([_MAGIC, json.dumps(head).encode(), b"\n", *bodies])


def unpack(data: bytes, kind: str, version: int) -> dict[str, pl.DataFrame]:
    """The frames `pack` was given.

    Raises:
        OtherVersion: a state of that kind, of another version.
        ValueError: the bytes are no state, of another kind, or cut short.
    """
    if not data.startswith(_MAGIC):
        raise ValueError(f"not a state of {kind}: the first bytes are others")
    end = data.index(b"\n", len(_MAGIC))
    head = json.loads(data[len(_MAGIC) : end])
    if head["kind"] != kind:
        raise ValueError(f"a state of {head['kind']} version {head['version']}, not of {kind} version {version}")
    if head["version"] != version:
        raise OtherVersion(kind, head["version"], version)
    start, parts = end + 1, {}
    if len(data) != start + sum(head["lengths"]):
        raise ValueError(f"a state of {kind} of {len(data)} bytes, not {start + sum(head['lengths'])}")
    for name, length in zip(head["parts"], head["lengths"], strict=True):
        parts[name] = pl.read_ipc(io.BytesIO(data[start : start + length]))
        start += length
    return parts
