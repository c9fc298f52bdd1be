"""Which engine executes a pipeline, and with which options."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from inspect import ismethod
from types import CodeType
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import core, userstate

from schemas.errors import StillwatchError

RUNNERS = ("embedded", "dask")

SAMPLED_MS = 5
"""Beam asks so often in which step a stage is, and at a stage's end waits until it has asked once more. It asks less and less
often, down to five times a second: a tenth of a second of nothing at the end of each stage of more than a second (measured)."""


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


@contextmanager
def arguments_kept() -> Iterator[None]:
    """Meanwhile Beam finds out once which arguments a function takes.

    It looks at every method of every DoFn eight times, to see whether it has state or timers, from the making of the transform to its
    bundles: 7,000 looks at 50 functions in a pipeline of DETECT, a tenth of the processor time of a small one (measured).
    """
    look, known = core.get_function_args_defaults, {}

    def looked(f: Any) -> tuple[list[str], list[Any]]:
        # Every method of a class is the same function, bound to another object each time.
        key = (f.__func__, True) if ismethod(f) else (f, False)
        if key not in known:
            known[key] = look(f)
        names, defaults = known[key]
        return list(names), list(defaults)

    core.get_function_args_defaults = looked
    try:
        yield
    finally:
        core.get_function_args_defaults = look


@contextmanager
def specs_kept() -> Iterator[None]:
    """Meanwhile Beam finds out once a class of DoFns which states and timers its methods have.

    It asks a dozen times a transform, and each time takes every attribute there is in its hand: a sixth of what Beam costs in a run
    with little to do (measured). DoFns that carry functions of their own are each looked at once.
    """
    look, carries = userstate.get_dofn_specs, dict[type, bool]()
    known = dict[Any, tuple[beam.DoFn, set[Any], set[Any]]]()

    def looked(dofn: beam.DoFn) -> tuple[set[Any], set[Any]]:
        of = type(dofn)
        if of not in carries:
            carries[of] = any(name.startswith("_inspect_") for name in dir(of))
        key = id(dofn) if carries[of] or any(map(ismethod, vars(dofn).values())) else of
        if key not in known:
            known[key] = (dofn, *look(dofn))  # held, so that no other one gets its number meanwhile
        _, states, timers = known[key]
        return set(states), set(timers)

    userstate.get_dofn_specs = looked
    try:
        yield
    finally:
        userstate.get_dofn_specs = look


@contextmanager
def bodies_kept() -> Iterator[None]:
    """Meanwhile Beam reads once a process what is written in a function, which it does to warn of `yield` beside `return`.

    It goes by the source, which belongs to the code: a function made again for each pipeline has the same.
    """
    look: Callable[[Any], bool] = core._check_fn_use_yield_and_return

    def looked(function: Any) -> bool:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None:
            return look(function)
        if code not in _READ:
            _READ[code] = look(function)
        return _READ[code]

    core._check_fn_use_yield_and_return = looked
    try:
        yield
    finally:
        core._check_fn_use_yield_and_return = look


_READ: dict[CodeType, bool] = {}
"""Whether functions with this code both yield and return, by code; as many as there are functions in pipelines of this process."""


class _Sampler(statesampler.StateSampler):
    """Looks often, so that the end of a stage is not waited for; what it counts is in milliseconds, and nobody reads it."""

    def __init__(self, prefix: str, counter_factory: Any) -> None:
        super().__init__(prefix, counter_factory, SAMPLED_MS)


@contextmanager
def ends_not_waited_for() -> Iterator[None]:
    """Meanwhile a stage ends within milliseconds of its last element, see SAMPLED_MS."""
    own = statesampler.StateSampler
    statesampler.StateSampler = _Sampler  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        statesampler.StateSampler = own  # type: ignore[misc]


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
    with ExitStack() as meanwhile:
        for kept in (arguments_kept, specs_kept, bodies_kept, ends_not_waited_for):
            meanwhile.enter_context(kept())
        _run(build, runner, Options(list(options), save_main_session=False))


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
