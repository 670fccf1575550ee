"""A small web server that shows how a run is, to Prometheus and to people: /metrics, /healthz and /snapshot.jpg.

It has its own threads and only reads, so that it answers even if the main loop hangs: that is when it is needed.
"""

import hmac
import json
import logging
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from edge.errors import ConfigError, SinkError

STOP_S = 1.0
_EXPECTED = "Expected HOST:PORT for --metrics, such as 127.0.0.1:9100"
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """A response."""

    code: int
    kind: str
    content: bytes


class Pages(NamedTuple):
    """The functions behind the paths."""

    metrics: Callable[[str], Answer]
    """/metrics: takes the request's Accept header."""
    problems: Callable[[], list[str]]
    """/healthz: why the run is not healthy; empty if it is."""
    snapshot: Callable[[str], bytes | None]
    """/snapshot.jpg: takes a camera's name (empty: the first camera); None if there is no such camera."""
    token: str = ""
    """The token that a request for a snapshot must show; without a token none is served."""


class StatusServer:
    """Serves the pages from construction until `close`.

    Raises:
        ConfigError: the address is not HOST:PORT.
        SinkError: it does not exist, or another program has it.
    """

    def __init__(self, address: str, pages: Pages) -> None:
        host, port = split_address(address)
        handler = type("Handler", (_Handler,), {"pages": pages})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise SinkError(f"{_EXPECTED}. Received: {address}, {error}") from error
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="status page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the server; a response in progress ends with the process."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(STOP_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log one line, but nothing of a client that hung up."""
        if not isinstance(error := sys.exc_info()[1], OSError):
            _log.error("Expected to answer a request for the status page. Received: %r", error)


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    timeout = 10
    server_version, sys_version = "emotion-edge", ""

    def do_GET(self) -> None:
        """Answer."""
        answer = self._answer()
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Log nothing: Prometheus asks every few seconds, and an address may hold the token."""

    def _answer(self) -> Answer:
        try:
            url = urlsplit(self.path.encode("latin-1").decode("utf-8", "replace"))
        except ValueError:
            return _text(400, "this is no address")
        if url.path == "/metrics":
            return self.pages.metrics(self.headers.get("Accept", ""))
        if url.path == "/healthz":
            return _health(self.pages.problems())
        if url.path == "/snapshot.jpg" and self.pages.token:
            return self._snapshot({name: values[0] for name, values in parse_qs(url.query).items()})
        return _text(404, "here are /metrics and /healthz")

    def _snapshot(self, query: dict[str, str]) -> Answer:
        token = self.pages.token.encode()
        header = self.headers.get("Authorization", "").removeprefix("Bearer ")  # read as Latin-1; most send UTF-8
        given = (header.encode("latin-1"), header.encode(), query.get("token", "").encode())
        if not any(hmac.compare_digest(one, token) for one in given):
            return _text(401, "the token is wrong, or missing: Authorization: Bearer TOKEN")
        image = self.pages.snapshot(query.get("camera", ""))
        return _text(404, "no such camera has given an image") if image is None else Answer(200, "image/jpeg", image)


def _health(problems: list[str]) -> Answer:
    content = json.dumps({"healthy": not problems, "problems": problems}) + "\n"
    return Answer(503 if problems else 200, "application/json", content.encode())


def _text(code: int, text: str) -> Answer:
    return Answer(code, "text/plain; charset=utf-8", f"{text}\n".encode())


def split_address(address: str) -> tuple[str, int]:
    """The host and the port of HOST:PORT; a ConfigError if it is something else."""
    try:
        url = urlsplit(f"//{address}")
        if url.hostname and url.port is not None and url.netloc == address and "@" not in address:
            return url.hostname, url.port
    except ValueError:
        pass
    raise ConfigError(f"{_EXPECTED}. Received: {address.rpartition('@')[2]}")
