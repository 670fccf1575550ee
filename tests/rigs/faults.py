"""Kill a camera and bring it back, many times, and measure how soon results flow again.

python -m tests.rigs.faults --kind v4l2 --times 10
"""

import argparse
import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from tests.rigs.clips import write_h264, write_mjpeg

RIGS = Path(__file__).parent
ROOT = RIGS.parent.parent


class Rig(Protocol):
    """A camera that can die."""

    source: str
    environment: dict[str, str]

    def revive(self) -> None:
        """Bring it up; return when it can be opened."""

    def kill(self) -> None:
        """Take it away."""


class V4l2Rig:
    """A webcam whose plug is pulled: OpenCV's own V4L2 code over a preloaded device."""

    source = "/dev/video0"

    def __init__(self, folder: Path, death: str = "unplug") -> None:
        library = build_virtual_camera(folder)
        self._control = folder / "control"
        self._control.write_text("unplug")
        self._death = death
        self.environment = {
            "LD_PRELOAD": str(library),
            "VCAM_FILE": str(write_mjpeg(folder / "clip.mjpeg", 30)),
            "VCAM_CONTROL": str(self._control),
        }

    def revive(self) -> None:
        self.order("ok")

    def kill(self) -> None:
        self.order(self._death)

    def order(self, word: str) -> None:
        """Tell the camera: ok, stall, unplug or corrupt."""
        part = self._control.with_suffix(".part")
        part.write_text(word)
        part.replace(self._control)


class ServerRig:
    """A network camera: a server process that is killed without farewell."""

    def __init__(self, command: list[str], source: str, port: int) -> None:
        self.source = source
        self.environment: dict[str, str] = {}
        self._command = command
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def revive(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment({})
        )
        wait_for_port(self._port)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop answering without closing a connection."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on answering."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class EdgeProcess:
    """`python -m edge.run --headless` on a source, its lines with their times of arrival."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "edge.run", "--headless", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[tuple[float, dict[str, Any] | None]] = queue.Queue()
        self._log: list[str] = []
        self.states: list[dict[str, Any]] = []
        """The lines about the camera itself."""
        self._threads = [threading.Thread(target=self._read_lines), threading.Thread(target=self._read_log)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "EdgeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(10)

    @property
    def log(self) -> str:
        """Its standard error."""
        return "".join(self._log)

    def next_line(self, timeout_s: float) -> dict[str, Any]:
        """The next result line that arrives from now on.

        Raises:
            queue.Empty: none arrives in time.
            EOFError: the process has ended.
        """
        while not self._lines.empty():
            self._take(0)
        return self._take(timeout_s)[1]

    def lines_for(self, seconds: float) -> list[tuple[float, dict[str, Any]]]:
        """The lines that arrive within `seconds`, with their times of arrival."""
        deadline_s = time.monotonic() + seconds
        lines = []
        with contextlib.suppress(queue.Empty):  # the time is over
            while True:
                lines.append(self._take(max(0.0, deadline_s - time.monotonic())))
        return lines

    def wait_for_log(self, *texts: str, timeout_s: float = 20.0) -> None:
        """Return when one of `texts` stands in the log; a TimeoutError if it doesn't in time."""
        deadline_s = time.monotonic() + timeout_s
        while not any(text in self.log for text in texts):
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"Expected one of {texts} in the log. Received: {self.log}")
            time.sleep(0.05)

    def terminate(self, timeout_s: float = 30.0) -> float:
        """Send SIGTERM; return the seconds until the process had ended."""
        started_s = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout_s)
        return time.monotonic() - started_s

    def _take(self, timeout_s: float) -> tuple[float, dict[str, Any]]:
        arrived_s, line = self._lines.get(timeout=max(0.001, timeout_s))
        if line is None:
            raise EOFError(f"Expected a running process. Received: exit, {self.log}")
        return arrived_s, line

    def _read_lines(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            values = json.loads(line)
            if "state" in values:
                self.states.append(values)
            else:
                self._lines.put((time.monotonic(), values))
        self._lines.put((time.monotonic(), None))

    def _read_log(self) -> None:
        assert self.process.stderr
        self._log.extend(self.process.stderr)


def create_rig(kind: str, folder: Path) -> Rig:
    """A dead camera of a kind: `v4l2`, `v4l2-stall`, `mjpeg` or `rtsp`."""
    if kind.startswith("v4l2"):
        return V4l2Rig(folder, "stall" if kind.endswith("stall") else "unplug")
    port = free_port()
    if kind == "mjpeg":
        return ServerRig(
            [sys.executable, "-m", "tests.rigs.mjpeg_server", str(port)], f"http://127.0.0.1:{port}/", port
        )
    write_h264(folder / "face.mp4", 60)
    server = Path(sys.executable).with_name("rtsp-server")
    ports = ["--port", str(port), "--control-port", str(free_port())]
    command = [str(server), "--dir", str(folder), "--host", "127.0.0.1", *ports]
    return ServerRig(command, f"rtsp://127.0.0.1:{port}/face.mp4", port)


def build_virtual_camera(folder: Path) -> Path:
    """Compile the V4L2 stand-in."""
    library = folder / "virtual_camera.so"
    source = RIGS / "virtual_camera.c"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, timeout_s: float = 20.0) -> None:
    """Return when somebody listens there."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)


def measure_resumes(kind: str, times: int, dead_s: float = 2.5) -> list[float]:
    """Seconds from a camera's return to the next result line, for each of its deaths."""
    with tempfile.TemporaryDirectory() as folder:
        rig = create_rig(kind, Path(folder))
        rig.revive()
        try:
            with EdgeProcess("--source", rig.source, environment=rig.environment) as edge:
                edge.next_line(20)
                return [_measure_resume(rig, edge, dead_s) for _ in range(times)]
        finally:
            rig.kill()


def _measure_resume(rig: Rig, edge: EdgeProcess, dead_s: float) -> float:
    rig.kill()
    time.sleep(dead_s)
    rig.revive()
    back_s = time.monotonic()
    edge.next_line(30)
    return time.monotonic() - back_s


def _environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **extra}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("v4l2", "v4l2-stall", "mjpeg", "rtsp"), default="v4l2")
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()
    seconds = measure_resumes(arguments.kind, arguments.times)
    print(arguments.kind, "resumed after", [round(value, 2) for value in seconds], "s; longest", round(max(seconds), 2))


if __name__ == "__main__":
    main()
