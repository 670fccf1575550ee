"""The link to an MQTT broker: a thread of its own that connects again whenever the connection is lost.

    Link (the thread: connects, waits, connects again) -> Connection (sends what is retained and waits) -> the library

A result is dropped from the queue when the broker has confirmed it. What was not confirmed is sent again on the next
connection.
"""

import contextlib
import importlib
import logging
import random
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import SinkError
from edge.waiting import Entry, Waiting

KEEPALIVE_S = 15
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 30.0
"""Pauses between attempts; they are random, so that twenty devices do not all connect at the same moment."""
ON_THE_WAY = 20
"""The most results that are sent before the broker confirms one."""
_HUNG_UP = "it ended the connection; mqtts:// is for a broker with TLS, mqtt:// for one without"

_log = logging.getLogger("edge.mqtt")


@dataclass(frozen=True)
class Broker:
    """A broker's address and credentials."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    has_tls: bool = False
    authority: Path | None = None

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


class Talk:
    """All messages to send, filled by any thread: retained ones, waiting results, and those of the end."""

    def __init__(self, waiting: Waiting, topic_of: Callable[[Entry], str], status: str, greeting: str = "") -> None:
        self.waiting, self.topic_of, self.status = waiting, topic_of, status
        self.greeting = greeting
        """A topic to listen to: `online` there means that a subscriber restarted and needs all retained messages."""
        self.kept: dict[str, str] = {status: "online"}
        self._news: dict[str, str] = {}
        """Retained messages that were not sent yet; of a topic only the newest matters."""
        self._lock = threading.Lock()
        self.wake = threading.Event()
        self.last_words: dict[str, str] | None = None
        waiting.wake = self.wake.set

    def keep(self, topic: str, text: str) -> None:
        """Publish this as a retained message, now and after each reconnection."""
        with self._lock:
            self.kept[topic] = self._news[topic] = text
        self.wake.set()

    def keep_all(self) -> None:
        """Publish all retained messages once more."""
        with self._lock:
            self._news = dict(self.kept)
        self.wake.set()

    def take_news(self) -> dict[str, str]:
        """Take the retained messages that were not sent yet."""
        with self._lock:
            news, self._news = self._news, {}
        return news


class Link(threading.Thread):
    """Keeps a broker up to date, and reconnects whenever the connection is lost.

    Usage:
        link = Link(Broker("broker.local", 1883), client_id, talk)
        link.start()
        link.end({"home/kitchen/status": "offline"}, timeout_s=0.5)
    """

    def __init__(self, broker: Broker, client_id: str, talk: Talk) -> None:
        super().__init__(name="mqtt", daemon=True)
        self.is_connected = False
        self.connections = 0
        """How often the broker accepted a connection."""
        self.client_id = client_id
        self._broker, self._talk = broker, talk
        self._stop_event = threading.Event()
        self._told: set[str] = set()
        """The reasons logged since the broker was last connected."""
        new_client(broker, client_id)  # raise an error now if this can't work at all

    def run(self) -> None:
        """Connect again and again; the thread calls it."""
        pause_s = FIRST_PAUSE_S
        while not self._stop_event.is_set():
            pause_s = FIRST_PAUSE_S if self._was_taken() else min(2 * pause_s, MOST_PAUSE_S)
            self._stop_event.wait(pause_s * random.uniform(0.5, 1))

    def end(self, last_words: dict[str, str], timeout_s: float) -> None:
        """Send what waits and then `last_words`, as far as time allows, and end the thread."""
        self._talk.last_words = last_words
        self._stop_event.set()
        self._talk.wake.set()
        self.join(timeout_s)

    def _was_taken(self) -> bool:
        """Run one connection from its beginning to its end; return whether the broker accepted it."""
        try:
            client = new_client(self._broker, self.client_id)
            connection = Connection(client, self._talk, self._found)
            client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._lost(why(error))
            return False
        client.loop_start()
        reason = connection.serve(self._stop_event)
        self.is_connected = False
        client.loop_stop()
        if not self._stop_event.is_set():
            self._lost(reason)
        return connection.is_taken

    def _found(self) -> None:
        self.is_connected = True
        self.connections += 1
        self._told.clear()
        dropped = self._talk.waiting.dropped
        more = f"; results that had no room to wait so far: {dropped}" if dropped else ""
        _log.info("broker %s is online; results go to %s%s", self._broker, self._talk.status.rpartition("/")[0], more)

    def _lost(self, reason: str) -> None:
        """Log each reason once, until the broker is back."""
        if reason not in self._told:
            self._told.add(reason)
            _log.warning("broker %s is offline: %s", self._broker, reason)


class Connection:
    """One connection. The library's thread only notes what arrives; the link's thread sends everything."""

    def __init__(self, client: Any, talk: Talk, on_taken: Callable[[], None]) -> None:
        self.is_taken = False
        self._client, self._talk, self._on_taken = client, talk, on_taken
        self._confirmed: deque[int] = deque()
        self._on_the_way: dict[int, int] = {}
        """The results' numbers by the library's message numbers, in the order of sending."""
        self._sent = talk.waiting.done_through
        self._end: str | None = None
        """Why the connection ended; empty while it works."""
        client.will_set(talk.status, "offline", qos=1, retain=True)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_publish, client.on_message = self._published, self._heard

    def serve(self, stop: threading.Event) -> str:
        """Send what there is until the connection ends or `stop` is set; return why it ended."""
        wake = self._talk.wake
        while self._end is None and not (stop.is_set() and not self.is_taken):
            wake.wait(KEEPALIVE_S)
            wake.clear()
            self._note_confirmed()
            if self.is_taken and self._end is None:
                self._send()
                if stop.is_set() and not self._on_the_way:
                    self._say_goodbye()
                    break
        return self._end or ""

    def _send(self) -> None:
        for topic, text in self._talk.take_news().items():
            self._publish(topic, text)
        room = ON_THE_WAY - len(self._on_the_way)
        for entry in self._talk.waiting.after(self._sent, room) if room else ():
            line = f'{entry.line[:-1]},"late":true}}' if entry.is_late else entry.line
            message = self._client.publish(self._talk.topic_of(entry), line, qos=1)
            self._on_the_way[message.mid] = self._sent = entry.number

    def _publish(self, topic: str, text: str) -> Any:
        return self._client.publish(topic, text, qos=1, retain=True)

    def _note_confirmed(self) -> None:
        """Drop the confirmed results from the queue, up to the first that is not confirmed."""
        if not self._confirmed:
            return
        while self._confirmed:
            self._on_the_way.pop(self._confirmed.popleft(), None)
        self._talk.waiting.done(min(self._on_the_way.values(), default=self._sent + 1) - 1)

    def _say_goodbye(self) -> None:
        messages = [self._publish(*words) for words in (self._talk.last_words or {}).items()]
        with contextlib.suppress(RuntimeError, ValueError):  # the connection was lost at this moment
            for message in messages:
                message.wait_for_publish(1)
        self._client.disconnect()

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:  # user and password, or what this user may do
            self._end = f"it says {str(reason).lower()}"
        else:
            if self._talk.greeting:
                client.subscribe(self._talk.greeting, qos=1)
            self._talk.keep_all()
            self.is_taken = True
            self._on_taken()
        self._talk.wake.set()

    def _disconnected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        text = str(reason)
        if self._end is None:
            lost = "connection lost" if text == "Unspecified error" else text.lower()
            self._end = lost if self.is_taken else _HUNG_UP
        self._talk.wake.set()

    def _published(self, client: Any, data: Any, number: int, reason: Any, properties: Any) -> None:
        self._confirmed.append(number)
        self._talk.wake.set()

    def _heard(self, client: Any, data: Any, message: Any) -> None:
        if message.payload == b"online":
            self._talk.keep_all()


def new_client(broker: Broker, client_id: str) -> Any:
    """Make the library's client, not yet connected.

    Raises:
        SinkError: the library or the certificate is missing.
    """
    library = _library()
    client = library.Client(library.CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False)
    if broker.user:
        client.username_pw_set(broker.user, broker.password)
    if broker.has_tls:
        try:
            client.tls_set(str(broker.authority) if broker.authority else None)
        except (OSError, ValueError) as error:
            raise SinkError(f"Expected a certificate (.pem) at {broker.authority}. Received: {error}") from error
    return client


def why(error: BaseException) -> str:
    """What failed, in words that say what to fix."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}; --mqtt-ca names an authority of your own"
    if isinstance(error, ssl.SSLError | ConnectionResetError):
        return _HUNG_UP
    if isinstance(error, socket.gaierror):
        return f"its name is not known here: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nobody listens there"
    return "no answer" if isinstance(error, TimeoutError) else str(error)


def _library() -> Any:
    try:
        library = importlib.import_module("paho.mqtt.client")
        library.CallbackAPIVersion  # noqa: B018
    except (ImportError, AttributeError) as error:  # Raspberry Pi OS 12 has version 1
        raise SinkError(f"Expected paho-mqtt 2 for --mqtt: pip install 'paho-mqtt>=2.1'. Received: {error}") from error
    return library
