"""Results at a real MQTT broker (mosquitto), which dies, comes back, or is not there yet."""

import json
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import paho.mqtt.client as paho
import pytest

from edge.errors import SinkError
from edge.mqtt import MqttSink
from edge.results import Frame
from tests.fakes import frame_of, result_of
from tests.processes import run_python
from tests.rigs.faults import EdgeProcess, ServerRig, free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
IMAGE = np.zeros((120, 160, 3), np.uint8)

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")


class Listener:
    """Somebody who has subscribed to everything."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str]] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = lambda client, data, message: self.heard.append(
            (message.topic, message.payload.decode())
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def results(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload in self.heard if not topic.endswith("/status")]

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
    states = [record.message.split(" is ")[1].split(":")[0] for record in caplog.records]
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


def test_sigterm_ends_a_run_at_once_though_the_broker_never_came(broker: ServerRig) -> None:
    with EdgeProcess("--source", "demo", "--mqtt", broker.source) as edge:
        edge.next_line(30)
        edge.process.terminate()
        started_s = time.monotonic()
        assert edge.process.wait(20) == 0
        assert time.monotonic() - started_s < 1.5
    assert edge.log.count("broker 127.0.0.1 is offline") == 1


@pytest.mark.parametrize(
    "address",
    [
        "broker.local",
        "http://me:secret@host",
        "mqtt://",
        "mqtt://me:secret@host:99999",
        "mqtt://me:se[cret@host",
        "mqtt://broker..local",
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
