"""Results at a real MQTT broker (mosquitto), which dies, comes back, or is not there yet."""

import json
import logging
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import SinkError
from edge.mqtt import MqttSink
from edge.results import CameraState, CameraStatus, Frame
from tests.fakes import frame_of, result_of
from tests.processes import run_python
from tests.rigs.faults import EdgeProcess, ServerRig, create_rig, free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
IMAGE = np.zeros((120, 160, 3), np.uint8)

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")


class Listener:
    """Somebody who has subscribed to everything."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = lambda client, data, message: self.heard.append(
            (message.topic, message.payload.decode())
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def results(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload in self.heard if not topic.endswith(("/status", "/state"))]

    def last(self, topic: str) -> str:
        """What was heard last of a topic."""
        return next((payload for heard, payload in reversed(self.heard) if heard == topic), "")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker() -> Iterator[ServerRig]:
    assert MOSQUITTO
    port = free_port()
    rig = ServerRig([MOSQUITTO, "-p", str(port)], f"mqtt://127.0.0.1:{port}/home/door", port)
    yield rig
    rig.kill()


@pytest.fixture
def listener(broker: ServerRig) -> Iterator[Listener]:
    port = urlsplit(broker.source).port
    assert port
    listener = Listener(port)
    yield listener
    listener.close()


def until(what: Callable[[], object], seconds: float = 10) -> None:
    """Wait for it."""
    end_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.02)


def sent(sink: MqttSink, listener: Listener, source: str = "fake") -> Callable[[], bool]:
    """Whether a result that is sent now and again arrives."""
    before = len(listener.results())

    def try_again() -> bool:
        frame = frame_of(IMAGE, source=source)
        sink.write(frame, result_of(frame, "happy"))
        return len(listener.results()) > before

    return try_again


def at(seconds: float) -> Frame:
    return frame_of(IMAGE, captured_monotonic_s=seconds)


def test_results_come_once_a_second_and_at_once_when_a_label_changes(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    sink = MqttSink(broker.source)
    until(lambda: ("home/door/status", "online") in listener.heard)
    for index in range(31):  # at 10 a second
        frame = at(index / 10)
        sink.write(frame, result_of(frame, "happy" if index < 25 else "sad"))
    until(lambda: len(listener.results()) >= 4)
    sink.close()
    until(lambda: listener.heard[-1] == ("home/door/status", "offline"))
    assert [line["faces"][0]["emotion"] for line in listener.results()] == ["happy", "happy", "happy", "sad"]
    assert {topic for topic, _ in listener.heard} == {"home/door/status", "home/door/fake"}
    assert listener.results()[0]["schema"] == 2


@pytest.mark.alone
def test_a_broker_that_is_lost_costs_no_time_and_is_found_again(
    broker: ServerRig, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    broker.revive()
    with caplog.at_level(logging.INFO, "edge.mqtt"):
        sink = MqttSink(broker.source)
        until(sent(sink, listener))
        broker.kill()
        until(lambda: len(caplog.records) == 2)
        started_s = time.monotonic()
        for index in range(200):
            sink.write(at(index), result_of(at(index), "happy"))
        assert time.monotonic() - started_s < 0.5
        broker.revive()
        until(sent(sink, listener), seconds=20)
        sink.close()
    states = [record.message.split(" is ")[1].split(":")[0].split(";")[0] for record in caplog.records]
    assert states == ["online", "offline", "online"]


def test_a_broker_may_come_later(broker: ServerRig, listener: Listener) -> None:
    sink = MqttSink(broker.source)
    frame = at(0)
    sink.write(frame, result_of(frame, "happy"))
    broker.revive()
    until(sent(sink, listener, "rtsp://host:554/a b"), seconds=20)
    sink.close()
    assert "home/door/rtsp_host_554_a_b" in {topic for topic, _ in listener.heard}


def test_the_broker_says_that_a_killed_process_is_gone(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    with EdgeProcess("--source", "demo", "--mqtt", broker.source) as edge:
        until(lambda: len(listener.results()) >= 2, seconds=30)
        assert ("home/door/status", "offline") not in listener.heard
        edge.process.kill()
        until(lambda: listener.heard[-1] == ("home/door/status", "offline"))


@pytest.mark.alone
def test_sigterm_ends_a_run_at_once_though_the_broker_never_came(broker: ServerRig) -> None:
    with EdgeProcess("--source", "demo", "--mqtt", broker.source) as edge:
        edge.next_line(30)
        edge.process.terminate()
        started_s = time.monotonic()
        assert edge.process.wait(20) == 0
        assert time.monotonic() - started_s < 1.5
    assert edge.log.count("is offline: connection refused") == 1


def test_each_camera_has_its_availability_also_for_who_comes_later(broker: ServerRig) -> None:
    broker.revive()
    sink = MqttSink(broker.source)
    sink.tell(CameraStatus.now("0", CameraState.ONLINE))
    sink.tell(CameraStatus.now("rtsp://host/a", CameraState.OFFLINE, "no route to host"))
    until(sink._client.is_connected)
    late = Listener(urlsplit(broker.source).port or 0)
    try:
        until(lambda: late.last("home/door/rtsp_host_a/status") == "offline")
        until(lambda: late.last("home/door/0/status") == "online")
        state = json.loads(late.last("home/door/rtsp_host_a/state"))
        assert (state["state"], state["reason"]) == ("offline", "no route to host")
        sink.tell(CameraStatus.now("rtsp://host/a", CameraState.ONLINE))
        until(lambda: late.last("home/door/rtsp_host_a/status") == "online")
        sink.close()
        until(lambda: late.last("home/door/0/status") == late.last("home/door/status") == "offline")
    finally:
        late.close()


def test_a_broker_that_starts_anew_hears_of_the_cameras_again(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    sink = MqttSink(broker.source)
    sink.tell(CameraStatus.now("0", CameraState.STALLED))
    until(lambda: listener.last("home/door/0/status") == "offline")
    broker.kill()
    listener.heard.clear()
    broker.revive()
    until(lambda: listener.last("home/door/0/status") == "offline", seconds=20)
    sink.close()


def test_a_camera_that_dies_is_told_to_the_broker(broker: ServerRig, listener: Listener, tmp_path: Path) -> None:
    broker.revive()
    camera = create_rig("mjpeg", tmp_path)
    camera.revive()
    with EdgeProcess("--source", camera.source, "--mqtt", broker.source) as edge:
        topic = f"home/door/{re.sub('[^0-9a-z.]+', '_', camera.source).strip('_')}"
        until(lambda: listener.last(f"{topic}/status") == "online", seconds=30)
        camera.kill()
        until(lambda: listener.last(f"{topic}/status") == "offline", seconds=20)
        assert edge.process.poll() is None
        camera.revive()
        until(lambda: listener.last(f"{topic}/status") == "online", seconds=20)
        camera.kill()
    assert [line["state"] in ("offline", "stalled") for line in edge.states] == [True, False]


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate that signed itself, for this machine, with its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    made = tmp_path / "tls"
    made.mkdir()
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", *subject]
    subprocess.run([*command, "-keyout", made / "key.pem", "-out", made / "ca.pem"], check=True, capture_output=True)
    for path in (tmp_path.parent.parent, tmp_path.parent, tmp_path, made, *made.iterdir()):
        path.chmod(0o755)  # mosquitto gives up root
    return made / "ca.pem"


def tls_broker(authority: Path, more: str = "allow_anonymous true") -> ServerRig:
    assert MOSQUITTO
    port = free_port()
    settings = authority.with_name("mosquitto.conf")
    tls = f"certfile {authority}\nkeyfile {authority.with_name('key.pem')}"
    settings.write_text(f"listener {port} 127.0.0.1\n{tls}\n{more}\n")
    return ServerRig([MOSQUITTO, "-c", str(settings)], f"mqtts://127.0.0.1:{port}/home/door", port)


def why_offline(source: str, caplog: pytest.LogCaptureFixture, authority: Path | None = None) -> str:
    """What is logged of a broker that can't be reached."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "edge.mqtt"):
        sink = MqttSink(source, authority)
        until(lambda: caplog.records, seconds=30)
        sink.close()
    return caplog.records[0].getMessage()


