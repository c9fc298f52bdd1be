"""Errors say where, what and how to mend it, and survive the way from a worker to the driver."""

import copy
import pickle

import pytest

from schemas import errors
from schemas.errors import StillwatchError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StillwatchError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_reads_the_same_after_it_crossed_processes(kind: type[StillwatchError]) -> None:
    error = kind("calls.jsonl", "it is empty", "check the export")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is kind
        assert str(other) == "calls.jsonl: it is empty. Fix: check the export."
        assert (other.where, other.problem, other.fix) == (error.where, error.problem, error.fix)
    assert len(KINDS) >= 9
