"""Results at a real MQTT broker (mosquitto), which dies, comes back, or is not there yet."""

import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.broker_options import read_password
from edge.errors import ConfigError, SinkError
from edge.mqtt import MqttOptions, MqttSink
from edge.mqtt_link import Broker, Talk
from edge.names import level, own_device
from edge.results import CameraState, CameraStatus, Frame
from edge.waiting import MemoryQueue
from tests.fakes import frame_of, result_of
from tests.processes import run_python
from tests.rigs.broker import MOSQUITTO, Listener, listening, mosquitto, until
from tests.rigs.faults import EdgeProcess, ServerRig, create_rig

IMAGE = np.zeros((120, 160, 3), np.uint8)

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")


@pytest.fixture
def listener(broker: ServerRig) -> Iterator[Listener]:
    with listening(broker, at_once=False) as listener:
        yield listener


def sink_to(broker: ServerRig, **options: Any) -> MqttSink:
    return MqttSink(broker.source, MqttOptions(device="door", discovery="", **options))


def sent(sink: MqttSink, listener: Listener, source: str = "fake") -> Callable[[], bool]:
    """Whether a result that is sent now and again arrives."""
    before = len(listener.lines())

    def try_again() -> bool:
        frame = frame_of(IMAGE, source=source)
        sink.write(frame, result_of(frame, "happy"))
        return len(listener.lines()) > before

    return try_again


def at(seconds: float) -> Frame:
    return frame_of(IMAGE, captured_monotonic_s=seconds)


