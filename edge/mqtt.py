"""Sends results to an MQTT broker, for Home Assistant, Node-RED and the like: `--mqtt mqtt://user:password@host/topic`.

The library (pip install paho-mqtt) is imported when the sink is made. `edge/mqtt_link.py` keeps the connection in a
thread of its own; the loop never waits for the network.
"""

import contextlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from edge.address import redact
from edge.changes import Changes
from edge.errors import ConfigError
from edge.home_assistant import discovery
from edge.model_info import LABELS
from edge.mqtt_link import Broker, Link, Talk
from edge.names import device_id, level, own_device
from edge.results import CameraState, CameraStatus, Frame, FrameResult
from edge.schema import status_to_json, to_json
from edge.waiting import Entry, MemoryQueue, Waiting

GOODBYE_S = 0.5
"""How long `close` tries to tell the broker."""
QUEUE = 10_000
"""How many results wait in memory: nearly three hours of one camera."""
BASE = "emotion-edge"
PREFIX = "homeassistant"
OWN_LEVELS = ("status", "about")
"""Topic levels that the device uses itself; a camera with such a name gets a `_` appended."""
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class MqttOptions:
    """Options of the sink.

    Usage:
        MqttOptions(device="kitchen", authority=Path("/etc/ssl/our-own-authority.pem"))
    """

    device: str = ""
    """The device's name; if empty, its host name and id."""
    authority: Path | None = None
    """The certificate of the authority that signed the broker's certificate, if the system does not know it."""
    user: str = ""
    password: str = ""
    """User and password; they override those in the address."""
    queue: int = QUEUE
    """The most results that wait in memory."""
    discovery: str = PREFIX
    """Home Assistant's discovery prefix; empty: no discovery."""
    cameras: Sequence[str] = ()
    """The cameras to announce to Home Assistant."""
    labels: Sequence[str] = LABELS
    identity: Mapping[str, str] = field(default_factory=dict)
    """The versions of the program and the network."""


class MqttSink:
    """Publishes each result as JSON on TOPIC/DEVICE/CAMERA: at once when labels or faces change, else once per second.

    TOPIC/DEVICE/status is `online` or `offline`, retained; the broker publishes `offline` if the process dies. For each
    camera, TOPIC/DEVICE/CAMERA/status is the same, and CAMERA/state has its state and the reason as JSON. While the
    broker is away, results wait in memory, or in a `store` that another sink fills. Late ones go to CAMERA/late.

    Usage:
        MqttSink("mqtt://broker.local/home")
        MqttSink("mqtts://broker.local/home", MqttOptions(authority=Path("/etc/ssl/our-own-authority.pem")))

    Raises:
        ConfigError: the address is invalid, or the options do not fit it.
        SinkError: the certificate or the library is missing. A broker that does not answer is no error: it may come
            later.
    """

    def __init__(self, address: str, options: MqttOptions = MqttOptions(), store: Waiting | None = None) -> None:
        url = checked_address(address, options)
        self._device = options.device or own_device()
        self.topic = f"{url.path.strip('/') or BASE}/{level(self._device)}"
        self._memory = None if store else MemoryQueue(options.queue)
        self._changes = Changes()
        self._cameras: dict[str, CameraStatus] = {}
        greeting = f"{options.discovery}/status" if options.discovery else ""
        self.waiting: Waiting = store or self._memory  # type: ignore[assignment]
        self._talk = Talk(self.waiting, self._topic_of, f"{self.topic}/status", greeting)
        if options.discovery:
            messages = discovery(options.discovery, self._device, self._place, options.cameras, options.labels)
            self._talk.kept.update(messages)
        about = {"device": self._device, "id": device_id(), **options.identity, "cameras": list(options.cameras)}
        self._talk.kept[f"{self.topic}/about"] = json.dumps(about)
        # A client id of its own for each process: a broker disconnects a client when another one takes its id.
        self.link = Link(_broker(url, options), f"edge-{device_id()}-{secrets.token_hex(2)}", self._talk)
        self.link.start()

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Queue the result if one is due; with a store, the results come from there."""
        if self._memory is None or not self._changes.is_due(frame, result):
            return False
        self._memory.put(result.source, json.dumps(to_json(result, self._device)), result.captured_at)
        self._changes.told(frame, result)
        return True

    def tell(self, status: CameraStatus) -> bool:
        """Publish a camera's state, retained."""
        self._cameras[status.name] = status
        for topic, text in self._about(status).items():
            self._talk.keep(topic, text)
        return True

    def counts(self) -> dict[str, int]:
        """How many results wait or were dropped, whether the broker is connected, and how often it was."""
        link, waiting = self.link, self.waiting
        state = {"connected": int(link.is_connected), "connections": link.connections}
        return {"waiting": waiting.count, "dropped": waiting.dropped, **state}

    def close(self) -> None:
        """Send what waits, and publish `offline` for the device and its cameras, if the broker is there."""
        goodbye: dict[str, str] = {}
        for name in self._cameras:
            goodbye |= self._about(CameraStatus.now(name, CameraState.ENDED))
        self.link.end({**goodbye, f"{self.topic}/status": "offline"}, GOODBYE_S)

    def _about(self, status: CameraStatus) -> dict[str, str]:
        topic = self._place(status.name)
        return {
            f"{topic}/status": "online" if status.state is CameraState.ONLINE else "offline",
            f"{topic}/state": json.dumps(status_to_json(status, self._device)),
        }

    def _place(self, camera: str) -> str:
        """A camera's topic; for "" the device's."""
        name = level(camera)
        return f"{self.topic}/{name}{'_' if name in OWN_LEVELS else ''}" if camera else self.topic

    def _topic_of(self, entry: Entry) -> str:
        return self._place(entry.source) + ("/late" if entry.is_late else "")


def checked_address(address: str, options: MqttOptions) -> SplitResult:
    """The parts of a broker's address; a ConfigError if it is none, or if the options do not fit it."""
    url = _split(address)
    if re.search(r"[+#\0]", options.discovery):
        raise ConfigError(f"Expected a prefix of topics for Home Assistant. Received: {redact(options.discovery)}")
    if options.authority and url.scheme != "mqtts":
        raise ConfigError(f"Expected an address with mqtts:// for a certificate. Received: {url.scheme}://")
    return url


def _broker(url: SplitResult, options: MqttOptions) -> Broker:
    return Broker(
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        user=options.user or unquote(url.username or ""),
        password=options.password or unquote(url.password or ""),
        has_tls=url.scheme == "mqtts",
        authority=options.authority,
    )


def _split(address: str) -> SplitResult:
    with contextlib.suppress(ValueError):  # no such port, or a host that no name server could know
        url = urlsplit(address)
        address.encode()
        is_place = url.hostname and url.port != 0 and url.hostname.encode("idna")
        if url.scheme in _PORTS and is_place and not re.search(r"[+\0]|^/?\$", url.path):
            return url
    raise ConfigError(f"Expected mqtt://user:password@host:port/topic, or mqtts://. Received: {redact(address)}")
