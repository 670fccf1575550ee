"""Results to an MQTT broker, for Home Assistant, Node-RED and the like: `--mqtt mqtt://user:password@host/topic`.

The library (pip install paho-mqtt) is imported when the sink is made. Its thread keeps the connection and comes back
after a lost one; the loop never waits for the network.
"""

import contextlib
import importlib
import json
import logging
import re
import secrets
import socket
import ssl
import sys
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from edge.address import redact
from edge.changes import Changes
from edge.errors import SinkError
from edge.names import device_id, level, own_device
from edge.results import CameraState, CameraStatus, Frame, FrameResult
from edge.schema import status_to_json, to_json

GOODBYE_S = 0.5
"""How long the end waits for the broker to hear of it."""
_KEEPALIVE_S = 15
_MOST_PAUSE_S = 30
_HUNG_UP = "it ended the connection; mqtts:// is for a broker with TLS, mqtt:// for one without"
_PORTS = {"mqtt": 1883, "mqtts": 8883}

_log = logging.getLogger(__name__)


class MqttSink:
    """The JSON of a result to TOPIC/SOURCE: at once when a label changes, else once per second.

    TOPIC/status is `online` or `offline`, retained; the broker says `offline` for a process that has died. So is
    TOPIC/SOURCE/status for each camera, and TOPIC/SOURCE/state has its state with the reason as JSON. While the broker
    is away results are dropped: nobody wants an old emotion.

    Usage:
        MqttSink("mqtt://broker.local/home/door")
        MqttSink("mqtts://broker.local/home/door", Path("/etc/ssl/our-own-authority.pem"))

    Raises:
        SinkError: no such address, no such certificate, or no library. A broker that is absent is no error: it may
            come later.
    """

    def __init__(self, address: str, authority: Path | None = None, device: str = "") -> None:
        url = _split(address)
        self._topic = url.path.strip("/") or f"emotion-edge/{level(device or own_device())}"
        self._device = device
        self._name = f"{url.hostname}:{url.port or _PORTS[url.scheme]}"
        self._is_connected = False
        self._is_refused = False
        self._told: set[str] = set()
        """The reasons that were logged since the broker was there last."""
        self._changes = Changes()
        self._cameras: dict[str, CameraStatus] = {}
        self._client = _client(url, authority)
        self._client.will_set(self._status, "offline", qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: self._lost(_reason(sys.exc_info()[1]))
        self._client.on_disconnect = lambda *arguments: self._on_disconnect(str(arguments[3]))
        self._client.connect_async(url.hostname, url.port or _PORTS[url.scheme], _KEEPALIVE_S)
        self._client.loop_start()

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Send the result if it is time to."""
        if not self._client.is_connected() or not self._changes.is_due(frame, result):
            return False
        self._client.publish(f"{self._topic}/{level(result.source)}", json.dumps(to_json(result, self._device)))
        self._changes.told(frame, result)
        return True

    def tell(self, status: CameraStatus) -> bool:
        """Send how a camera is, and again to each broker that comes back."""
        self._cameras[status.name] = status
        if self._client.is_connected():
            self._send_status(status)
        return True

    def close(self) -> None:
        """Say goodbye, for the cameras too, and let the thread end."""
        self._client.on_disconnect = None
        with contextlib.suppress(RuntimeError):  # the connection was lost at this moment
            if self._client.is_connected():
                for status in self._cameras.values():
                    self._send_status(CameraStatus.now(status.name, CameraState.ENDED))
                self._keep(self._status, "offline").wait_for_publish(GOODBYE_S)
        self._client.disconnect()

    def _send_status(self, status: CameraStatus) -> None:
        topic = f"{self._topic}/{level(status.name)}"
        self._keep(f"{topic}/status", "online" if status.state is CameraState.ONLINE else "offline")
        self._keep(f"{topic}/state", json.dumps(status_to_json(status, self._device)))

    def _keep(self, topic: str, text: str) -> Any:
        """Send what the broker keeps for those who come later."""
        return self._client.publish(topic, text, qos=1, retain=True)

    @property
    def _status(self) -> str:
        return f"{self._topic}/status"

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._is_refused = reason.is_failure
        if reason.is_failure:  # user and password, or what this user may do
            self._lost(f"it says {str(reason).lower()}")
            return
        self._keep(self._status, "online")
        for status in tuple(self._cameras.values()):
            self._send_status(status)
        self._is_connected = True
        self._told.clear()
        _log.info("broker %s is online; results go to %s", self._name, self._topic)

    def _on_disconnect(self, reason: str) -> None:
        was_connected, self._is_connected = self._is_connected, False
        if was_connected:
            self._lost("connection lost" if reason == "Unspecified error" else reason.lower())
        elif not self._is_refused:
            self._lost(_HUNG_UP)

    def _lost(self, reason: str) -> None:
        """Log each reason once, until the broker is back."""
        if reason not in self._told:
            self._told.add(reason)
            _log.warning("broker %s is offline: %s", self._name, reason)


def _client(url: SplitResult, authority: Path | None) -> Any:
    library = _library()
    # A name of its own for each process: a broker throws out who comes under a name that is taken.
    client = library.Client(library.CallbackAPIVersion.VERSION2, f"edge-{device_id()}-{secrets.token_hex(2)}")
    if url.username:
        client.username_pw_set(unquote(url.username), unquote(url.password or ""))
    if authority and url.scheme != "mqtts":
        raise SinkError(f"Expected an address with mqtts:// for a certificate. Received: {url.scheme}://")
    if url.scheme == "mqtts":
        _set_tls(client, authority)
    client.reconnect_delay_set(1, _MOST_PAUSE_S)
    return client


def _set_tls(client: Any, authority: Path | None) -> None:
    try:
        client.tls_set(str(authority) if authority else None)
    except (OSError, ValueError) as error:
        raise SinkError(f"Expected a certificate (.pem) at {authority}. Received: {error}") from error


def _reason(error: BaseException | None) -> str:
    """What failed, in words that tell what to mend."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}; --mqtt-ca names an authority of your own"
    if isinstance(error, ssl.SSLError | ConnectionResetError):
        return _HUNG_UP
    if isinstance(error, socket.gaierror):
        return f"its name is not known here: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nobody listens there"
    return "no answer" if error is None or isinstance(error, TimeoutError) else str(error)


def _split(address: str) -> SplitResult:
    with contextlib.suppress(ValueError):  # no such port, or a host that no name server could know
        url = urlsplit(address)
        address.encode()
        is_place = url.hostname and url.port != 0 and url.hostname.encode("idna")
        if url.scheme in _PORTS and is_place and not re.search(r"[+\0]|^/?\$", url.path):
            return url
    raise SinkError(f"Expected mqtt://user:password@host:port/topic, or mqtts://. Received: {redact(address)}")


def _library() -> Any:
    try:
        library = importlib.import_module("paho.mqtt.client")
        library.CallbackAPIVersion  # noqa: B018
    except (ImportError, AttributeError) as error:  # Raspberry Pi OS 12 has version 1
        raise SinkError(f"Expected paho-mqtt 2 for --mqtt: pip install 'paho-mqtt>=2.1'. Received: {error}") from error
    return library
