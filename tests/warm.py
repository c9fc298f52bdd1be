"""`stillwatch` that has imported everything already: programs whose start is not what a test is about are forked from it.

Half of what a small command costs is importing libraries. `warm()` starts one process that has done so, and gives a program to call in the place of
`stillwatch`: it hands its arguments, folder, environment and standard streams over, passes SIGINT and SIGTERM on and ends as its child
does. Whoever kills the program kills the child, but may learn of its end before the child is gone. How many threads Polars has is
settled already. A test of that, of a start without anything imported or of a process that dies needs the real one.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parents[1]
_PROGRAM = """#!{python} -IS
import json, os, signal, socket, sys
passed_on = (signal.SIGINT, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until it is known to whom
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
answers = server.makefile("r")
child = int(answers.readline())
for number in passed_on:
    signal.signal(number, lambda number, _frame: os.kill(child, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
code = int(answers.readline())
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@functools.cache
def warm() -> Path:
    """A program to call in the place of `stillwatch`, alone in its folder; the process behind it ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    address, program = folder / "address", folder / "stillwatch"
    program.write_text(_PROGRAM.format(python=sys.executable, address=str(address)))
    program.chmod(0o700)
    server = subprocess.Popen(
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def end() -> None:
        with server:
            server.communicate(timeout=30)
        shutil.rmtree(folder)

    atexit.register(end)
    assert server.stdout.readline() == b"ready\n"
    return program


def _serve(address: str) -> None:
    from pipelines.cli.main import COMMANDS, prepare_process

    prepare_process()
    import_module("great_expectations")
    import_module("pipelines.backfill")
    import_module("pipelines.watch")
    for name in (name for section in COMMANDS.values() for name in section):
        import_module(f"pipelines.cli.{name}")
    import logging

    logging.getLogger().handlers.clear()  # as they are before the command line sets them up
    threads = [(task / "comm").read_text() for task in Path("/proc/self/task").iterdir()]
    assert not any(name.startswith(("polars-0", "tokio")) for name in threads), "children would wait for lost threads"
    os.fsync = lambda _descriptor: None  # as in the tests themselves (conftest.py)
    gc.collect()
    gc.freeze()  # children need not look at what is imported, nor copy it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            caller, _ = listening.accept()
            with caller:
                if os.fork() == 0:
                    listening.close()
                    _keep(caller)


def _keep(caller: socket.socket) -> NoReturn:
    """Forks the child, tells the caller its id and how it ended, and kills it once the caller is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(caller, 8, 3)
    request = bytearray()
    while len(request) < int.from_bytes(size, "big"):
        request += caller.recv(1 << 20)
    child = os.fork()
    if child == 0:
        caller.close()
        _run(*json.loads(request), streams)
    for descriptor in (0, 1, *streams):  # their readers wait for the child's end alone
        os.close(descriptor)
    caller.sendall(f"{child}\n".encode())
    ended = os.pidfd_open(child)
    if ended not in select.select([ended, caller], [], [])[0]:
        with contextlib.suppress(ProcessLookupError):  # its own children with it, once it leads a group
            os.killpg(child, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        caller.sendall(f"{code}\n".encode())
    finally:
        os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> NoReturn:
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # What they were opened to is another thing: a file where there is a pipe now.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1, errors="backslashreplace")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    from pipelines.cli.main import main

    status = 0
    try:
        main(arguments)
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - shown as the interpreter would show it
        sys.excepthook(*sys.exc_info())
        status = 1
    finally:
        threading._shutdown()  # type: ignore[attr-defined] # as an interpreter ends: other threads first, then what is to be done at exit
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])
