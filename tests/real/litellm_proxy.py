"""A real LiteLLM proxy on loopback, and the sink its logs are posted to."""

import contextlib
import http.client
import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RECIPE = Path(__file__).parent / "proxy"
ENVIRONMENT = Path(__file__).parents[2] / ".venv-litellm"
LONG_ANSWER = (
    "<think>First the knowns, then the unknowns. </think>" + "Step by step the quantity follows from the last. " * 60
)


@dataclass
class Sink:
    """Receives POST bodies and keeps them byte for byte, one a line."""

    port: int
    bodies: "queue.Queue[bytes]" = field(default_factory=queue.Queue)
    received: list[bytes] = field(default_factory=list)

    def wait_for(self, payloads: int, seconds: float = 120.0) -> None:
        """Block until so many payloads have arrived in all, at the longest so many seconds."""
        deadline = time.monotonic() + seconds
        while self.count() < payloads:
            with contextlib.suppress(queue.Empty):
                self.received.append(self.bodies.get(timeout=0.5))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.count()} of {payloads} payloads after {seconds} s")

    def count(self) -> int:
        """Payloads received so far."""
        return sum(len(json.loads(body)) for body in self.received)


class Proxy:
    """One running proxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def call(
        self, team: str, path: str = "/v1/chat/completions", headers: dict[str, str] | None = None, **body: Any
    ) -> int:
        """POST one call for a team over a kept-alive connection; returns the HTTP status."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._connections.append(connection)
        sent = {
            "authorization": f"Bearer sk-team-{team}" if team else "Bearer sk-wrong",
            "content-type": "application/json",
        }
        connection.request("POST", path, json.dumps(body), sent | (headers or {}))
        response = connection.getresponse()
        response.read()
        return response.status

    def close(self) -> None:
        """Close all kept-alive connections."""
        for connection in self._connections:
            connection.close()


def environment() -> Path:
    """The proxy's own Python environment, made once from its lock."""
    done = ENVIRONMENT / "installed"
    lock = (RECIPE / "requirements.lock").read_text()
    if not done.exists() or done.read_text() != lock:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        venv.create(ENVIRONMENT, with_pip=True)
        pip = [
            ENVIRONMENT / "bin" / "python",
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",  # the lock is complete: resolving again fails at random on extras
            "--require-hashes",
            "-r",
            RECIPE / "requirements.lock",
        ]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL, timeout=900)
        done.write_text(lock)
    return ENVIRONMENT


@contextlib.contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink listening on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.bodies.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # joined at the end, so that no socket stays open
    sink = Sink(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def running_proxy(folder: Path, sink: Sink, payloads_a_post: int) -> Iterator[Proxy]:
    """A proxy whose logs go to the sink, in posts of exactly so many calls; stopped at the end.

    LiteLLM clears its queue after a post has been answered, and with it what was logged meanwhile (`async_send_batch` of
    its generic_api logger, 1.106.2). On a busy machine a post every five seconds so loses some of a few hundred calls
    for good. Nothing is lost if a post starts with the last call: by count, never by time.
    """
    home = environment()
    config = (RECIPE / "proxy.yaml").read_text().replace("@LONG@", LONG_ANSWER)
    (folder / "proxy.yaml").write_text(config)
    shutil.copy(RECIPE / "accounts_auth.py", folder)
    port = _free_port()
    variables = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "STILLWATCH", "VIRTUAL"))
    }
    variables |= {
        "GENERIC_LOGGER_ENDPOINT": f"http://127.0.0.1:{sink.port}/logs",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DEFAULT_BATCH_SIZE": str(payloads_a_post),
        "DEFAULT_FLUSH_INTERVAL_SECONDS": "86400",
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    command = [home / "bin" / "litellm", "--config", "proxy.yaml", "--port", str(port), "--host", "127.0.0.1"]
    command += ["--keepalive_timeout", "600"]  # with uvicorn's five seconds a machine that stalls loses its connections
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_alive(port, process, folder / "proxy.log")
            with contextlib.closing(Proxy(port)) as proxy:
                yield proxy
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_alive(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == 200:
                connection.close()
                return
        connection.close()
        time.sleep(0.3)
    raise RuntimeError(f"the proxy did not come up: {log.read_text(errors='replace')[-2000:]}")
