"""What a monitor asks over HTTP: `/metrics`, `/healthz`, `/readyz`; nothing else is answered, nothing can be changed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.exposition import choose_encoder

from pipelines.sight.view import View
from schemas.errors import StillwatchError

_SOCKET_SECONDS = 10.0
"""How long an asker may take to send its request: a monitor needs a millisecond."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `:PORT` (this machine only) or `[IPv6]:PORT`.

    Raises:
        StillwatchError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise StillwatchError(f"--listen {text}", "it is no address", "give HOST:PORT, for example 127.0.0.1:9464")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@contextmanager
def serving(address: tuple[str, int], view: View) -> Iterator[int]:
    """Answers monitors in threads of their own, as long as the context is open; gives the port.

    Raises:
        StillwatchError: the address cannot be listened on.
    """

    class Handler(_Handler):
        told = view

    try:
        server = _Server(address, Handler)
    except OSError as error:
        where = f"--listen {address[0]}:{address[1]}"
        raise StillwatchError(
            where, f"it cannot be listened on ({error.strerror})", "name a free port of this machine"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        import socket

        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: an asker that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    told: View
    timeout = _SOCKET_SECONDS
    server_version = "stillwatch"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers one question."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept") or "")
            self._answer(HTTPStatus.OK, encode(self.told.registry()), kind)
        elif path == "/healthz":
            self._say(self.told.unhealthy())
        elif path == "/readyz":
            self._say(self.told.unready())
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"ask for /metrics, /healthz or /readyz\n")

    def log_message(self, *_: object) -> None:
        """Nothing: stderr is the story of the watch."""

    def _say(self, problem: str | None) -> None:
        status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, f"{problem or 'ok'}\n".encode())

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
