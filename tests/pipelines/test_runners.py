"""Options of Beam whose views are kept are Beam's options, and what a pipeline held is freed when it has ended."""

import gc
import pickle
import weakref

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from pipelines.runners import Options, run


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


def test_nothing_of_a_pipeline_is_left_when_it_has_ended_however_seldom_the_collector_looks() -> None:
    pipelines: list[weakref.ref[beam.Pipeline]] = []

    def build(pipeline: beam.Pipeline) -> None:
        pipelines.append(weakref.ref(pipeline))
        pipeline | beam.Create([1, 2])

    gc.disable()
    try:
        run(build, "embedded")
    finally:
        gc.enable()
    assert pipelines[0]() is None
