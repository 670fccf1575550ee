"""Results to an MQTT broker, for Home Assistant, Node-RED and the like: `--mqtt mqtt://user:password@host/topic`.

The library (pip install paho-mqtt) is imported when the sink is made. Its thread keeps the connection and comes back
after a lost one; the loop never waits for the network.
"""

import contextlib
import importlib
import json
import logging
import re
import socket
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from edge.address import redact
from edge.errors import SinkError
from edge.results import Frame, FrameResult
from edge.schema import to_json

PERIOD_S = 1.0
"""The time from one message of a source to the next, unless a label changes."""
GOODBYE_S = 0.5
"""How long the end waits for the broker to hear of it."""
_KEEPALIVE_S = 15
_MOST_PAUSE_S = 30
_PORTS = {"mqtt": 1883, "mqtts": 8883}

_log = logging.getLogger(__name__)


class MqttSink:
    """The JSON of a result to TOPIC/SOURCE: at once when a label changes, else once a second.

    TOPIC/status is `online` or `offline`, retained; the broker says `offline` for a process that has died. While the
    broker is away results are dropped: nobody wants an old emotion.

    Usage:
        MqttSink("mqtt://broker.local/home/door")

    Raises:
        SinkError: no such address, or no library. A broker that is absent is no error: it may come later.
    """

    def __init__(self, address: str) -> None:
        url = _split(address)
        self._topic = url.path.strip("/") or f"emotion-edge/{socket.gethostname()}"
        self._name = url.hostname
        self._is_connected: bool | None = None
        self._sent: dict[str, tuple[float, frozenset[tuple[int, str]]]] = {}
        library = _library()
        self._client = library.Client(library.CallbackAPIVersion.VERSION2)
        if url.username:
            self._client.username_pw_set(unquote(url.username), unquote(url.password or ""))
        if url.scheme == "mqtts":
            self._client.tls_set()
        self._client.will_set(self._status, "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, _MOST_PAUSE_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: self._tell(False, "no answer")
        self._client.on_disconnect = lambda *arguments: self._tell(False, str(arguments[3]))
        self._client.connect_async(url.hostname, url.port or _PORTS[url.scheme], _KEEPALIVE_S)
        self._client.loop_start()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Send the result if it is time to."""
        labels = frozenset((face.track_id, face.emotion) for face in result.faces)
        sent_s, sent_labels = self._sent.get(result.source, (float("-inf"), None))
        if labels == sent_labels and frame.captured_monotonic_s - sent_s < PERIOD_S:
            return
        if self._client.is_connected():
            self._client.publish(f"{self._topic}/{_level(result.source)}", json.dumps(to_json(result)))
            self._sent[result.source] = frame.captured_monotonic_s, labels

    def close(self) -> None:
        """Say goodbye, and let the thread end."""
        self._client.on_disconnect = None
        with contextlib.suppress(RuntimeError):  # the connection was lost at this moment
            if self._client.is_connected():
                self._client.publish(self._status, "offline", qos=1, retain=True).wait_for_publish(GOODBYE_S)
        self._client.disconnect()

    @property
    def _status(self) -> str:
        return f"{self._topic}/status"

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            client.publish(self._status, "online", qos=1, retain=True)
        self._tell(not reason.is_failure, str(reason))

    def _tell(self, is_connected: bool, reason: str) -> None:
        """Log a change, once."""
        if is_connected is not self._is_connected:
            self._is_connected = is_connected
            level, state = (logging.INFO, "online") if is_connected else (logging.WARNING, f"offline: {reason}")
            _log.log(level, "broker %s is %s", self._name, state)


def _split(address: str) -> SplitResult:
    with contextlib.suppress(ValueError):  # no such port, or a host that no name server could know
        url = urlsplit(address)
        if url.scheme in _PORTS and url.hostname and url.port != 0 and url.hostname.encode("idna"):
            return url
    raise SinkError(f"Expected mqtt://user:password@host:port/topic, or mqtts://. Received: {redact(address)}")


def _level(source: str) -> str:
    """The source's name as one level of a topic."""
    return re.sub(r"[^\w.-]+", "_", source).strip("_")


def _library() -> Any:
    try:
        library = importlib.import_module("paho.mqtt.client")
        library.CallbackAPIVersion  # noqa: B018
    except (ImportError, AttributeError) as error:  # Raspberry Pi OS 12 has version 1
        raise SinkError(f"Expected paho-mqtt 2 for --mqtt: pip install 'paho-mqtt>=2.1'. Received: {error}") from error
    return library