def test_results_come_once_a_second_and_at_once_when_a_label_changes(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    sink = sink_to(broker)
    until(lambda: ("home/door/status", "online") in listener.heard)
    for index in range(31):  # at 10 a second
        frame = at(index / 10)
        sink.write(frame, result_of(frame, "happy" if index < 25 else "sad"))
    until(lambda: len(listener.lines()) >= 4)
    sink.close()
    until(lambda: listener.heard[-1] == ("home/door/status", "offline"))
    assert [line["faces"][0]["emotion"] for line in listener.lines()] == ["happy", "happy", "happy", "sad"]
    assert {topic for topic, _ in listener.heard} == {"home/door/status", "home/door/about", "home/door/fake"}
    assert "home/door/fake" not in listener.kept, "an emotion of a while ago is not kept"
    assert listener.lines()[0].items() >= {"schema": 2, "device": "door", "source": "fake"}.items()
    assert "late" not in listener.lines()[0]


@pytest.mark.alone
def test_a_broker_that_is_lost_costs_no_time_and_is_found_again(
    broker: ServerRig, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    broker.revive()
    with caplog.at_level(logging.INFO, "edge.mqtt"):
        sink = sink_to(broker)
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
    sink = sink_to(broker)
    broker.revive()
    until(sent(sink, listener, "rtsp://host:554/a b"), seconds=20)
    sink.close()
    assert "home/door/rtsp_host_554_a_b" in {topic for topic, _ in listener.heard}


def test_the_broker_says_that_a_killed_process_is_gone(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    with EdgeProcess("--source", "demo", "--mqtt", broker.source, "--device-name", "door") as edge:
        until(lambda: len(listener.lines()) >= 2, seconds=30)
        assert ("home/door/status", "offline") not in listener.heard
        edge.process.kill()
        until(lambda: listener.heard[-1] == ("home/door/status", "offline"))


@pytest.mark.alone
def test_sigterm_ends_a_run_at_once_though_the_broker_never_came(broker: ServerRig) -> None:
    with EdgeProcess("--source", "demo", "--mqtt", broker.source, "--device-name", "door") as edge:
        edge.next_line(30)
        edge.process.terminate()
        started_s = time.monotonic()
        assert edge.process.wait(20) == 0
        assert time.monotonic() - started_s < 1.5
    assert edge.log.count("is offline: connection refused") == 1


def test_each_camera_has_its_availability_also_for_who_comes_later(broker: ServerRig) -> None:
    broker.revive()
    sink = sink_to(broker)
    sink.tell(CameraStatus.now("0", CameraState.ONLINE))
    sink.tell(CameraStatus.now("rtsp://host/a", CameraState.OFFLINE, "no route to host"))
    until(lambda: sink.link.is_connected)
    with listening(broker) as late:
        until(lambda: late.last("home/door/rtsp_host_a/status") == "offline")
        until(lambda: late.last("home/door/0/status") == "online")
        state = json.loads(late.last("home/door/rtsp_host_a/state"))
        assert (state["state"], state["reason"]) == ("offline", "no route to host")
        sink.tell(CameraStatus.now("rtsp://host/a", CameraState.ONLINE))
        until(lambda: late.last("home/door/rtsp_host_a/status") == "online")
        sink.close()
        until(lambda: late.last("home/door/0/status") == late.last("home/door/status") == "offline")


def test_a_broker_that_starts_anew_hears_of_the_cameras_again(broker: ServerRig, listener: Listener) -> None:
    broker.revive()
    sink = sink_to(broker)
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
    with EdgeProcess("--source", camera.source, "--mqtt", broker.source, "--device-name", "door") as edge:
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
    let_everybody_read(made, *made.iterdir())
    return made / "ca.pem"


def let_everybody_read(*paths: Path) -> None:
    """Open the paths and the temporary folders that hold them: mosquitto gives up root."""
    ours = {folder for path in paths for folder in path.parents if Path(tempfile.gettempdir()) in folder.parents}
    for path in (*ours, *paths):
        path.chmod(0o755)


def tls_broker(authority: Path) -> ServerRig:
    tls = (f"certfile {authority}", f"keyfile {authority.with_name('key.pem')}", "allow_anonymous true")
    return mosquitto(*tls, folder=authority.parent, scheme="mqtts")


def why_offline(source: str, caplog: pytest.LogCaptureFixture, **options: Any) -> str:
    """What is logged of a broker, whether it can be reached or not."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "edge.mqtt"):
        sink = MqttSink(source, MqttOptions(**options))
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
        assert "is online" in why_offline(broker.source, caplog, authority=authority)
        assert "mqtts://" in why_offline(broker.source.replace("mqtts", "mqtt"), caplog)
    finally:
        broker.kill()


def test_an_authority_that_is_being_renewed_is_read_again(
    authority: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.mqtt_link.FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr("edge.mqtt_link.MOST_PAUSE_S", 0.2)
    ours, whole = authority.with_name("ours.pem"), authority.read_text()
    ours.write_text(whole)
    broker = tls_broker(authority)
    with caplog.at_level(logging.INFO, "edge.mqtt"):
        sink = MqttSink(broker.source, MqttOptions(authority=ours))
        ours.write_text(whole[:400])
        until(lambda: "Expected a certificate" in caplog.text, seconds=10)
        ours.write_text(whole)
        broker.revive()
        until(lambda: "is online" in caplog.text, seconds=20)
        sink.close()
    broker.kill()


def test_cameras_that_come_and_go_while_the_broker_is_away_take_no_memory() -> None:
    talk = Talk(MemoryQueue(10), lambda entry: "", "home/status")
    for number in range(1000):
        talk.keep("home/door/state", f"offline {number}")
    assert talk.take_news() == {"home/door/state": "offline 999"}
    assert talk.take_news() == {}


def test_what_failed_is_what_is_told(broker: ServerRig, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert "refused" in why_offline(broker.source, caplog)
    assert "name is not known" in why_offline("mqtt://no-such-broker.invalid/x", caplog)
    broker.revive()
    assert "with TLS" in why_offline(broker.source.replace("mqtt:", "mqtts:"), caplog)
    broker.kill()


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto's own tool")
def test_a_password_opens_the_door_and_is_never_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "users").touch()
    subprocess.run(["mosquitto_passwd", "-b", tmp_path / "users", "me", "s3cret/@"], check=True, capture_output=True)
    let_everybody_read(tmp_path / "users")
    broker = mosquitto("allow_anonymous false", f"password_file {tmp_path / 'users'}", folder=tmp_path)
    broker.revive()
    try:
        assert "not authori" in why_offline(broker.source.replace("//", "//me:wr0ng@"), caplog)
        assert "wr0ng" not in caplog.text
        assert "is online" in why_offline(broker.source.replace("//", "//me:s3cret%2F%40@"), caplog)
        assert "is online" in why_offline(broker.source, caplog, user="me", password="s3cret/@")
        assert "s3cret" not in caplog.text + repr(Broker("host", 1, "me", "s3cret"))
    finally:
        broker.kill()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_is_none_is_one_line(content: str | None, tmp_path: Path) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(SinkError, match=r"certificate .*ca\.pem"):
        MqttSink("mqtts://127.0.0.1/x", MqttOptions(authority=tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match="mqtts://"):
        MqttSink("mqtt://127.0.0.1/x", MqttOptions(authority=tmp_path / "ca.pem"))


def test_two_processes_are_two_clients() -> None:
    one, other = MqttSink("mqtt://127.0.0.1:1"), MqttSink("mqtt://127.0.0.1:1")
    assert one.topic == other.topic == f"emotion-edge/{level(own_device())}", "a device keeps its topic"
    assert one.link.client_id != other.link.client_id, "two processes are two clients"
    assert len(one.link.client_id) <= 23
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
def test_a_wrong_address_is_told_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^Expected mqtt://user:password@host:port/topic") as caught:
        MqttSink(address)
    assert "cret" not in str(caught.value)


def test_a_command_with_a_wrong_broker_ends_with_one_line_without_secrets(tmp_path: Path) -> None:
    address = "--mqtt=mqtt://me:s3cret@host:99999"
    ended = run_python("-m", "edge.run", "--headless", "--source=demo", address)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert ended.stderr.startswith("python -m edge.run: Expected mqtt://")
    assert "s3cret" not in ended.stderr


def test_a_password_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("s3cret /@\n")
    monkeypatch.setenv("EMOTION_EDGE_MQTT_PASSWORD", "other")
    assert read_password(tmp_path / "password") == "s3cret /@"
    assert read_password(None) == "other"
    (tmp_path / "password").write_bytes(b"s3cret\xff")
    with pytest.raises(SinkError, match=r"password in .*no text") as caught:
        read_password(tmp_path / "password")
    assert "s3cret" not in str(caught.value)


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(SinkError, match="pip install 'paho-mqtt"):
        MqttSink("mqtt://host")
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", SimpleNamespace())  # version 1
    with pytest.raises(SinkError, match="pip install 'paho-mqtt"):
        MqttSink("mqtt://host")
