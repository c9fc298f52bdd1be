"""Waiting for a cluster that is busy: what ends a run, and what does not."""

from typing import Any

import pytest

from pipelines import cluster


class _Future:
    """One whose work has ended by the time it is looked at, right after it was waited for in vain."""

    def __init__(self, error: Exception | None = None) -> None:
        self.status = "pending"
        self._error = error

    def result(self, timeout: float) -> str:
        if self.status == "pending":
            self.status = "finished" if self._error is None else "error"
            raise TimeoutError(f"timed out after {timeout} s.")
        if self._error is not None:
            raise self._error
        return "done"

    def exception(self, timeout: float) -> Exception | None:
        return self._error


class _Client:
    def sync(self, question: Any, *arguments: Any, callback_timeout: float | None) -> Any:
        return question(*arguments)

    def nthreads(self) -> dict[str, int]:
        return {"worker": 1}


def _wait(future: _Future) -> None:
    cluster._wait(_Client(), future, "tcp://here:8786")  # type: ignore[arg-type]


def test_work_that_ends_right_after_a_glance_is_done() -> None:
    _wait(_Future())


def test_what_work_fails_of_right_after_a_glance_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        _wait(_Future(ZeroDivisionError()))


def test_a_limit_that_the_work_itself_ran_into_is_told() -> None:
    with pytest.raises(TimeoutError, match="of the storage"):
        _wait(_Future(TimeoutError("of the storage")))


def test_a_connection_that_is_slow_to_close_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def __init__(self, **_: object) -> None:
            pass

        def close(self, timeout: float) -> None:
            raise TimeoutError(f"timed out after {timeout} s.")

    async def reached(address: str) -> None:
        pass

    monkeypatch.setattr(cluster, "Client", Slow)
    monkeypatch.setattr(cluster, "_reach", reached)
    with cluster._connected("tcp://here:8786", cluster.PipelineOptions([])):
        pass
