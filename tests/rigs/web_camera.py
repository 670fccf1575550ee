"""A camera's web server in this process, whose paths behave as cameras of many makes do.

Usage:
    with WebCamera() as camera:
        open_source(camera.address("mjpeg"), config)
        assert camera.paths == ["/mjpeg"]
"""

import base64
import contextlib
import functools
import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from tests.rigs.clips import jpegs

USER, PASSWORD = "me", "pw"
FPS = 60


class WebCamera:
    """Serves on a free port of this machine until it is left; `film` is what it has under film and film-ranges."""

    def __init__(self, film: Path | None = None) -> None:
        self.paths: list[str] = []
        self.film = film
        self.jpegs = _jpegs()
        self.frozen = False
        """Whether each image is the first one."""
        camera = self

        class Handler(_Handler):
            rig = camera

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "WebCamera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def address(self, path: str, user: str = "") -> str:
        """The address of a path, with user and password before the host if they are given."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self._server.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    rig: WebCamera

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.rig.paths.append(self.path)
        name = self.path[1:].partition("?")[0]
        wanted = {"basic": 'Basic realm="c"', "digest": 'Digest realm="c", nonce="n", qop="auth"'}.get(name)
        if wanted and not self._is_authorized(wanted):
            self._answer(401, b"", "text/plain", **{"WWW-Authenticate": wanted})
        elif name.isdigit():
            self._answer(int(name), b"", "text/plain")
        elif name == "broken":  # the head of an answer in pieces, and no more
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: image/x\r\n\r\n")
        elif name == "page":
            self._answer(200, b"<html><body>Log in</body></html>", "text/html")
        elif name == "snapshot":
            self._answer(200, self._image(len(self.rig.paths)), "image/jpeg")
        elif name.startswith("film") and self.rig.film:
            self._film(self.rig.film.read_bytes(), "ranges" in name)
        else:
            self._stream(name)

    def _answer(self, code: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(code)
        for field, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(field, value)
        self.end_headers()
        self.wfile.write(body)

    def _film(self, content: bytes, ranges: bool) -> None:
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) if ranges else None
        start = int(asked[1]) if asked else 0
        extra = {"Accept-Ranges": "bytes"} if ranges else {}
        if asked:
            extra["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        with contextlib.suppress(OSError):  # the reader has what it wanted
            self._answer(206 if asked else 200, content[start:], "video/mp4", **extra)

    def _stream(self, name: str) -> None:
        boundary = "" if name == "no-boundary" else "; boundary=--f"
        kind = "application/octet-stream" if name == "bare" else f"multipart/x-mixed-replace{boundary}"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        try:
            for index in range(10**6):
                self.wfile.write(self._part(name, index))
                time.sleep(1 / FPS)
        except OSError:  # the reader has left
            pass

    def _part(self, name: str, index: int) -> bytes:
        image = self._image(index)
        if name == "smaller" and index >= 20:
            image = _shrunk(image)
        if name == "bare":
            return image
        length = b"" if name == "no-length" else b"Content-Length: %d\r\n" % len(image)
        start = b"" if name == "body-first" and index == 0 else b"--f\r\n"
        return start + b"Content-Type: image/jpeg\r\n" + length + b"\r\n" + image + b"\r\n"

    def _image(self, index: int) -> bytes:
        return self.rig.jpegs[0 if self.rig.frozen else index % len(self.rig.jpegs)]

    def _is_authorized(self, wanted: str) -> bool:
        given = self.headers.get("Authorization", "")
        if wanted.startswith("Basic"):
            return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        fields = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', given)}
        if not fields:
            return False
        secret, asked = _md5(f"{USER}:c:{PASSWORD}"), _md5(f"GET:{self.path}")
        expected = _md5(f"{secret}:n:{fields['nc']}:{fields['cnonce']}:auth:{asked}")
        return fields.get("uri") == self.path and fields.get("response") == expected


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _shrunk(jpeg: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".jpg", cv2.resize(image, (320, 240)))[1].tobytes()


@functools.cache
def _jpegs() -> list[bytes]:
    return jpegs(30)
