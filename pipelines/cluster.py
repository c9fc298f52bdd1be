"""Dask as the engine: a bounded pipeline executed by the workers of a scheduler, on this machine or on others.

Beam's own DaskRunner translates the pipeline; here is what it leaves open: whether the workers can do the work at all, what
becomes of a run whose scheduler or workers are lost, and that its connection ends with it.
"""

import asyncio
import logging
import platform
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

import apache_beam as beam
import dask
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dask.dask_runner import DaskOptions, DaskRunner, DaskRunnerResult
from apache_beam.runners.dask.overrides import dask_overrides
from dask.bag import Bag
from dask.base import optimize
from dask.graph_manipulation import clone
from dask.utils import parse_timedelta
from distributed import Client, Future, KilledWorker
from distributed.comm.core import connect
from distributed.security import Security

from schemas.errors import StillwatchError

_PARTITIONS_A_THREAD = 4
"""Parts of the work for each thread: one that takes longer than the others, or is done again, delays the end by a quarter."""

_MOST_PARTITIONS = 1024
"""A shuffle between n parts is about 32 n tasks for the scheduler, of about a millisecond each: half a minute."""

_GLANCE_SECONDS = 2.0
"""How often the workers are counted while a run is waited for: a request of a millisecond."""

_LOOK_SECONDS = 0.1
"""How often a cluster without workers is asked for them: as Dask's own client does."""

_DECIDE_BYTES = ("stillwatch", "apache-beam", "deltalake", "numpy", "polars", "pyarrow", "river", "scipy")
"""Packages that decide what is in the lake's files."""

_TALKATIVE = ("distributed", "distributed.client", "tornado.application")
"""Loggers of Dask with levels of their own. What they tell of a loss is told once, by our own errors."""

_REPEAT = "then run the same command again: it continues where it stopped, and nothing is counted twice"


class ClusterRunner(DaskRunner):
    """Beam's DaskRunner over a connection that is given, on parts sized by the workers that are there."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> DaskRunnerResult:
        """Hands the pipeline to the scheduler; its tasks are those of this attempt alone.

        A repeated run gives its tasks the names that the killed one gave; what is left of that on the scheduler must not
        stand in for work whose files were removed in between.
        """
        given = options.view_as(DaskOptions)
        threads = sum(_answer(self._client, self._client.nthreads, _patience()).values())
        parts = given.npartitions or min(_MOST_PARTITIONS, _PARTITIONS_A_THREAD * max(1, threads))
        sizes = {"partition_size": given.partition_size} if given.partition_size else {"npartitions": parts}
        pipeline.replace_all(dask_overrides())
        visitor: Any = self.to_dask_bag_visitor(sizes)
        # Through the workers' memory: the other shuffle, the default without a cluster, writes what it moves to disk.
        with dask.config.set({"dataframe.shuffle.method": "tasks"}):
            pipeline.visit(visitor)
        last: Bag = list(visitor.bags.values())[-1]
        (result,) = optimize(clone(last, seed=secrets.token_hex(8)))
        return DaskRunnerResult(self._client, [self._client.compute(result, optimize_graph=False)])


def execute(pipeline: beam.Pipeline, options: PipelineOptions) -> None:
    """Runs a built pipeline on the scheduler that the options name (`--dask_client_address`) to its end.

    How long a scheduler or the first worker is waited for is Dask's own `distributed.comm.timeouts.connect`; one that
    falls silent while it works is given up after as long as Dask waits for a silent worker (`scheduler.worker-ttl`).

    Raises:
        StillwatchError: no scheduler is named or answers, it has no workers or loses them all, workers die over the same
            work again and again, or have other versions installed than this process; also what workers raise themselves.
    """
    address = options.view_as(DaskOptions).address
    if address is None:
        raise StillwatchError("--runner dask", "no scheduler is named", "add --scheduler tcp://HOST:8786")
    with _connected(address, options) as client:
        _require_workers(client, address)
        _require_equal_versions(client, address)
        runner = ClusterRunner(client)
        (future,) = runner.run_pipeline(pipeline, options).futures
        _wait(client, future, address)


@contextmanager
def _connected(address: str, options: PipelineOptions) -> Iterator[Client]:
    wanted = options.view_as(DaskOptions).get_all_options(drop_default=True, current_only=True)
    DaskOptions._extract_bag_kwargs(wanted)  # sizes are for the graph, not for the connection
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        asyncio.run(asyncio.wait_for(_reach(address), _patience() + _GLANCE_SECONDS))
        client = Client(set_as_default=False, **wanted)
    except (OSError, ValueError) as error:
        problem = f"no Dask scheduler answers there ({_first_line(error)})"
        raise StillwatchError(address, problem, f"start `dask scheduler`, or name another; {_REPEAT}") from error
    try:
        yield client
    finally:
        with suppress(TimeoutError):  # of a busy cluster; what was asked of it is known by now
            client.close(timeout=_GLANCE_SECONDS)


async def _reach(address: str) -> None:
    """Whether somebody answers there: a client waits without a limit for the first words of a frozen scheduler."""
    connection = await connect(address, timeout=_patience(), **Security().get_connection_args("client"))
    connection.abort()


def _patience() -> float:
    """Seconds until who does not answer is taken for gone."""
    return float(parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))


def _silence() -> float | None:
    """Seconds until a scheduler that works and does not answer is taken for gone; None: never."""
    told = dask.config.get("distributed.scheduler.worker-ttl")
    return None if told is None else float(parse_timedelta(told))


def _answer(client: Client, question: Callable[..., Any], seconds: float | None, *arguments: Any) -> Any:
    """What a method of the client gives, waited for no longer than so.

    A frozen process keeps its connections: without a limit, its answer would be waited for until it is thawed.

    Raises:
        TimeoutError: no answer.
    """
    return client.sync(question, *arguments, callback_timeout=seconds)


def _require_workers(client: Client, address: str) -> None:
    until = time.monotonic() + _patience()
    try:
        while not _answer(client, client.nthreads, _patience()):
            if time.monotonic() > until:
                raise _no_workers(address)
            time.sleep(_LOOK_SECONDS)
        _answer(client, client.run, _patience(), platform.python_version)  # needs nothing of ours, hence no time
    except OSError as error:  # silence is one of them, an end in the middle of the answer another
        raise _silent(address) from error


def _silent(address: str) -> StillwatchError:
    problem = "the scheduler or one of its workers does not answer"
    return StillwatchError(address, problem, f"start those that hang again; {_REPEAT}")


def _no_workers(address: str) -> StillwatchError:
    return StillwatchError(address, "the scheduler has no workers", f"start `dask worker {address}`; {_REPEAT}")


def versions() -> dict[str, str]:
    """What decides the bytes of a lake's files on this machine: Python, and packages by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in _DECIDE_BYTES}


