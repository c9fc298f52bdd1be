"""How frames travel between workers: LZ4 Arrow IPC bytes, tagged with what they are."""

import io

import polars as pl


def pack(frame: pl.DataFrame) -> bytes:
    """The frame as an LZ4 Arrow IPC stream; equal frames give equal bytes."""
    buffer = io.BytesIO()
    frame.rechunk().write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()


def unpack(data: bytes) -> pl.DataFrame:
    """The frame `pack` was given."""
    return pl.read_ipc_stream(io.BytesIO(data))


def tagged(tag: str, frame: pl.DataFrame) -> bytes:
    """The packed frame behind its tag, so that one collection can carry several kinds."""
    return tag.encode() + b"\n" + pack(frame)


def untagged(message: bytes) -> tuple[str, pl.DataFrame]:
    """Tag and frame of a message made by `tagged`."""
    tag, _, data = message.partition(b"\n")
    return tag.decode(), unpack(data)