def test_an_authority_of_one_s_own_is_trusted_when_it_is_named(
    authority: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = tls_broker(authority)
    broker.revive()
    try:
        assert "certificate is refused" in why_offline(broker.source, caplog)
        assert "is online" in why_offline(broker.source, caplog, authority)
        assert "mqtts://" in why_offline(broker.source.replace("mqtts", "mqtt"), caplog)
    finally:
        broker.kill()


def test_what_failed_is_what_is_told(broker: ServerRig, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert "refused" in why_offline(broker.source, caplog)
    assert "name is not known" in why_offline("mqtt://no-such-broker.invalid/x", caplog)
    broker.revive()
    assert "with TLS" in why_offline(broker.source.replace("mqtt:", "mqtts:"), caplog)
    broker.kill()


def test_a_wrong_password_is_told_as_that(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert MOSQUITTO
    port = free_port()
    (tmp_path / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\n")
    broker = ServerRig([MOSQUITTO, "-c", str(tmp_path / "m.conf")], f"mqtt://me:wrong@127.0.0.1:{port}/x", port)
    broker.revive()
    try:
        assert "not authori" in why_offline(broker.source, caplog)
        assert "wrong" not in caplog.text
    finally:
        broker.kill()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_is_none_is_one_line(content: str | None, tmp_path: Path) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(SinkError, match=r"certificate .*ca\.pem"):
        MqttSink("mqtts://127.0.0.1/x", tmp_path / "ca.pem")
    with pytest.raises(SinkError, match="mqtts://"):
        MqttSink("mqtt://127.0.0.1/x", tmp_path / "ca.pem")


def test_two_processes_are_two_clients() -> None:
    one, other = MqttSink("mqtt://127.0.0.1:1"), MqttSink("mqtt://127.0.0.1:1")
    assert one._topic == other._topic, "a device keeps its topic"
    assert one._client._client_id != other._client._client_id, "two processes are two clients"
    assert len(one._client._client_id) <= 23
    one.close()
    other.close()


@pytest.mark.parametrize(
    "address",
    [
        "broker.local",
        "http://me:secret@host",
        "mqtt://",
        "mqtt://me:secret@host:99999",
        "mqtt://me:se[cret@host",
        "mqtt://broker..local",
        "mqtt://broker/home/+/door",
        "mqtt://broker/$SYS/door",
        "mqtt://broker/caf\udce9",
    ],
)
def test_a_wrong_address_is_one_line_without_its_password(address: str) -> None:
    ended = run_python("-m", "edge.run", "--headless", "--source", "demo", "--mqtt", address)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Expected mqtt://user:password@host:port/topic")
    assert len(ended.stderr.splitlines()) == 1
    assert "cret" not in ended.stderr


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(SinkError, match="pip install 'paho-mqtt"):
        MqttSink("mqtt://host")
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", SimpleNamespace())  # version 1
    with pytest.raises(SinkError, match="pip install 'paho-mqtt"):
        MqttSink("mqtt://host")
