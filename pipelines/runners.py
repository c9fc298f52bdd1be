"""Which engine executes a pipeline, and with which options."""

from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.runner import PipelineRunner

from schemas.errors import StillwatchError

RUNNERS = ("embedded", "dask")


def run(build: Callable[[beam.Pipeline], object], runner: str, options: Sequence[str] = ()) -> None:
    """Build a bounded pipeline and execute it to its end.

    Args:
        build: applies the transforms.
        runner: `embedded` (Beam's FnApiRunner, in this process) or `dask` (a Dask scheduler named in the options).
        options: Beam's own options, as on a command line.

    Raises:
        StillwatchError: unknown runner, or Dask is not installed.
    """
    pipeline = beam.Pipeline(runner=_engine(runner), options=PipelineOptions(list(options), save_main_session=False))
    build(pipeline)
    result = pipeline.run()
    result.wait_until_finish()


def _engine(runner: str) -> PipelineRunner:
    if runner == "embedded":
        return fn_runner.FnApiRunner()  # named, because DirectRunner would try to download another one first
    if runner == "dask":
        try:
            from apache_beam.runners.dask.dask_runner import DaskRunner
        except ImportError as error:
            fix = "install apache-beam[dask]"
            raise StillwatchError("--runner dask", "Dask is not installed", fix) from error
        return DaskRunner()
    raise StillwatchError(f"--runner {runner}", "no such runner", f"use one of {', '.join(RUNNERS)}")
