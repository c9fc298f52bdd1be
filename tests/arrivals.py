"""How a log arrives: cut into files that grow, are rotated and packed, late and repeated lines, read run after run."""

import gzip
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from small_worlds import Line

LATENESS = timedelta(minutes=5)  # policy time.lateness: whatever comes later than this may find its tick closed


@dataclass(frozen=True)
class Arrival:
    """A way for the lines of a world to come in and to be read.

    Attributes:
        seed: of what is left to chance.
        runs: how many times the folder is read; in between the files grow.
        files: files that grow at the same time, for each format.
        shuffled: lines come in another order, as late as is allowed.
        copies: lines that come once more, at any time later.
        rotated: between two runs, some files get another name and new ones begin.
        packed: `gz` or `zst`: what files become once they no longer grow; empty for nothing.
        halved: when a run begins, the last line has been written only in part.
        groups: account groups; None for the default.
        run_rows: events a DETECT run takes at most; None for the default.
        threads: Polars threads of a process of its own; None for this process.
        workers: options of the engine.
    """

    seed: int = 1
    runs: int = 1
    files: int = 1
    shuffled: bool = False
    copies: int = 0
    rotated: bool = False
    packed: str = ""
    halved: bool = False
    groups: int | None = None
    run_rows: int | None = None
    threads: int | None = None
    workers: tuple[str, ...] = ()


@dataclass
class _File:
    """A file that grows. Neither a copy nor damage begins one: equal beginnings are one source, damaged ones have no format."""

    name: str
    written: bytearray = field(default_factory=bytearray)


def arrive(arrival: Arrival, world: Sequence[Line], folder: Path) -> Iterator[tuple[bool, int]]:
    """Writes the files as they are before each run; yields whether it is the last, and the records ever to be seen.

    The half of a line is a record too: a backfill cannot know that the rest will come, rejects it, and reads the whole
    line later.
    """
    rng = random.Random(arrival.seed)
    folder.mkdir()
    coming = _in_order_of_arrival(arrival, world, rng)
    borders = [*sorted(rng.sample(range(1, len(coming)), arrival.runs - 1)), len(coming)]
    growing = {by: [_File(f"{by}-{n}.log") for n in range(arrival.files)] for by in ("canonical", "litellm")}
    done, begun, halves = 0, 0, 0
    for border in borders:
        is_last = border == len(coming)
        file, line = None, b""
        for place in range(done, border):
            came, is_copy = coming[place][1:]
            among = growing[came.format]
            if is_copy or not came.is_record:
                among = [one for one in among if one.written]
            if not among:
                continue
            file, line = rng.choice(among), came.line
            file.written += line
        has_begun = file is not None and len(file.written) > len(line) > 2
        unwritten = rng.randrange(2, len(line)) if arrival.halved and has_begun and not is_last else 0
        halves += unwritten > 0
        for one in (one for among in growing.values() for one in among if one.written):
            cut = len(one.written) - (unwritten if one is file else 0)
            with (folder / one.name).open("ab") as growing_file:  # who reads meanwhile sees it grow, and nothing else
                growing_file.write(one.written[growing_file.tell() : cut])
        lines = sum(_plain(path).count(b"\n") for path in folder.iterdir())
        yield is_last, lines + halves
        done = border
        for among in growing.values():
            for number, one in enumerate(among):
                if arrival.rotated and one.written and one is not file and rng.random() < 0.7:
                    begun += 1
                    among[number] = _File(one.name)
                    _put_away(folder, one.name, f"{one.name}.{begun}", arrival.packed)


def arrive_in_topics(
    arrival: Arrival, world: Sequence[Line], partitions: int, write: Callable[[str, int, bytes], None]
) -> Iterator[tuple[bool, int]]:
    """Writes what comes between two looks as messages of one to three lines, a topic a format, to any of its partitions.

    Args:
        arrival: order, copies and number of looks.
        world: the lines.
        partitions: of each topic.
        write: takes topic, partition and message.

    Yields:
        Whether it is the last look, and the records written so far.
    """
    rng = random.Random(arrival.seed)
    coming = _in_order_of_arrival(arrival, world, rng)
    borders = [*sorted(rng.sample(range(1, len(coming)), arrival.runs - 1)), len(coming)]
    done = 0
    for border in borders:
        for topic in ("canonical", "litellm"):
            lines = [line.line for _, line, _ in coming[done:border] if line.format == topic]
            while lines:
                count = rng.choice((1, 1, 3))
                write(topic, rng.randrange(partitions), b"".join(lines[:count]))
                del lines[:count]
        done = border
        yield border == len(coming), border


def _in_order_of_arrival(
    arrival: Arrival, world: Sequence[Line], rng: random.Random
) -> list[tuple[datetime, Line, bool]]:
    """Moment of arrival, line, whether it is a copy."""
    late = [rng.random() * LATENESS if arrival.shuffled else timedelta(0) for _ in world]
    coming = [(line.moment + by, line, False) for line, by in zip(world, late, strict=True)]
    for _ in range(arrival.copies):
        moment, line, _ = coming[rng.randrange(len(world))]
        coming.append((moment + rng.choice((0.0, 0.01, rng.random() * 40)) * timedelta(hours=1), line, True))
    return sorted(coming, key=lambda one: (one[0], one[2]))  # a copy does not overtake what it copies


def _put_away(folder: Path, name: str, put: str, packed: str) -> None:
    path = (folder / name).rename(folder / put)
    if packed:
        data = path.read_bytes()
        whole = gzip.compress(data) if packed == "gz" else pa.compress(data, "zstd", asbytes=True)
        (folder / f"{put}.{packed}").write_bytes(whole)
        path.unlink()


def _plain(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return pa.input_stream(path, compression="zstd").read() if path.suffix == ".zst" else data
