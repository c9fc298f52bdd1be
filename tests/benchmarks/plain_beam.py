"""The same task as Beam's own guides would solve it: one element a call, event-time sessions, a combine, a detector.

ReadFromText, json.loads, timestamps, `Sessions`, a combine per account and day, and `ml.anomaly` over the sessions of an
account; on the runner stillwatch uses.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.ml.anomaly.detectors.zscore import ZScore
from apache_beam.ml.anomaly.transforms import AnomalyDetection
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms.window import GlobalWindows, Sessions, TimestampedValue

IDLE_SECONDS = 30 * 60
_UTC = dt.timezone.utc  # noqa: UP017 - one name for the module

Sums = tuple[int, int, int, int]


def timed(line: str) -> TimestampedValue:
    """A call under its account and day of completion, at the time of its completion."""
    call = json.loads(line)
    started = dt.datetime.fromisoformat(call["time"])
    ended = started + dt.timedelta(milliseconds=call["latency_ms"])
    key = call["account_id"], ended.astimezone(_UTC).date().isoformat()
    sums = 1, call["input_tokens"], call["output_tokens"], int(call["http_status"] >= 400)
    return TimestampedValue((key, sums), ended.timestamp())


def added(all_sums: Any) -> Sums:
    """Calls, tokens sent, tokens received and errors together."""
    calls = sent = got = errors = 0
    for one in all_sums:
        calls, sent, got, errors = calls + one[0], sent + one[1], got + one[2], errors + one[3]
    return calls, sent, got, errors


def session(element: tuple[tuple[str, str], Sums]) -> tuple[str, beam.Row]:
    """A session as the detector wants it."""
    (account, day), (calls, sent, got, errors) = element
    return account, beam.Row(day=day, calls=calls, sent=sent, got=float(got), errors=errors)


def sums_of(element: tuple[str, Any]) -> tuple[tuple[str, str], Sums]:
    """What the day's row needs of a judged session."""
    account, result = element
    row = result.example
    return (account, row.day), (row.calls, row.sent, int(row.got), row.errors)


def rows(element: tuple[tuple[str, str], Sums]) -> Iterator[str]:
    """One line an account and day."""
    yield ",".join(map(str, (*element[0], *element[1])))


def main(source: str, target: str) -> None:
    """Writes one row an account and day."""
    pipeline = beam.Pipeline(runner=fn_runner.FnApiRunner(), options=PipelineOptions([]))
    (
        pipeline
        | "Read" >> beam.io.ReadFromText(source)
        | "Parse" >> beam.Map(timed)
        | "Sessions" >> beam.WindowInto(Sessions(IDLE_SECONDS))
        | "Of a session" >> beam.CombinePerKey(added)
        | "Rows" >> beam.Map(session)
        | "All time" >> beam.WindowInto(GlobalWindows())
        | "Judge" >> AnomalyDetection(ZScore(features=["got"]))
        | "Sums" >> beam.Map(sums_of)
        | "Of a day" >> beam.CombinePerKey(added)
        | "Lines" >> beam.FlatMap(rows)
        | "Write" >> beam.io.WriteToText(target, shard_name_template="", header="account_id,day,calls,sent,got,errors")
    )
    pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
