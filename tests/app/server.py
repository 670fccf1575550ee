"""The real app in a process of its own, and a camera whose images carry the time at which they were sent."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from edge.results import BgrImage
from edge.sources import DemoSource
from tests.rigs.clips import BITS, SIDE
from tests.rigs.faults import ROOT, free_port, wait_for_port

CLOCK_MS = 1 << BITS
"""The clock in the images counts milliseconds and starts again after these: 17 minutes."""


@contextlib.contextmanager
def first_in_line() -> Iterator[None]:
    """Start what is measured with priority over the machine's other work, where that is allowed."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, usual)


class AppServer:
    """`streamlit run app/main.py`, as a user starts it.

    Usage:
        with AppServer(folder, {"VCAM_FILE": ...}) as server:
            page.goto(server.url)
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log_path = folder / "server.log"
        self._environment = {**os.environ, **environment}

    def __enter__(self) -> "AppServer":
        arguments = ["run", "app/main.py", "--server.headless", "true", "--server.port", str(self.port)]
        with self._log_path.open("wb") as log, first_in_line():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", *arguments],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for_port(self.port, 60)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)

    @property
    def log(self) -> str:
        """What the server has written."""
        return self._log_path.read_text(errors="replace")

    @property
    def has_camera_open(self) -> bool:
        """Whether the preloaded camera is open: its buffers are a memory file."""
        links = (os.readlink(entry) for entry in Path(f"/proc/{self.process.pid}/fd").iterdir() if entry.is_symlink())
        return any("virtual camera" in link for link in links)


class ClockCamera:
    """An IP camera: Motion JPEG over HTTP at 30 per second, with the time of sending in each image.

    Args:
        images: what it shows, again and again; the demo if none are given.
    """

    def __init__(self, images: Sequence[BgrImage] = ()) -> None:
        demo = DemoSource()
        images = images or [demo.image(index) for index in range(30)]
        self.fault = ""
        """frozen: the same image again and again; dark: black ones with a sensor's noise; silent: none; killed: off."""
        still = _part(images[0])
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if camera.fault == "killed":
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                started_s = time.monotonic()
                for index in range(10**6):
                    if camera.fault == "killed":
                        return
                    try:
                        if camera.fault != "silent":
                            self.wfile.write(camera.part(images[index % len(images)], still))
                    except OSError:
                        return  # the reader has left
                    time.sleep(max(0.0, started_s + (index + 1) / 30 - time.monotonic()))

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/camera"

    def part(self, image: BgrImage, still: bytes) -> bytes:
        """What is sent now."""
        if self.fault == "frozen":
            return still
        return _part(_night()) if self.fault == "dark" else _part(_with_clock(image))

    def __enter__(self) -> "ClockCamera":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _part(image: BgrImage) -> bytes:
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


def _night() -> BgrImage:
    return np.random.default_rng().integers(0, 6, (480, 640, 3), dtype=np.uint8)


def _with_clock(image: BgrImage) -> BgrImage:
    now_ms = int(time.time() * 1000) % CLOCK_MS
    image = image.copy()
    for bit in range(BITS):
        image[:SIDE, bit * SIDE : (bit + 1) * SIDE] = 255 if now_ms >> bit & 1 else 0
    return image
