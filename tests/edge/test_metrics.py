"""What a real Prometheus, a health check and somebody from afar see of a run."""

import json
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest

from edge import device_health, metrics
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import ConfigError, SourceError
from edge.metrics import MetricsSink, SnapshotOptions
from edge.results import BgrImage
from edge.run import main, run
from edge.sources import Source
from edge.status_page import Answer, Pages, StatusServer
from tests.fakes import FakeClassifier, FakeDetector, FakeSource, RecordingSink
from tests.processes import ROOT

FLEET = ROOT / "deploy" / "fleet"
TOKEN = "a token"
KNOWN = {"version": "1.2.3", "model_sha256": "ab12"}
WAIT_S = 20


class CountingSink(RecordingSink):
    """An output that keeps something back."""

    def counts(self) -> dict[str, float]:
        """As MQTT and the store have it."""
        return {"queued": 3, "dropped": 1}


class Cameras:
    """Two live cameras; `hall` dies when told, and comes back when told."""

    def __init__(self) -> None:
        self.is_dead = False

    def open(self, name: str, _: EdgeConfig) -> Source:
        if name == "1" and self.is_dead:
            raise SourceError("Expected a camera. Received: unplugged")
        source = FakeSource(count=10**6, live=True, fps=20)
        if name == "1":
            read = source.read
            source.read = lambda: self._checked(read())  # type: ignore[method-assign]
        return source

    def _checked(self, image: BgrImage | None) -> BgrImage | None:
        if self.is_dead:
            raise SourceError("Expected a frame. Received: unplugged")
        return image


