"""An IP camera that sends Motion JPEG over HTTP: python -m tests.rigs.mjpeg_server PORT [--silent] [--clock]."""

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.rigs.clips import jpeg, jpegs, milliseconds

BOUNDARY = "frame"


class CameraHandler(BaseHTTPRequestHandler):
    """Sends images at 30 a second for as long as somebody reads; a silent one answers and then sends nothing."""

    images: tuple[bytes, ...] = ()
    silent = False
    clock = False
    """Stamp each image with the moment it is sent, in milliseconds of the machine's monotonic clock."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        if self.silent:
            time.sleep(3600)
        started_s = time.monotonic()
        for index in range(10**9):
            image = jpeg(milliseconds()) if self.clock else self.images[index % len(self.images)]
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + image + b"\r\n")
            except OSError:
                return  # the reader has left
            time.sleep(max(0.0, started_s + (index + 1) / 30 - time.monotonic()))

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the tests read the command's own output."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--clock", action="store_true")
    arguments = parser.parse_args()
    CameraHandler.silent, CameraHandler.clock = arguments.silent, arguments.clock
    CameraHandler.images = () if arguments.silent or arguments.clock else tuple(jpegs(30))
    ThreadingHTTPServer(("127.0.0.1", arguments.port), CameraHandler).serve_forever()


if __name__ == "__main__":
    main()
