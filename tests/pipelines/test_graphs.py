"""The three pipelines as portable graphs, as Flink and Dataflow are given them: built here, not run."""

from collections.abc import Callable
from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.portability.fn_api_runner import fn_runner

from pipelines import detect, ingest, learn
from pipelines.detect_job import DetectJob
from pipelines.ingest_worker import IngestJob
from pipelines.learn import LearnJob
from transforms.ingest.key import FingerprintKey

DAY = datetime(2026, 3, 2, tzinfo=UTC)
_GROUPS = "beam:transform:group_by_key:v1"
_KEYED, _INTEGER, _BYTES = "beam:coder:kv:v1", "beam:coder:varint:v1", "beam:coder:bytes:v1"
OPTIONS = {
    "flink": ["--runner=FlinkRunner", "--flink_version=1.19", "--parallelism=8"],
    "dataflow": ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t"],
}


def _ingest(pipeline: beam.Pipeline, root: str) -> object:
    return ingest.build(IngestJob(root, "ingest-1", "{}", FingerprintKey(bytes(32))), [{"range": 0}], pipeline)


def _detect(pipeline: beam.Pipeline, root: str) -> object:
    return detect.build(DetectJob(root, "detect-1", "{}", None, DAY, (), (), 4, {}, None, 0), pipeline)


def _detect_in_one_process(pipeline: beam.Pipeline, root: str) -> object:
    job = DetectJob(root, "detect-1", "{}", None, DAY, (), (), 4, {}, None, 0)
    return detect.build(job, pipeline, is_spread=False)


def _learn(pipeline: beam.Pipeline, root: str) -> object:
    return learn.build(LearnJob(root, "learn-1", "{}", DAY, {}, None, (), 4), pipeline)


PIPELINES = {
    "ingest": _ingest,
    "detect": _detect,
    "detect in one process": _detect_in_one_process,
    "learn": _learn,
}
Build = Callable[[beam.Pipeline, str], object]


def _graph(build: Build, options: list[str], root: str = "lake") -> api.Pipeline:
    pipeline = beam.Pipeline(runner=fn_runner.FnApiRunner(), options=PipelineOptions(options))
    build(pipeline, root)
    return pipeline.to_runner_api()


def _labels(graph: api.Pipeline) -> list[str]:
    return sorted(transform.unique_name for transform in graph.components.transforms.values())


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("build", PIPELINES.values(), ids=PIPELINES)
def test_labels_are_unique_and_the_same_for_every_run(build: Build, options: list[str]) -> None:
    labels = _labels(_graph(build, options))
    assert len(set(labels)) == len(labels) > 3
    assert labels == _labels(_graph(build, options, root="another"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("build", PIPELINES.values(), ids=PIPELINES)
def test_what_is_grouped_are_bytes_under_integers(build: Build, options: list[str]) -> None:
    parts = _graph(build, options).components
    own = [
        one
        for one in parts.transforms.values()
        if one.spec.urn == _GROUPS and "Reshuffle" not in one.unique_name and one.unique_name.count("/") == 0
    ]
    assert own
    for one in own:
        (given,) = one.inputs.values()
        coder = parts.coders[parts.pcollections[given].coder_id]
        assert coder.spec.urn == _KEYED, one.unique_name
        key, value = (parts.coders[part].spec.urn for part in coder.component_coder_ids)
        assert (key, value) == (_INTEGER, _BYTES), one.unique_name


@pytest.mark.parametrize("build", PIPELINES.values(), ids=PIPELINES)
def test_no_stage_has_a_state_a_timer_or_a_second_output(build: Build) -> None:
    for one in _graph(build, OPTIONS["flink"]).components.transforms.values():
        assert len(one.outputs) <= 1, one.unique_name
        if one.spec.urn == "beam:transform:pardo:v1":
            payload = api.ParDoPayload.FromString(one.spec.payload)
            assert not payload.state_specs, one.unique_name
            assert not payload.timer_family_specs, one.unique_name


def test_account_groups_are_dealt_out_where_there_are_several_workers_and_only_there() -> None:
    spread, alone = (_labels(_graph(build, OPTIONS["flink"])) for build in (_detect, _detect_in_one_process))
    assert any("/Reshuffle" in label for label in spread)
    assert not any("/Reshuffle" in label for label in alone)
