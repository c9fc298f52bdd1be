"""The command line in children that are killed in the middle of what they do to the disk.

Run as a program it is a server: it imports stillwatch once and forks a child for each order that comes on stdin, before
Polars has started a thread. A *point* is an instant before something changes on disk: a file is renamed, removed, made
or cut, a folder comes or goes, a Delta table is made or written. Killed before each of them, a lake is met in every
state that SIGKILL can leave, but for those inside one system call and inside Delta's own commit. A file that would have
been renamed is cut in half first, as if the child had died while it wrote.
"""

import gc
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

CHECKOUT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from pipelines.cli.main import main; main()"]
"""The command line as a program of its own."""

FAILED = 1
ANNOUNCED = "stillwatch.test.point"
_SENTENCE = re.compile(r"error: \S.*: \S.*\. Fix: \S.*\.")
_TEMPORARY = re.compile(r"\.\d+\.\d+\.tmp$")
_ALIKE = (
    (re.compile(r"\d+"), "#"),
    (re.compile(r"state/\w+/"), "state/STAGE/"),
    (re.compile(r"\w+\.arrow$"), "PART.arrow"),
    (re.compile(r"^create \w+$"), "create TABLE"),
)
_NEEDED = (
    "great_expectations",
    "pipelines.backfill",
    "pipelines.cli.backfill",
    "pipelines.cli.explain",
    "pipelines.lake.query",
    "pipelines.cli.watch",
    "pipelines.watch",
)
_MOST_SECONDS = 120
"""A child takes five; one that waits for ever must fail, not stop the tests."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code, -9 if it was killed.
        points: the points it came to, in order; of one that was killed, the last is where it died.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
        peak_bytes: the most memory it held.
    """

    code: int
    points: tuple[str, ...]
    out: str
    err: str
    peak_bytes: int


def is_one_clear_sentence(ended: Ended) -> bool:
    """Whether the command failed with one line that says where, what and how to mend it, and with no traceback."""
    return ended.code == FAILED and is_sentence(ended.err)


def is_sentence(err: str) -> bool:
    """Whether exactly one line of what was told is an error that says where, what and how to mend it."""
    told = [line for line in err.splitlines() if line.startswith("error:")]
    return len(told) == 1 and _SENTENCE.fullmatch(told[0]) is not None and "Traceback" not in err


class Children:
    """Forks children of a process that has stillwatch imported; use as a context."""

    def __enter__(self) -> Self:
        command = [sys.executable, str(Path(__file__).resolve())]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, env=environment, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        assert self._server.stdout is not None
        self._server.stdout.close()

    def run(
        self,
        arguments: Sequence[object],
        folder: Path,
        *,
        number: int | None = None,
        new_to: Sequence[str] | None = None,
        file_bytes: int | None = None,
        is_plain: bool = False,
        loses: bool = False,
    ) -> Ended:
        """Runs the command line in a child.

        Args:
            arguments: of `stillwatch`.
            folder: changes below it are points.
            number: dies at this point, counted from 0; None never.
            new_to: dies at the first point whose kind (`kind_of`) is not among these; its points are told by their kinds.
            file_bytes: the most a file may hold: beyond, writing fails as on a full disk.
            is_plain: permissions bind it, whoever runs it.
            loses: instead of dying, it finds the folder deleted.
        """
        order = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "number": number,
            "new_to": None if new_to is None else list(new_to),
            "file_bytes": file_bytes,
            "is_plain": is_plain,
            "loses": loses,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        return Ended(answer["code"], tuple(answer["points"]), answer["out"], answer["err"], answer["peak_bytes"])


def killed_at_each_point(
    children: Children,
    arguments: Callable[[Path], Sequence[object]],
    before: Path,
    lake: Path,
    first: int = 0,
    step: int = 1,
) -> Iterator[tuple[Path, str]]:
    """The lake of each death, and where: a command that begins with the same lake each time dies at its first point, then at its second ...

    Args:
        children: who dies.
        arguments: of the command, for a lake.
        before: the lake it begins with; none if that does not exist.
        lake: where each of them works.
        first: number of the point of the first death.
        step: from one to the next: several can share the work.
    """
    for number in itertools.count(first, step):
        shutil.rmtree(lake, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, lake)
        ended = children.run(arguments(lake), lake, number=number)
        if ended.code != -signal.SIGKILL:
            assert ended.code == 0, ended.err
            return
        yield lake, ended.points[-1]


def kind_of(point: str) -> str:
    """The point without what many points differ in: numbers of runs, groups and days, stages, parts of a snapshot."""
    for pattern, name in _ALIKE:
        point = pattern.sub(name, point)
    return point


