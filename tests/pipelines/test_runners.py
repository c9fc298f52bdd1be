"""What is kept from Beam's doing it again is what Beam finds by itself."""

import pickle
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import core, userstate
from apache_beam.transforms.userstate import CombiningValueStateSpec, get_dofn_specs, is_stateful_dofn
from apache_beam.utils.counters import CounterFactory

from pipelines.runners import SAMPLED_MS, Options, arguments_kept, bodies_kept, ends_not_waited_for, run, specs_kept


def test_a_view_is_made_once_and_sees_what_is_set_through_any_other() -> None:
    options = Options(["--direct_num_workers=3"])
    view = options.view_as(DirectOptions)
    assert options.view_as(DirectOptions) is view
    view.direct_num_workers = 5
    again = view.view_as(DirectOptions)
    assert (options.get_all_options()["direct_num_workers"], again.direct_num_workers) == (5, 5)


def test_all_options_are_those_that_beams_own_class_reads() -> None:
    flags = ["--direct_num_workers=3", "--streaming", "--scheduler=tcp://host:8786"]
    kept, own = Options(flags), PipelineOptions(flags)
    kept.view_as(StandardOptions)
    assert kept.get_all_options(retain_unknown_options=True) == own.get_all_options(retain_unknown_options=True)


def test_options_travel_without_their_views() -> None:
    options = Options(["--direct_num_workers=3"])
    options.view_as(DirectOptions).direct_num_workers = 7
    there = pickle.loads(pickle.dumps(options))
    assert "_views" not in there.__dict__
    assert there.view_as(DirectOptions).direct_num_workers == 7


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


def test_a_pipeline_looks_at_a_function_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [], core.get_function_args_defaults

    def counted(function: object) -> object:
        looks.append(getattr(function, "__func__", function))
        return look(function)

    monkeypatch.setattr(core, "get_function_args_defaults", counted)
    run(
        lambda pipeline: pipeline | beam.Create([1, 2]) | beam.Map(lambda one: one + 1) | beam.ParDo(Plain()),
        "embedded",
    )
    assert core.get_function_args_defaults is counted
    assert looks.count(Plain.process) == 1


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


def _patched() -> tuple[object, ...]:
    looks = (core.get_function_args_defaults, core._check_fn_use_yield_and_return, userstate.get_dofn_specs)
    return *looks, statesampler.StateSampler


def test_all_of_it_is_undone_after_a_run() -> None:
    before = _patched()
    run(lambda pipeline: pipeline | beam.Create([1]) | beam.ParDo(Plain()), "embedded")
    assert _patched() == before
