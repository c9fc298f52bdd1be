"""The key file, where one is named, is the lake's own, and nobody else can read it."""

from collections.abc import Iterator

from pipelines.doctor.case import Case
from pipelines.doctor.symptom import Symptom
from pipelines.lake.keys import read_secret
from pipelines.lake.lake import Lake
from transforms.ingest.key import FingerprintKey


def check(case: Case) -> Iterator[Symptom]:
    """What using the key would refuse."""
    if case.key_file is not None:
        Lake.open(case.root, FingerprintKey(read_secret(case.root, case.key_file, {})).id)
    yield from ()