class _Points:
    """Counts the points and kills this process at one of them."""

    def __init__(self, order: dict[str, Any], report: int) -> None:
        self._folder = order["folder"]
        self._number = order["number"]
        self._known = None if order["new_to"] is None else frozenset(order["new_to"])
        self._loses = order["loses"]
        self._report = report
        self._count = 0
        self._is_dying = False
        self._lock = threading.RLock()  # cutting a file in half is heard, too

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The interpreter's audit hook."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int) and flags & _WRITING:
                named = os.fsdecode(path)
                # Between its opening and its renaming a temporary file is the same to whoever comes next.
                if not named.endswith(".tmp"):
                    self._meet("open", named)
        elif event == ANNOUNCED:
            self._meet(arguments[0], _path(arguments[1], -1))
        elif event == "os.rename":
            self._meet("rename", _path(arguments[1], arguments[3]), written=_path(arguments[0], arguments[2]))
        elif event in ("os.remove", "os.rmdir"):
            path = _path(*arguments)
            if os.path.lexists(path):
                self._meet(event, path)
        elif event == "os.mkdir":
            path = _path(arguments[0], arguments[2])
            if not os.path.lexists(path) and Path(path).parent.exists():
                self._meet(event, path)
        elif event == "os.truncate":
            self._meet(event, _path(arguments[0], -1))
        elif event == "os.link":
            self._meet(event, _path(arguments[1], arguments[3]))

    def _meet(self, event: str, path: str, written: str | None = None) -> None:
        if self._is_dying or not path.startswith(self._folder):
            return
        label = f"{event.removeprefix('os.')} {_TEMPORARY.sub('.tmp', path.removeprefix(self._folder).strip('/'))}"
        if self._known is not None:
            label = kind_of(label)
        with self._lock:
            os.write(self._report, label.encode() + b"\n")
            is_chosen = self._count == self._number or (self._known is not None and label not in self._known)
            self._count += 1
            if is_chosen:
                self._is_dying = True
                if self._loses:
                    shutil.rmtree(self._folder)
                    return
                if written is not None and written.endswith(".tmp"):
                    os.truncate(written, Path(written).stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)


def _path(path: Any, folder: int) -> str:
    """A path as the audit events name it: relative to an opened folder, or itself a descriptor."""
    if isinstance(path, int):
        return str(Path(f"/proc/self/fd/{path}").readlink())
    named = os.fsdecode(path)
    return named if folder < 0 else str(Path(f"/proc/self/fd/{folder}").readlink() / named)


def _announce(owner: Any, name: str, where: Callable[..., Any]) -> None:
    """Makes a function that changes the disk beyond Python's sight say so before it does."""
    function = getattr(owner, name)

    def announced(*arguments: Any, **named: Any) -> Any:
        sys.audit(ANNOUNCED, name, where(*arguments))
        return function(*arguments, **named)

    setattr(owner, name, announced)


def _child(order: dict[str, Any], report: int, out: int, err: int) -> NoReturn:
    import resource

    import deltalake

    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.alarm(_MOST_SECONDS)
    points = _Points(order, report)
    _announce(deltalake.DeltaTable, "create", lambda path, *_: path)
    _announce(
        deltalake.DeltaTable, "create_write_transaction", lambda table, *_: table.table_uri.removeprefix("file://")
    )
    _announce(deltalake.DeltaTable, "restore", lambda table, *_: table.table_uri.removeprefix("file://"))
    _announce(os, "pwrite", lambda descriptor, *_: descriptor)
    sys.addaudithook(points.hear)
    if order["file_bytes"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], order["file_bytes"]))
    if order["is_plain"]:
        _drop_capabilities()
    from pipelines.cli.main import main

    code = 70
    try:
        main(order["arguments"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 70
    except BaseException:  # noqa: BLE001 - shown as the interpreter would show it
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _drop_capabilities() -> None:
    """Takes root's right to pass over permissions from this process; others have none."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")


def _serve() -> None:
    import logging
    import tempfile
    from importlib import import_module

    for module in _NEEDED:
        import_module(module)
    logging.getLogger().handlers.clear()  # as they are before the command line sets them up
    threads = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
    assert not any(name.startswith(("polars-0", "tokio")) for name in threads), "children would wait for lost threads"
    os.fsync = lambda _descriptor: None  # SIGKILL takes nothing from the disk that was not forced to it
    gc.collect()
    gc.freeze()  # children need not look at what is imported, nor copy it
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile() as report, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                _child(order, report.fileno(), out.fileno(), err.fileno())
            _, status, usage = os.wait4(child, 0)
            texts = []
            for file in (report, out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="backslashreplace"))
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "points": texts[0].splitlines(),
            "out": texts[1],
            "err": texts[2],
            "peak_bytes": usage.ru_maxrss * 1024,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
