"""An IP camera that sends Motion JPEG over HTTP: python -m tests.rigs.mjpeg_server PORT [--silent] [--clock].

With `--control FILE` it does what the file says: `frozen` repeats one image, `dark` covers the lens, else all is well.
"""

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from tests.rigs.clips import jpeg, jpegs, milliseconds

BOUNDARY = "frame"


class CameraHandler(BaseHTTPRequestHandler):
    """Sends images at 30 a second for as long as somebody reads; a silent one answers and then sends nothing."""

    images: tuple[bytes, ...] = ()
    silent = False
    clock = False
    """Stamp each image with the moment it is sent, in milliseconds of the machine's monotonic clock."""
    control: Path | None = None
    black: tuple[bytes, ...] = ()
    """Images of a covered lens: black, with the sensor's noise."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        if self.silent:
            time.sleep(3600)
        started_s = time.monotonic()
        for index in range(10**9):
            image = self.image(index)
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + image + b"\r\n")
            except OSError:
                return  # the reader has left
            time.sleep(max(0.0, started_s + (index + 1) / 30 - time.monotonic()))

    def image(self, index: int) -> bytes:
        """The next image to send."""
        order = self.control.read_text() if self.control else ""
        if order == "dark":
            return self.black[index % len(self.black)]
        if self.clock:
            return jpeg(milliseconds())
        return self.images[0 if order == "frozen" else index % len(self.images)]

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the tests read the command's own output."""


def covered(count: int) -> tuple[bytes, ...]:
    """JPEGs of a lens that is covered."""
    dice = np.random.default_rng(0)
    noise = (dice.integers(0, 8, (480, 640, 3), np.uint8) for _ in range(count))
    return tuple(cv2.imencode(".jpg", image)[1].tobytes() for image in noise)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--clock", action="store_true")
    parser.add_argument("--control", type=Path)
    arguments = parser.parse_args()
    CameraHandler.control, CameraHandler.black = arguments.control, covered(5) if arguments.control else ()
    CameraHandler.silent, CameraHandler.clock = arguments.silent, arguments.clock
    CameraHandler.images = () if arguments.silent or arguments.clock else tuple(jpegs(30))
    ThreadingHTTPServer(("127.0.0.1", arguments.port), CameraHandler).serve_forever()


if __name__ == "__main__":
    main()