class Running:
    """A run in a thread of its own."""

    def __init__(self, root: Path) -> None:
        self.cameras, self.stop = Cameras(), threading.Event()
        config = EdgeConfig(source=("door=0", "hall=1"), device_name="kitchen", reconnect_s=0.2, min_quality=0)
        self.engine = Engine(config, FakeDetector(), FakeClassifier(), self.cameras.open)
        options = SnapshotOptions(TOKEN, blur=True)
        self.sink = MetricsSink("127.0.0.1:0", self.engine, [CountingSink()], KNOWN, options)
        self.url = f"http://127.0.0.1:{self.sink.port}"
        self._thread = threading.Thread(target=run, args=(self.engine, [self.sink], self.stop))
        self._thread.start()

    def close(self) -> None:
        self.stop.set()
        self._thread.join(10)
        self.engine.close()
        self.sink.close()

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=10) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()

    def until(self, path: str, code: int, text: str) -> float:
        """Seconds until the page answers so."""
        started_s = time.monotonic()
        while time.monotonic() - started_s < WAIT_S:
            got, content = self.get(path)
            if got == code and text in content.decode():
                return time.monotonic() - started_s
            time.sleep(0.05)
        raise AssertionError((got, content))


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a Raspberry Pi that is hot and was short of power."""
    root = tmp_path_factory.mktemp("pi")
    files = {"sys/class/thermal/thermal_zone0/temp": "61234\n"}
    files["sys/devices/platform/soc/soc:firmware/get_throttled"] = "50004\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def running(pi: Path) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "temperature_c", partial(device_health.temperature_c, pi))
        patch.setattr(metrics, "throttling", partial(device_health.throttling, pi))
        one = Running(pi)
        one.until("/metrics", 200, 'emotion_edge_frames_total{camera="hall"')
        yield one
        one.close()


def test_every_measure_is_there_with_the_names_of_device_and_camera(running: Running) -> None:
    text = running.get("/metrics")[1].decode()
    for line in (
        r'emotion_edge_info\{device="kitchen",model_sha256="ab12",version="1.2.3"\} 1.0',
        r'emotion_edge_result_age_seconds_bucket\{camera="door",device="kitchen",le="0.1"\} [1-9]',
        r'emotion_edge_stage_seconds_count\{device="kitchen",stage="detect"\} [1-9]',
        r'emotion_edge_people\{camera="hall",device="kitchen"\} 1.0',
        r'emotion_edge_emotions\{camera="hall",device="kitchen",emotion="happy"\} 1.0',
        r'emotion_edge_camera_state\{camera="door",device="kitchen",state="online"\} 1.0',
        r'emotion_edge_frames_dropped_total\{camera="door",device="kitchen"\} ',
        r'emotion_edge_output\{device="kitchen",output="counting",what="queued"\} 3.0',
        r'emotion_edge_cpu_temperature_celsius\{device="kitchen"\} 61.234',
        r'emotion_edge_throttled\{device="kitchen",reason="under_voltage",when="since_boot"\} 1.0',
        r'emotion_edge_throttled\{device="kitchen",reason="throttled",when="now"\} 1.0',
        r'emotion_edge_throttled\{device="kitchen",reason="under_voltage",when="now"\} 0.0',
    ):
        assert re.search(line, text), (line, text)


def test_a_snapshot_costs_a_token_and_hides_who_asked_for_it(running: Running) -> None:
    assert running.get("/snapshot.jpg")[0] == 401
    assert running.get("/snapshot.jpg?token=wrong")[0] == 401
    assert running.get("/snapshot.jpg?camera=none", Authorization=f"Bearer {TOKEN}")[0] == 404
    code, content = running.get(f"/snapshot.jpg?camera=hall&token={quote(TOKEN)}")
    assert code == 200
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def test_a_camera_that_dies_is_told_within_five_seconds_and_so_is_its_return(running: Running) -> None:
    assert running.get("/healthz") == (200, b'{"healthy": true, "problems": []}\n')
    running.cameras.is_dead = True
    assert running.until("/healthz", 503, "hall is offline: Expected a") < 5
    assert running.until("/metrics", 200, 'people{camera="hall",device="kitchen"} 0.0') < 5
    assert running.until("/metrics", 200, 'state{camera="hall",device="kitchen",state="offline"} 1.0') < 5
    running.cameras.is_dead = False
    assert running.until("/healthz", 200, "true") < 5
    assert running.until("/metrics", 200, 'reconnects_total{camera="hall",device="kitchen"}') < 5


def test_a_loop_that_hangs_is_no_healthy_one(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "STUCK_S", 0.4)
    process, hangs = running.engine.push, threading.Event()
    monkeypatch.setattr(running.engine, "push", lambda frame: hangs.wait(2) and process(frame))
    assert running.until("/healthz", 503, "the loop hangs") < 5
    hangs.set()
    monkeypatch.undo()
    assert running.until("/healthz", 200, "true") < 5


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_promtool_finds_nothing_wrong(running: Running) -> None:
    checks = {("metrics",): running.get("/metrics")[1], ("rules", str(FLEET / "alerts.yml")): b""}
    for what, content in checks.items():
        done = subprocess.run(["promtool", "check", *what], input=content, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b""), done


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_every_query_of_the_dashboard_has_an_answer_from_a_real_prometheus(running: Running, tmp_path: Path) -> None:
    settings = (FLEET / "prometheus.yml").read_text().replace("15s", "200ms")
    settings = re.sub(r"targets: .*", f'targets: ["127.0.0.1:{running.sink.port}"]', settings)
    (tmp_path / "prometheus.yml").write_text(settings.replace("alerts.yml", str(FLEET / "alerts.yml")))
    url = f"127.0.0.1:{_free_port()}"
    options = (f"--web.listen-address={url}", f"--storage.tsdb.path={tmp_path}/data", "--log.level=error")
    server = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", *options])
    try:
        dashboard = json.loads((FLEET / "grafana" / "dashboard.json").read_text())
        queries = {target["expr"] for panel in dashboard["panels"] for target in panel["targets"]}
        assert len(queries) >= 18
        for query in queries:
            _until_data(url, query.replace("$device", "kitchen").replace("$__rate_interval", "1m"))
        assert _until_data(url, 'ALERTS{alertname="Throttled"}')[0]["metric"]["device"] == "kitchen"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.parametrize("address", ["9100", "host", ":9100", "127.0.0.1:x", "a:b@127.0.0.1:9100", "127.0.0.1:99999"])
def test_a_wrong_address_is_refused(address: str) -> None:
    with Engine(EdgeConfig(source="demo")) as engine, pytest.raises(ConfigError, match=r"HOST:PORT.*Received"):
        MetricsSink(address, engine)


def test_a_taken_port_is_one_line_and_a_token_needs_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert main(["--headless", "--source", "demo", "--metrics", f"127.0.0.1:{other.getsockname()[1]}"]) == 1
    with pytest.raises(SystemExit, match="2"):
        main(["--headless", "--source", "demo", "--snapshot-token", "hunter2"])
    said = capsys.readouterr().err
    assert "Address already in use" in said
    assert said.count("\n") == 2
    assert "hunter2" not in said


def test_no_token_no_snapshots(tmp_path: Path) -> None:
    with Engine(EdgeConfig(source="demo"), FakeDetector(), FakeClassifier()) as engine:
        sink = MetricsSink("127.0.0.1:0", engine)
        try:
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"http://127.0.0.1:{sink.port}/snapshot.jpg?token=", timeout=5)
            with pytest.raises(HTTPError, match="503"):  # it has not begun
                urlopen(f"http://127.0.0.1:{sink.port}/healthz", timeout=5)
        finally:
            sink.close()
    assert device_health.temperature_c(tmp_path) is None
    assert device_health.throttling(tmp_path) == {}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _until_data(url: str, query: str) -> list[dict[str, dict[str, str]]]:
    """What Prometheus answers, once it has any data."""
    end_s, answer = time.monotonic() + WAIT_S, "nothing"
    while time.monotonic() < end_s:
        try:
            with urlopen(f"http://{url}/api/v1/query?query={quote(query)}", timeout=5) as page:
                answer = json.load(page)["data"]["result"]
        except OSError as error:  # it has not begun, or it does not take the query
            answer = f"{error}"
        if isinstance(answer, list) and answer:
            return answer
        time.sleep(0.1)
    raise AssertionError((query, answer))


def ask(port: int, request: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(request + b"\r\n\r\n")
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_no_request_fills_the_journal(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    port = running.sink.port
    assert ask(port, b"GET http://[ HTTP/1.1").startswith(b"HTTP/1.0 400 ")
    for version in (b"abc", b"1.0.0", b"", b"1.x.0"):
        accept = b"Accept: application/openmetrics-text; version=" + version
        answer = ask(port, b"GET /metrics HTTP/1.1\r\n" + accept)
        assert answer.startswith(b"HTTP/1.0 200 ")
        assert b"emotion_edge_frames_total" in answer
    assert ask(port, b"GET /snapshot.jpg?camera=%ff&token=%ff\xff HTTP/1.1").startswith(b"HTTP/1.0 401 ")
    assert capfd.readouterr().err == ""


def test_head_is_answered_like_get_without_a_body(running: Running) -> None:
    for page in (b"/healthz", b"/none"):
        (head, _), (whole, body) = (
            ask(running.sink.port, method + b" " + page + b" HTTP/1.1").split(b"\r\n\r\n", 1)
            for method in (b"HEAD", b"GET")
        )
        assert body
        assert ask(running.sink.port, b"HEAD " + page + b" HTTP/1.1").endswith(b"\r\n\r\n")
        assert [line for line in head.splitlines() if b"Date" not in line] == [
            line for line in whole.splitlines() if b"Date" not in line
        ]


def test_a_token_may_have_any_letters_in_the_encoding_of_any_client() -> None:
    server = StatusServer("127.0.0.1:0", Pages(lambda _: Answer(200, "", b""), list, lambda _: b"jpeg", "pässword"))
    for encoding in ("utf-8", "latin-1"):
        request = "GET /snapshot.jpg HTTP/1.1\r\nAuthorization: Bearer pässword"
        assert ask(server.port, request.encode(encoding)).endswith(b"jpeg")
    for token in (quote("pässword"), "pässword"):
        assert ask(server.port, f"GET /snapshot.jpg?token={token} HTTP/1.1".encode()).endswith(b"jpeg")
    for wrong in ("", "Authorization: Bearer", "Authorization: Bearer passwörd"):
        assert b" 401 " in ask(server.port, f"GET /snapshot.jpg HTTP/1.1\r\n{wrong}".encode())
    server.close()


def test_an_error_of_a_page_is_one_line(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    server = StatusServer("127.0.0.1:0", Pages(lambda _: Answer(200, "", b""), lambda: [][1], lambda _: None))  # type: ignore[misc]
    ask(server.port, b"GET /healthz HTTP/1.1")
    server.close()
    assert [record.getMessage() for record in caplog.records] == [
        "Expected to answer a request for the status page. Received: IndexError('list index out of range')"
    ]
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_hangs_up_leaves_no_line_in_the_journal(capfd: pytest.CaptureFixture[str]) -> None:
    long = Answer(200, "text/plain", bytes(5_000_000))
    server = StatusServer("127.0.0.1:0", Pages(lambda _: long, list, lambda _: None, "token"))
    for _ in range(3):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /metrics?token=token HTTP/1.0\r\n\r\n")
        assert client.recv(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # a reset
    time.sleep(0.5)
    server.close()
    assert capfd.readouterr().err == ""
