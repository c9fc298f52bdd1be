"""Which engine executes a pipeline, and with which options."""

import ctypes
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner

from pipelines.beam_patches import patched
from schemas.errors import StillwatchError

RUNNERS = ("embedded", "dask")


class Options(PipelineOptions):
    """Beam's options, whose views are kept: Beam asks for the same dozen of them two hundred times a pipeline.

    Making one builds an argument parser, which took a tenth of the processor time of a small run (measured). All views of
    an object share its values, so a kept view is as good as a new one.
    """

    def view_as(self, cls: type[Any]) -> Any:
        """The options of another class, made on first use."""
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]

    def __getstate__(self) -> dict[str, Any]:
        """What Beam lets travel, without the views."""
        return {name: value for name, value in super().__getstate__().items() if name != "_views"}  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Engine:
    """What executes pipelines."""

    runner: str = "embedded"
    options: tuple[str, ...] = ()

    @property
    def is_spread(self) -> bool:
        """Whether it has several workers."""
        return self.runner != "embedded"

    def execute(self, build: Callable[[beam.Pipeline], object]) -> None:
        """Builds the pipeline and runs it to its end."""
        run(build, self.runner, self.options)


def _give_back() -> None:
    """Frees what a pipeline that has ended held, and gives it back to the system.

    A pipeline and all that it shuffled are in cycles, for which the command line has Python look seldom, and the heaps of the C library do
    not shrink by themselves (cli/main.py): a backfill would hold what many runs held.
    """
    gc.collect(0)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def run(build: Callable[[beam.Pipeline], object], runner: str, options: Sequence[str] = ()) -> None:
    """Build a bounded pipeline, execute it to its end, and free what it held.

    Args:
        build: applies the transforms.
        runner: `embedded` (Beam's FnApiRunner, in this process) or `dask` (a Dask scheduler named in the options).
        options: Beam's own options, as on a command line.

    Raises:
        StillwatchError: unknown runner, Dask is not installed, or its cluster cannot do the work.
    """
    if runner not in RUNNERS:
        raise StillwatchError(f"--runner {runner}", "no such runner", f"use one of {', '.join(RUNNERS)}")
    with patched():
        _run(build, runner, Options(list(options), save_main_session=False))
    _give_back()


def _run(build: Callable[[beam.Pipeline], object], runner: str, given: Options) -> None:
    # Named, because DirectRunner would try to download another one first; a cluster's runner is made once it is reached.
    pipeline = beam.Pipeline(runner=fn_runner.FnApiRunner(), options=given)
    build(pipeline)
    if runner == "embedded":
        pipeline.run().wait_until_finish()
        return
    try:
        from pipelines import cluster
    except ImportError as error:
        raise StillwatchError("--runner dask", "Dask is not installed", "install stillwatch[dask]") from error
    cluster.execute(pipeline, given)
