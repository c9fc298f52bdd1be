"""What Beam is kept from doing again is what Beam finds by itself; and Beam, left alone, still does it again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import core, userstate
from apache_beam.transforms.userstate import CombiningValueStateSpec, get_dofn_specs, is_stateful_dofn
from apache_beam.utils.counters import CounterFactory

from pipelines.beam_patches import (
    BEAM,
    PATCHES,
    SAMPLED_MS,
    arguments_kept,
    bodies_kept,
    ends_not_waited_for,
    specs_kept,
)
from pipelines.runners import run

_PATCHED = (
    (core, "get_function_args_defaults"),
    (userstate, "get_dofn_specs"),
    (core, "_check_fn_use_yield_and_return"),
    (statesampler, "StateSampler"),
)
"""What PATCHES replace, in their order."""


class Plain(beam.DoFn):
    def __init__(self) -> None:
        """Nothing to hold."""

    def process(self, element: int, more: int = 2) -> None:
        """Takes an argument besides the element."""


class Counting(beam.DoFn):
    STATE = CombiningValueStateSpec("count", combine_fn=sum)

    def __init__(self) -> None:
        """Nothing to hold."""

    def process(self, element: int, count: object = beam.DoFn.StateParam(STATE)) -> None:
        """Has a state."""


def test_kept_arguments_are_those_that_beam_finds_itself() -> None:
    functions = [Plain().process, Plain.process, Counting().process, len, lambda one, other=3: one]
    own = [core.get_function_args_defaults(function) for function in functions]
    with arguments_kept():
        for _ in range(2):
            assert [core.get_function_args_defaults(function) for function in functions] == own
        assert [is_stateful_dofn(Plain()), is_stateful_dofn(Counting())] == [False, True]


def test_what_a_caller_does_with_kept_arguments_stays_with_it() -> None:
    with arguments_kept():
        core.get_function_args_defaults(Plain().process)[0].append("his own")
        assert core.get_function_args_defaults(Plain().process)[0] == ["element", "more"]


class Carrying(beam.DoFn):
    def __init__(self, process: object) -> None:
        self.process = process  # type: ignore[method-assign, assignment]


def test_kept_states_and_timers_are_those_that_beam_finds_itself() -> None:
    functions = [
        Plain(),
        Counting(),
        Carrying(Plain().process),
        Carrying(Counting().process),
        beam.FlatMap(lambda one: [one]).fn,
    ]
    own = [get_dofn_specs(function) for function in functions]
    assert [bool(states) for states, _ in own] == [False, True, False, True, False]
    with specs_kept():
        for _ in range(2):
            assert [userstate.get_dofn_specs(function) for function in functions] == own
        userstate.get_dofn_specs(functions[1])[0].clear()
        assert userstate.get_dofn_specs(functions[1]) == own[1]
    assert userstate.get_dofn_specs is get_dofn_specs


def test_beam_looks_at_the_end_of_a_stage_within_milliseconds_and_only_meanwhile() -> None:
    own = statesampler.StateSampler("stage", CounterFactory())
    with ends_not_waited_for():
        ours = statesampler.StateSampler("stage", CounterFactory())
    after = statesampler.StateSampler("stage", CounterFactory())
    assert ours.sampling_period_ms == SAMPLED_MS < own.sampling_period_ms == after.sampling_period_ms


def _both(element: int) -> list[int] | Iterator[int]:  # type: ignore[misc] # what Beam warns of
    if element:
        return [element]
    yield element


def test_what_beam_reads_in_a_function_is_read_once_and_is_what_it_reads_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions = [Plain().process, Plain().process, _both, lambda one: [one], len]
    own = [core._check_fn_use_yield_and_return(function) for function in functions]
    assert own == [False, False, True, False, False]
    reads, look = [], core._check_fn_use_yield_and_return

    def counted(function: object) -> bool:
        reads.append(function)
        return look(function)

    monkeypatch.setattr(core, "_check_fn_use_yield_and_return", counted)
    for _ in range(2):
        with bodies_kept():
            assert [core._check_fn_use_yield_and_return(function) for function in functions] == own
    assert reads.count(_both) <= 1
    assert reads.count(len) == 2  # has no code to go by


def test_the_patches_were_measured_on_the_beam_that_is_installed() -> None:
    assert beam.__version__.startswith(f"{BEAM}.")


def _build(pipeline: beam.Pipeline) -> None:
    _ = pipeline | beam.Create([1, 2]) | beam.Map(lambda one: one + 1) | beam.ParDo(Plain())


def _left_alone() -> None:
    pipeline = beam.Pipeline(runner=fn_runner.FnApiRunner())
    _build(pipeline)
    pipeline.run().wait_until_finish()


def _with_patches() -> None:
    run(_build, "embedded")


def _looks(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, execute: Callable[[], None]) -> int:
    """How often Beam looks at the methods or the class of Plain, in two pipelines."""
    looks, look = Counter[Any](), getattr(module, name)

    def counted(of: Any) -> Any:
        looks[type(of) if isinstance(of, beam.DoFn) else getattr(of, "__func__", of)] += 1
        return look(of)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(module, name, counted)
        execute()
        execute()
    return looks[Plain] + looks[Plain.process]


@pytest.mark.parametrize(("module", "name"), _PATCHED[:3], ids=[name for _, name in _PATCHED[:3]])
def test_beam_left_alone_looks_more_often_than_once_a_pipeline_as_patched_or_once_a_process(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    looks = _looks(monkeypatch, module, name, _with_patches)
    assert looks <= (1 if name == "_check_fn_use_yield_and_return" else 2)
    assert _looks(monkeypatch, module, name, _left_alone) > looks, f"Beam remembers {name} by now: its patch can go"


def test_beam_left_alone_waits_at_the_end_of_a_stage_until_it_looks_once_more() -> None:
    sampler = statesampler.StateSampler("stage", CounterFactory(), sampling_period_ms=30_000)  # first after 300 ms
    sampler.start()
    began = time.monotonic()
    sampler.stop()
    assert time.monotonic() - began > 0.1, "Beam wakes its sampling thread by now: `ends_not_waited_for` can go"


@pytest.mark.parametrize(("patch", "place"), [*zip(PATCHES, _PATCHED, strict=True)], ids=[p.__name__ for p in PATCHES])
def test_a_patch_replaces_one_name_of_beam_and_puts_it_back(patch: Any, place: tuple[Any, str]) -> None:
    before = [getattr(module, name) for module, name in _PATCHED]
    with patch():
        changed = [of for of, own in zip(_PATCHED, before, strict=True) if getattr(*of) is not own]
    assert changed == [place]
    assert [getattr(module, name) for module, name in _PATCHED] == before


def test_all_of_it_is_undone_after_a_run_that_fails() -> None:
    before = [getattr(module, name) for module, name in _PATCHED]
    meanwhile = []

    def fails(_: beam.Pipeline) -> object:
        meanwhile.extend(getattr(module, name) for module, name in _PATCHED)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fails, "embedded")
    assert all(now is not own for now, own in zip(meanwhile, before, strict=True))
    assert [getattr(module, name) for module, name in _PATCHED] == before
