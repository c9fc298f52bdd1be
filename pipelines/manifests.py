"""How workers tell the driver what they did: JSON messages under one key, gathered into one file of the run."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.lake.sealed import write_whole


def staging(root: Path, run_id: str) -> Path:
    """The run's folder for what is neither a table nor a state."""
    return root / "_stillwatch" / "staging" / run_id


def is_reported(root: Path, run_id: str) -> bool:
    """Whether all workers of a run have reported and their files are whole: repeated after a crash, it is not read again."""
    try:
        messages = read_messages(root, run_id)
        files = [
            (table, entry)
            for message in messages
            for table, found in message.get("tables", {}).items()
            for entry in found
        ]
        return all((root / table / entry["path"]).stat().st_size == entry["size"] for table, entry in files)
    except (OSError, ValueError):
        return False


def read_messages(root: Path, run_id: str) -> list[dict[str, Any]]:
    """What the workers of a run reported, in an order that does not depend on them."""
    messages: list[dict[str, Any]] = json.loads((staging(root, run_id) / "messages.json").read_bytes())
    return messages


class WriteMessages(beam.DoFn):
    """Writes all messages of a run into one file; the last step of every pipeline."""

    def __init__(self, root: str, run_id: str) -> None:
        self._root = root
        self._run_id = run_id

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[bytes]:
        """One element: key 0 and every message."""
        messages = sorted(element[1])
        path = staging(Path(self._root), self._run_id) / "messages.json"
        write_whole(path, b"[" + b",".join(messages) + b"]")
        yield str(path).encode()
