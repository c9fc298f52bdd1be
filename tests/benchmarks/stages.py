"""Where the processor time of a backfill goes: the program itself, with a clock around the functions between stages.

Nothing is sampled: entering a stage charges what went by to the stage before it. Times are of the whole process, threads
of Polars and Arrow included; a stage inside another is taken out of the outer one. What no stage claims is the engine,
commits, and everything else.
"""

import functools
import importlib
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STAGES = (
    # stage, module, function or Class.method
    ("list sources and plan", "pipelines.backfill", "plan_ingest"),
    ("read and cut", "pipelines.ingest_worker", "read_text"),
    ("decode", "transforms.ingest.canonical", "Canonical.decode"),
    ("decode", "transforms.ingest.litellm", "LiteLLM.decode"),
    ("fingerprint", "transforms.ingest.assembling", "text_columns"),
    ("write events", "pipelines.ingest_worker", "write_frame"),
    ("read events", "pipelines.detect", "read_events"),
    ("order and tally", "transforms.order", "step"),
    ("traits", "transforms.order.step", "traits"),
    ("sessions", "transforms.sessions", "step"),
    ("features", "transforms.features", "step"),
    ("features", "transforms.features", "still_open"),
    ("rules", "transforms.detectors.rules", "step"),
    ("score", "pipelines.account_group", "score"),
    ("links", "transforms.links", "step"),
    ("findings", "transforms.findings", "step"),
    ("findings", "transforms.findings", "still_open"),
    ("shuffle", "pipelines.detect", "tagged"),
    ("shuffle", "pipelines.detect", "untagged"),
    ("shuffle", "pipelines.detect", "pack"),
    ("shuffle", "pipelines.detect", "unpack"),
    ("write tables", "pipelines.detect", "write_frame"),
    ("state", "pipelines.account_group", "GroupState.write"),
    ("state", "pipelines.account_group", "GroupState.read"),
    ("learn: audit", "pipelines.learn", "facts_of"),
    ("learn: audit", "pipelines.learn", "audit_facts"),
    ("learn: models and references", "pipelines.learn", "learn"),
    ("commit", "pipelines.lake.commit", "Committer.commit"),
)
REST = "engine and other"
START = "start (imports)"
ITERATED = ("read_text",)


class Clock:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open = [REST]
        self._owner: int | None = None
        self._last = time.process_time()

    def enter(self, stage: str) -> None:
        """What runs from here on belongs to a stage.

        Raises:
            RuntimeError: another thread is inside a stage: the times of both would be mixed.
        """
        if len(self._open) > 1 and self._owner != threading.get_ident():
            raise RuntimeError(f"{stage} began in one thread while {self._open[-1]} ran in another")
        self._owner = threading.get_ident()
        self._charge()
        self._open.append(stage)

    def leave(self) -> None:
        """The stage is over; the one around it goes on."""
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._last
        self._last = now

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return function(*arguments, **named)
            finally:
                self.leave()

        return timed

    def along(self, stage: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The function that gives an iterator, each of its steps timed."""

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Iterator[Any]:
            steps = function(*arguments, **named)
            following = self.around(stage, lambda: next(steps, None))
            while (item := following()) is not None:
                yield item

        return timed


def put_clocks(clock: Clock) -> None:
    """Puts the clock around every function of STAGES.

    Raises:
        AttributeError: one of them is not there any more: STAGES must name what took its place.
    """
    for stage, module, path in STAGES:
        place: Any = importlib.import_module(module)
        *classes, name = path.split(".")
        for inner in classes:
            place = getattr(place, inner)
        function = place.__dict__[name] if classes else getattr(place, name)
        wrap = clock.along if name in ITERATED else clock.around
        if isinstance(function, classmethod):
            setattr(place, name, classmethod(wrap(stage, function.__func__)))
        else:
            setattr(place, name, wrap(stage, function))


def staged_backfill(log: Path, lake: Path, key: Path) -> dict[str, float]:
    """Processor seconds by stage of one backfill in this process, what came before it included."""
    from pipelines.backfill import backfill
    from pipelines.cli.progress import Progress
    from pipelines.request import Request

    clock = Clock()
    put_clocks(clock)
    clock.seconds[START] = time.process_time()
    backfill(Request((str(log),), lake, is_complete=True, key_file=key), Progress(quiet=True))
    clock.enter(REST)
    return dict(clock.seconds)


def main(log: str, lake: str, key: str) -> None:
    """Prints the seconds by stage as JSON."""
    seconds = staged_backfill(Path(log), Path(lake), Path(key))
    sys.stdout.write(json.dumps({"seconds": seconds, "whole": time.process_time()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
