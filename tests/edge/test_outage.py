"""What becomes of results while the broker is away: they wait, in their order, and say that they are late."""

import itertools
import logging
import threading
import time

import numpy as np
import pytest

import edge.mqtt_link
import edge.names
import edge.waiting
from edge.mqtt import MqttOptions, MqttSink
from edge.results import CameraState, CameraStatus
from edge.waiting import MemoryQueue
from tests.fakes import frame_of, result_of
from tests.rigs.broker import MOSQUITTO, Listener, listening, until
from tests.rigs.faults import ServerRig

IMAGE = np.zeros((12, 16, 3), np.uint8)

needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")


@pytest.fixture
def broker(broker: ServerRig) -> ServerRig:
    broker.revive()
    return broker


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is cleared, no new connection is made: a listener can be there first."""
    event, new_client = threading.Event(), edge.mqtt_link.new_client
    event.set()
    monkeypatch.setattr("edge.mqtt_link.new_client", lambda *arguments: event.wait(30) and new_client(*arguments))
    return event


def write(sink: MqttSink, numbers: range, camera: str = "gate") -> None:
    """One result a second of the source's own clock, as fast as possible."""
    for number in numbers:
        frame = frame_of(IMAGE, number, float(number), camera)
        sink.write(frame, result_of(frame))


def connected(sink: MqttSink) -> None:
    until(lambda: sink.link.is_connected)


def numbers(listener: Listener, topic: str) -> list[int]:
    return [line["frame_index"] for line in listener.lines(topic)]


@needs_broker
def test_ten_minutes_without_a_broker_lose_nothing_and_are_told_in_their_order(
    broker: ServerRig, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.waiting.LATE_S", 0.2)
    sink = MqttSink(broker.source, MqttOptions(device="door"))
    with listening(broker) as before:
        until(lambda: sink.link.is_connected)
        write(sink, range(10))
        until(lambda: len(before.lines()) == 10)
        until(lambda: sink.waiting.count == 0)
    gate.clear()
    broker.kill()
    write(sink, range(10, 610))
    time.sleep(0.3)
    broker.revive()
    with listening(broker) as after:
        gate.set()
        until(lambda: sink.waiting.count == 0, seconds=20)
        monkeypatch.setattr("edge.waiting.LATE_S", 60)
        write(sink, range(610, 620))
        until(lambda: 619 in numbers(after, "home/door/gate"))
        sink.close()
    assert numbers(before, "") == list(range(10)), "nothing is kept from before"
    assert numbers(after, "home/door/gate/late") == list(range(10, 610))
    assert numbers(after, "home/door/gate") == list(range(610, 620))
    assert all(line["late"] is True for line in after.lines("home/door/gate/late"))
    assert not any("late" in line for line in after.lines("home/door/gate"))


@needs_broker
def test_the_oldest_go_when_too_many_wait_and_are_counted(
    broker: ServerRig, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MqttSink(broker.source, MqttOptions(device="door", queue=50))
    until(lambda: sink.link.is_connected)
    gate.clear()
    broker.kill()
    write(sink, range(200))
    assert (sink.waiting.count, sink.waiting.dropped) == (50, 150)
    broker.revive()
    with listening(broker) as listener, caplog.at_level(logging.INFO, "edge.mqtt"):
        gate.set()
        until(lambda: len(listener.lines()) == 50, seconds=20)
        sink.close()
    assert "had no room to wait so far: 150" in caplog.text
    assert numbers(listener, "") == list(range(150, 200))


@needs_broker
def test_a_network_that_swallows_all_is_noticed_and_loses_nothing(
    broker: ServerRig, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.mqtt_link.KEEPALIVE_S", 1)
    sink = MqttSink(broker.source, MqttOptions(device="door"))
    until(lambda: sink.link.is_connected)
    broker.freeze()
    write(sink, range(40))
    until(lambda: not sink.link.is_connected, seconds=20)
    assert sink.waiting.count == 40
    gate.clear()
    broker.kill()
    broker.revive()
    with listening(broker) as listener:
        gate.set()
        until(lambda: len(listener.lines()) == 40, seconds=20)
        sink.close()
    assert numbers(listener, "") == list(range(40))


@needs_broker
def test_two_devices_of_one_host_name_share_nothing(broker: ServerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    sinks = []
    for identity in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        monkeypatch.setattr("edge.names.device_id", lambda identity=identity: identity)
        monkeypatch.setattr("edge.mqtt.device_id", lambda identity=identity: identity)
        edge.names.own_device.cache_clear()
        sinks.append(MqttSink(broker.source, MqttOptions(cameras=("gate",))))
    edge.names.own_device.cache_clear()
    monkeypatch.undo()
    with listening(broker) as listener:
        for sink in sinks:
            sink.tell(CameraStatus.now("gate", CameraState.ONLINE))
            connected(sink)
            write(sink, range(1))
        until(lambda: len(listener.lines()) == 2)
        topics = {topic for topic, _ in listener.heard}
    for sink in sinks:
        sink.close()
    by_device = [{topic for topic in topics if identity in topic} for identity in ("aaaaaaaaaaaa", "bbbbbbbbbbbb")]
    assert by_device[0] | by_device[1] == topics
    assert not by_device[0] & by_device[1]
    assert len(by_device[0]) == len(by_device[1]) == 10
    assert len({sink.link.client_id for sink in sinks}) == 2


@needs_broker
def test_a_camera_called_status_hides_no_device(broker: ServerRig) -> None:
    sink = MqttSink(broker.source, MqttOptions(device="door"))
    with listening(broker) as listener:
        until(lambda: sink.link.is_connected)
        write(sink, range(1), camera="status")
        until(listener.lines)
        sink.close()
    assert {text for topic, text in listener.heard if topic == "home/door/status"} <= {"online", "offline"}


def test_a_queue_is_bounded_by_any_number_of_threads() -> None:
    queue = MemoryQueue(100)

    def fill() -> None:
        for _ in range(500):
            queue.put("gate", "{}", 0.0)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads) or queue.count:
        for entry in queue.after(queue.done_through, 7):
            seen.append(entry.number)
            queue.done(entry.number)
    assert seen == sorted(set(seen))
    assert len(seen) + queue.dropped == 2000


def test_what_waited_is_late_whatever_the_clock_of_the_day_says() -> None:
    now = itertools.count(0, 4.0)
    queue = MemoryQueue(10, clock_s=lambda: next(now))
    queue.put("gate", "{}", captured_at=4e9)
    queue.put("gate", "{}", captured_at=0.0)
    assert [entry.is_late for entry in queue.after(0, 10)] == [True, False]
