"""A server that answers as no camera should: refusals, web pages, half images, endless or silent streams."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from edge.sources import DemoSource

PATHS = (
    "",
    "401",
    "404",
    "page",
    "jpeg",
    "half.jpg",
    "mjpeg",
    "mjpeg-broken",
    "silent",
    "loop",
    "playlist.m3u8",
    "junk",
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    jpeg = cv2.imencode(".jpg", DemoSource().image(0))[1].tobytes()

    def do_GET(self) -> None:
        """Answer by the last part of the path."""
        path = self.path.rsplit("/", 1)[-1]
        try:
            getattr(self, f"_{path.split('.')[0].replace('-', '_')}", self._page)()
        except OSError:  # the client has left
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, kind: str, data: bytes, code: int = 200, length: int | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def _401(self) -> None:
        self._answer("text/plain", b"no", 401)

    def _404(self) -> None:
        self._answer("text/plain", b"no", 404)

    def _page(self) -> None:
        self._answer("text/html", b"<html>a web page</html>")

    def _jpeg(self) -> None:
        self._answer("image/jpeg", self.jpeg)

    def _half(self) -> None:
        self._answer("image/jpeg", self.jpeg[: len(self.jpeg) // 2], length=len(self.jpeg))

    def _junk(self) -> None:
        self._answer("video/mp4", bytes(range(256)) * 100)

    def _playlist(self) -> None:
        self._answer("application/vnd.apple.mpegurl", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")

    def _loop(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/loop")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _silent(self) -> None:
        time.sleep(8)
        self.close_connection = True

    def _mjpeg(self, broken: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=f")
        self.end_headers()
        for index in range(200):
            part = self.jpeg[: -9000 if broken and index % 2 else None]
            head = b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(self.jpeg)
            self.wfile.write(head + part + b"\r\n")
            time.sleep(0.05)
        self.close_connection = True

    def _mjpeg_broken(self) -> None:
        self._mjpeg(broken=True)


class OddServer:
    """Serves until it is left."""

    def __enter__(self) -> "OddServer":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
