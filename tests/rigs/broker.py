"""A real MQTT broker (mosquitto), which dies and comes back, and somebody who listens to it."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.rigs.faults import ServerRig, free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")


class Listener:
    """Somebody who has subscribed to everything."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str]] = []
        self.kept: set[str] = set()
        """Topics of messages that the broker had kept."""
        self.is_there = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_subscribe = lambda *_: self.is_there.set()
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = lambda client, data, message: self._hear(message)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def _hear(self, message: Any) -> None:
        self.heard.append((message.topic, message.payload.decode()))
        if message.retain:
            self.kept.add(message.topic)

    def lines(self, topic: str = "") -> list[dict[str, Any]]:
        """The results that came, of all topics or of one."""
        return [json.loads(text) for heard, text in self.heard if '"faces"' in text and topic in ("", heard)]

    def last(self, topic: str) -> str:
        """What was heard last of a topic."""
        return next((payload for heard, payload in reversed(self.heard) if heard == topic), "")

    def say(self, topic: str, text: str) -> None:
        """Publish something."""
        self._client.publish(topic, text, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def mosquitto(*settings: str, folder: Path | None = None, scheme: str = "mqtt") -> ServerRig:
    """A broker that is not yet there; with a folder it has these settings, else none."""
    assert MOSQUITTO
    port = free_port()
    command = [MOSQUITTO, "-p", str(port)]
    if folder:
        file = folder / "mosquitto.conf"
        file.write_text("\n".join([f"listener {port} 127.0.0.1", *settings, ""]))
        command = [MOSQUITTO, "-c", str(file)]
    return ServerRig(command, f"{scheme}://127.0.0.1:{port}/home", port)


@contextmanager
def listening(broker: ServerRig, at_once: bool = True) -> Iterator[Listener]:
    """A listener while this lasts; it hears all from the first line on, unless the broker comes later."""
    listener = Listener(urlsplit(broker.source).port or 0)
    try:
        assert not at_once or listener.is_there.wait(10)
        yield listener
    finally:
        listener.close()


def until(what: Callable[[], object], seconds: float = 10) -> None:
    """Wait for it."""
    end_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.02)
