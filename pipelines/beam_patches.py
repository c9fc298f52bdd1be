"""What Beam 2.77 does again and again, or waits for, and is kept from while a pipeline of ours runs (decision 0107).

Each of PATCHES replaces one name in a module of Beam and puts it back; none changes what a pipeline does. Its docstring says why it
is there and when it goes. `tests/pipelines/test_beam_patches.py` fails where Beam has lost the name, and where Beam no longer does what
the patch spares.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from inspect import ismethod
from types import CodeType
from typing import Any

import apache_beam as beam
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import core, userstate

BEAM = "2.77"
"""The version of Beam that all of this was measured on."""

SAMPLED_MS = 5
"""Beam asks so often in which step a stage is, and at a stage's end waits until it has asked once more. It asks less and less
often, down to five times a second: a tenth of a second of nothing at the end of each stage of more than a second (measured)."""


@contextmanager
def arguments_kept() -> Iterator[None]:
    """Meanwhile Beam finds out once which arguments a function takes.

    It looks at every method of every DoFn eight times, to see whether it has state or timers, from the making of the transform to its
    bundles: 7,000 looks at 50 functions in a pipeline of DETECT, a tenth of the processor time of a small one (measured). Goes when Beam
    remembers what `core.get_function_args_defaults` finds.
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
    with little to do (measured). DoFns that carry functions of their own are each looked at once. Goes when Beam remembers what
    `userstate.get_dofn_specs` finds.
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

    It goes by the source, which belongs to the code: a function made again for each pipeline has the same. Goes when Beam remembers
    what `core._check_fn_use_yield_and_return` finds.
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
    """Meanwhile a stage ends within milliseconds of its last element, see SAMPLED_MS. Goes when the end wakes Beam's sampling thread."""
    own = statesampler.StateSampler
    statesampler.StateSampler = _Sampler  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        statesampler.StateSampler = own  # type: ignore[misc]


PATCHES: tuple[Callable[[], AbstractContextManager[None]], ...] = (
    arguments_kept,
    specs_kept,
    bodies_kept,
    ends_not_waited_for,
)


@contextmanager
def patched() -> Iterator[None]:
    """Meanwhile all of PATCHES are in force."""
    with ExitStack() as meanwhile:
        for patch in PATCHES:
            meanwhile.enter_context(patch())
        yield
