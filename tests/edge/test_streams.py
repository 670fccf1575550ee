"""What an address is: a stream, an image, a film, or nothing that can be watched, and why."""

import socketserver
import threading
import time
from pathlib import Path

import pytest

from edge.camera import Camera, iter_frames
from edge.config import EdgeConfig
from edge.errors import RefusedError, SourceError
from edge.http_images import MjpegSource, SnapshotSource
from edge.sources import open_source
from edge.video import VideoSource
from edge.web_film import WebFilm
from tests.processes import run_python
from tests.rigs.clips import read_stamp, write_h264
from tests.rigs.web_camera import WebCamera

CONFIG = EdgeConfig(source="demo")


@pytest.mark.parametrize("path", ["mjpeg", "no-boundary", "no-length", "body-first", "bare"])
def test_a_stream_of_jpegs_is_read_however_its_parts_are_marked(path: str) -> None:
    with WebCamera() as camera:
        source = open_source(camera.address(path), CONFIG)
        stamps = [read_stamp(source.read()) for _ in range(10)]  # type: ignore[arg-type]
        source.close()
    assert isinstance(source, MjpegSource)
    assert stamps == list(range(10))


def test_a_stream_may_become_smaller_at_any_time() -> None:
    with WebCamera() as camera:
        source = open_source(camera.address("smaller"), CONFIG)
        sizes = [source.read().shape[:2] for _ in range(30)]  # type: ignore[union-attr]
        source.close()
    assert sizes == [(480, 640)] * 20 + [(240, 320)] * 10


@pytest.mark.parametrize("path", ["basic", "digest?x=1"])
def test_a_password_is_asked_for_once_and_a_wrong_one_is_told(path: str) -> None:
    with WebCamera() as camera:
        open_source(camera.address(path, "me:pw"), CONFIG).close()
        with pytest.raises(RefusedError, match=r"Received: wrong user or password, or none \(401\)") as caught:
            open_source(camera.address(path, "me:wrong"), CONFIG)
        assert len(camera.paths) == 4  # each a question, and one answer to the challenge
    assert "wrong@" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("404", r"nothing is at this path \(404\)"),
        ("503", "busy"),
        ("403", "may not see"),
        ("page", "a web page"),
        ("broken", "ends its answer in the middle"),
    ],
)
def test_what_can_not_be_watched_says_why(path: str, reason: str) -> None:
    with WebCamera() as camera, pytest.raises(SourceError, match=f"Received: .*{reason}"):
        open_source(camera.address(path), CONFIG)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9/", "nothing listens"),
        ("rtsp://127.0.0.1:9/s", "nothing listens"),
        ("http://cam:a/secret@127.0.0.1/", "%23"),
        ("rtsp://cam:12#secret@127.0.0.1/", "%23"),
        ("http:///s", "not a valid address"),
    ],
)
def test_an_address_that_leads_nowhere_says_why(address: str, reason: str) -> None:
    with pytest.raises(SourceError, match=f"Expected a stream at .*Received: .*{reason}") as caught:
        open_source(address, CONFIG)
    assert "secret" not in str(caught.value)


def test_an_image_behind_an_address_is_asked_for_at_the_wanted_rate() -> None:
    with WebCamera() as web, Camera(web.address("snapshot"), EdgeConfig(source="demo", fps=5)) as camera:
        started_s = time.monotonic()
        taken = []
        for frame in iter_frames([camera], timeout_s=2):
            camera.limiter.takes(frame.captured_monotonic_s)
            taken.append(read_stamp(frame.image))
        seconds = time.monotonic() - started_s
        asked = len(web.paths)
    assert 2 <= len(taken) <= 5 * seconds + 2
    assert asked <= len(taken) + 3
    assert len(set(taken)) == len(taken)
    assert camera.skipped == 0


@pytest.mark.parametrize(("path", "kind"), [("film", WebFilm), ("film-ranges", VideoSource)])
def test_a_film_behind_an_address_is_a_film(path: str, kind: type, tmp_path: Path) -> None:
    with WebCamera(write_h264(tmp_path / "film.mp4", 20)) as camera:
        source = open_source(camera.address(path), CONFIG)
        images = 0
        while source.read() is not None:
            images += 1
        source.close()
    assert isinstance(source, kind)
    assert not source.live
    assert images == 20
    assert source.position_s == pytest.approx(19 / 30, abs=0.01)


def test_an_image_is_a_snapshot_whatever_its_type_says() -> None:
    with WebCamera() as camera:
        source = open_source(camera.address("snapshot?x=.mjpg"), CONFIG)
        assert isinstance(source, SnapshotSource)
        assert source.read() is not None


def test_the_command_says_in_one_line_what_failed_and_the_remedy() -> None:
    with WebCamera() as camera:
        run = run_python("-m", "edge.run", "--headless", "--source", camera.address("404"))
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "nothing is at this path (404)" in run.stderr
    assert "--source demo" in run.stderr


def test_a_stream_that_freezes_is_told_by_the_command() -> None:
    with WebCamera() as camera:
        camera.frozen = True
        run = run_python("-m", "edge.run", "--headless", "--source", camera.address("mjpeg"), "--seconds", "8")
    assert run.returncode == 0
    assert run.stderr.count("is frozen: the same image to the last byte") == 1


class RtspCamera:
    """Answers every question over RTSP with one code, and keeps the questions."""

    def __init__(self, code: int) -> None:
        self.asked: list[str] = []
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while first := self.rfile.readline().decode().strip():
                    camera.asked.append(first)
                    number = 0
                    while line := self.rfile.readline().decode().strip():
                        number = int(line.split(":")[1]) if line.startswith("CSeq") else number
                    challenge = 'WWW-Authenticate: Basic realm="c"\r\n' if code == 401 else ""
                    self.wfile.write(f"RTSP/1.0 {code} No\r\nCSeq: {number}\r\n{challenge}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"rtsp://me:secret@127.0.0.1:{self.server.server_address[1]}/live"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (401, RefusedError, "wrong user or password"),
        (404, SourceError, "nothing is at this path"),
        (453, SourceError, "too many viewers"),
    ],
)
def test_an_rtsp_camera_that_refuses_says_why(code: int, kind: type[SourceError], reason: str) -> None:
    camera = RtspCamera(code)
    with pytest.raises(kind, match=rf"Expected a stream at rtsp://127.*Received: .*{reason}.*\({code}\)") as caught:
        open_source(camera.address, CONFIG)
    camera.server.shutdown()
    camera.server.server_close()
    assert "secret" not in str(caught.value)
    assert len(camera.asked) <= 8


def test_a_service_rests_before_it_ends_for_a_refused_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent")
    program = "import sys, edge.run as run; run.REFUSED_REST_S = 3.0; run.leave(run.main(sys.argv[1:]))"
    with WebCamera() as camera:
        started_s = time.monotonic()
        run = run_python("-c", program, "--headless", "--source", camera.address("basic", "me:wrong"))
    assert time.monotonic() - started_s > 3
    assert run.returncode == 1
    assert "wrong user or password" in run.stderr
    assert len(camera.paths) == 2
