"""Where the processor time of a backfill goes: the program itself, with a clock around the functions between stages.

The process is prepared as the command line prepares its own.

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
    # stage, where it is defined, function or Class.method
    ("list sources and plan", "pipelines.ingest", "plan_ingest"),
    ("read and cut", "pipelines.sources.reading", "read_text"),
    ("decode", "transforms.ingest.canonical", "Canonical.decode"),
    ("decode", "transforms.ingest.litellm", "LiteLLM.decode"),
    ("fingerprint", "transforms.ingest.texts", "text_columns"),
    ("write tables", "pipelines.lake.files", "write_frame"),
    ("read events", "pipelines.lake.files", "read_events"),
    ("order and tally", "transforms.order.step", "step"),
    ("traits", "transforms.order.traits", "traits"),
    ("sessions", "transforms.sessions.step", "step"),
    ("features", "transforms.features.step", "step"),
    ("features", "transforms.features.step", "still_open"),
    ("rules", "transforms.detectors.rules", "step"),
    ("score", "transforms.detectors.scoring", "score"),
    ("distribution", "transforms.distribution.step", "step"),
    ("distribution", "transforms.distribution.measuring", "measured"),
    ("links", "transforms.links.compact", "Compact.of"),
    ("links", "transforms.links.replay", "step"),
    ("links", "transforms.links.reuse", "step"),
    ("links", "transforms.links.postings", "step"),
    ("ties", "transforms.campaigns.ties", "step"),
    ("campaigns", "transforms.campaigns.step", "step"),
    ("findings", "transforms.findings.step", "step"),
    ("findings", "transforms.findings.step", "still_open"),
    ("shuffle", "pipelines.wire", "tagged"),
    ("shuffle", "pipelines.wire", "untagged"),
    ("shuffle", "pipelines.wire", "pack"),
    ("shuffle", "pipelines.wire", "unpack"),
    ("state", "pipelines.account_group", "GroupState.write"),
    ("state", "pipelines.account_group", "GroupState.read"),
    ("state", "pipelines.key_shard", "ShardState.write"),
    ("state", "pipelines.key_shard", "ShardState.read"),
    ("learn: audit", "transforms.quality.facts", "facts_of"),
    ("learn: audit", "transforms.quality.gate", "audit_facts"),
    ("learn: models and references", "transforms.learning.learn", "learn_parts"),
    ("read tables", "pipelines.lake.lake", "Lake.read"),
    ("decide what to run", "pipelines.run_bounds", "end_of_next"),
    ("upkeep", "pipelines.upkeep", "tend"),
    ("commit", "pipelines.lake.commit", "Committer.commit"),
)
EVENTS = "write events"
"""What `write_frame` writes for INGEST; every other file it writes is a table's."""

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
    """Puts the clock around every function of STAGES, wherever it was imported to.

    Raises:
        AttributeError: one of them is not there any more: STAGES must name what took its place.
    """
    for stage, module, path in STAGES:
        importlib.import_module(module)
        home = sys.modules[module]  # a package may hold a function under its module's name
        *classes, name = path.split(".")
        wrap = clock.along if name in ITERATED else clock.around
        if classes:
            place = getattr(home, classes[0])
            method = place.__dict__[name]
            is_bound = isinstance(method, classmethod)
            timed = wrap(stage, method.__func__ if is_bound else method)
            setattr(place, name, classmethod(timed) if is_bound else timed)
        else:
            function = getattr(home, name)
            _replace(function, wrap(stage, function))
    ingest = sys.modules["pipelines.ingest_worker"]
    ingest.write_frame = clock.around(EVENTS, ingest.write_frame.__wrapped__)


def _replace(function: Any, timed: Any) -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("pipelines", "transforms"):
            for attribute, value in list(vars(module).items()):
                if value is function:
                    setattr(module, attribute, timed)


def staged_backfill(log: Path, lake: Path, key: Path) -> dict[str, float]:
    """Processor seconds by stage of one backfill in this process, what came before it included."""
    from pipelines.cli.main import prepare_process

    prepare_process()
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
