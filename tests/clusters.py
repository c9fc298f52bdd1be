"""A Dask cluster of real processes on this machine: a scheduler and workers, which can be killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

_STARTING_SECONDS = 60
"""A process takes two; one that does not come up must fail the test, not stop it."""


_ENDING_SECONDS = 30
"""Until a killed process is gone, with the last of what it said."""


class Process:
    """A process whose story is kept."""

    def __init__(self, *arguments: str, folder: Path, is_ready: str) -> None:
        self.told: list[str] = []
        self._ready = threading.Event()
        around = os.environ | {"POLARS_MAX_THREADS": "1"}  # workers that share cores must not each take all of them
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=folder, env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(is_ready,), daemon=True)
        self._reader.start()
        if not self._ready.wait(_STARTING_SECONDS) or self._process.poll() is not None:
            self.kill()
            raise AssertionError(f"{arguments} did not start:\n" + "".join(self.told))

    def _read(self, is_ready: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told.append(line)
            if is_ready in line:
                self._ready.set()
        self._ready.set()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and answers nobody."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL, and whatever it was doing is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(_ENDING_SECONDS)
        self._reader.join(_ENDING_SECONDS)
        assert not self._reader.is_alive(), "a child of it lives on and holds its output"
        assert self._process.stdout is not None
        self._process.stdout.close()


class Cluster:
    """A scheduler and its workers, one thread each; use as a context.

    Args:
        folder: where they keep what they must; what they leave on disk is below it.
        workers: how many.

    Attributes:
        scheduler: its process.
        workers: theirs.
        address: of the scheduler.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._count = workers
        self.workers: list[Process] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        asked = ("scheduler", "--host", "tcp://127.0.0.1:0", "--no-dashboard", "--no-show")
        self.scheduler = Process(*asked, folder=self._folder, is_ready="Scheduler at:")
        self.address = next(line.split()[-1] for line in self.scheduler.told if "Scheduler at:" in line)
        try:
            for _ in range(self._count):
                self.add_worker()
        except BaseException:
            self.__exit__()
            raise
        return self

    def add_worker(self) -> Process:
        """One more worker, once it is registered."""
        asked = ("worker", self.address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1")
        asked += ("--local-directory", str(self._folder))
        worker = Process(*asked, folder=self._folder, is_ready="Registered to:")
        self.workers.append(worker)
        return worker

    def told(self) -> str:
        """What all of them said so far."""
        return "".join(line for process in (self.scheduler, *self.workers) for line in process.told)

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
