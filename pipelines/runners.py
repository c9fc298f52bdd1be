"""Which engine executes a pipeline, and with which options."""

from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner

from schemas.errors import StillwatchError

RUNNERS = ("embedded", "dask")


def run(build: Callable[[beam.Pipeline], object], runner: str, options: Sequence[str] = ()) -> None:
    """Build a bounded pipeline and execute it to its end.

    Args:
        build: applies the transforms.
        runner: `embedded` (Beam's FnApiRunner, in this process) or `dask` (a Dask scheduler named in the options).
        options: Beam's own options, as on a command line.

    Raises:
        StillwatchError: unknown runner, Dask is not installed, or its cluster cannot do the work.
    """
    if runner not in RUNNERS:
        raise StillwatchError(f"--runner {runner}", "no such runner", f"use one of {', '.join(RUNNERS)}")
    given = PipelineOptions(list(options), save_main_session=False)
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