def _require_equal_versions(client: Client, address: str) -> None:
    """Equal rows are promised of equal programs only; a worker of another version would write others."""
    ours = versions()
    try:
        # The first time, each of them imports this program before it answers.
        scheduler = _answer(client, client.run_on_scheduler, _silence(), versions)
        theirs = {"the scheduler": scheduler, **_answer(client, client.run, _silence(), versions)}
    except OSError as error:  # silence is one of them, an end in the middle of the answer another
        raise _silent(address) from error
    except (ImportError, RuntimeError) as error:
        problem = f"stillwatch is not installed there ({_first_line(error)})"
        fix = f"install this version of stillwatch[dask] on the scheduler and on every worker; {_REPEAT}"
        raise StillwatchError(address, problem, fix) from error
    for who, found in sorted(theirs.items()):
        for name, mine in ours.items():
            if found[name] != mine:
                problem = f"{who} has {name} {found[name]}, this process {mine}"
                raise StillwatchError(address, problem, f"install the same versions everywhere; {_REPEAT}")


def _wait(client: Client, future: "Future[Any]", address: str) -> None:
    alone_since: float | None = None
    while True:
        try:
            future.result(timeout=_GLANCE_SECONDS)
        except TimeoutError as error:
            # The glance is over, or the work itself ran into a limit; it may also have ended right after the glance.
            if future.status == "error" and isinstance(future.exception(_GLANCE_SECONDS), TimeoutError):
                raise future.exception(_GLANCE_SECONDS) from error
        except KilledWorker as error:
            problem = "workers died one after the other over the same part of the work"
            fix = f"give them more memory, or make the parts smaller (--groups, ingest.range_megabytes); {_REPEAT}"
            raise StillwatchError(address, problem, fix) from error
        except Exception as error:
            if future.status == "error":
                raise
            raise _scheduler_lost(address) from error
        else:
            return
        try:
            has_workers = bool(_answer(client, client.nthreads, _silence()))
        except Exception as error:
            raise _scheduler_lost(address) from error
        now = time.monotonic()
        alone_since = None if has_workers else (alone_since or now)
        if alone_since is not None and now - alone_since > _patience():
            raise _no_workers(address)


def _scheduler_lost(address: str) -> StillwatchError:
    return StillwatchError(address, "the scheduler was lost while it worked", f"start it and its workers; {_REPEAT}")


def _first_line(error: Exception) -> str:
    told = str(error).strip().splitlines()
    if told:
        return told[0]
    return "it is silent" if isinstance(error, TimeoutError) else type(error).__name__
