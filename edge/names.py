"""Names of devices and cameras that stay unique in a fleet: in lines, rows, topics and file names.

The owner may name a device; else it is called by host name and id, since every new Raspberry Pi is named raspberrypi.
The owner may name a camera too (`door=rtsp://…`); else it is called by its source without the password.
"""

import functools
import hashlib
import hmac
import os
import re
import socket
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edge.address import redact
from edge.errors import ConfigError

APPLICATION = uuid.UUID("508bc721f5674a5087cb6a7b9302d33c")
"""Hashed with the machine's id, to get an id for this program only: the machine's own id is secret (machine-id(5))."""
ID_LETTERS = 12
_MACHINE_ID = Path("etc/machine-id")
_SERIAL_NUMBER = Path("sys/firmware/devicetree/base/serial-number")
"""A Raspberry Pi's serial number: copied SD cards share the machine's id."""
_NAME = re.compile(r"\w(?:[\w .-]{0,62}[\w.-])?")
_NAMED = re.compile(rf"({_NAME.pattern})=(.+)", re.DOTALL)


def device_id(root: Path = Path("/")) -> str:
    """Twelve letters that identify this device for good: its machine id, hashed as systemd does."""
    machine, serial = _bytes(root / _MACHINE_ID), _bytes(root / _SERIAL_NUMBER)
    try:
        key = uuid.UUID(machine.decode()).bytes
    except ValueError:  # a container without one
        key = b"" if serial else socket.gethostname().encode()
    return hmac.new(key, APPLICATION.bytes + serial, hashlib.sha256).hexdigest()[:ID_LETTERS]


@functools.cache
def own_device() -> str:
    """This device's default name: its host name and id."""
    return f"{socket.gethostname().partition('.')[0] or 'device'}-{device_id()}"


def named(source: str) -> tuple[str, str]:
    """Split `door=rtsp://…` into the camera's name, `door`, and the source's address.

    If the whole text names a file or folder, that is the source. A camera without a name is called by its source.
    """
    match = _NAMED.fullmatch(source)
    if match is None or _is_there(source):
        return redact(source), source
    return match[1], match[2]


def camera_name(source: str) -> str:
    """The camera's name, safe to show: without a password."""
    return named(source)[0]


def level(name: str) -> str:
    """A name as one level of an MQTT topic, or as a part of a file name."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_") or "source"


def check_names(cameras: Sequence[str], device: str) -> None:
    """Raise a ConfigError if two cameras would share a topic, or if the device's name can't be part of a topic."""
    for place, count in Counter(map(level, cameras)).items():
        if count > 1:
            twice = ", ".join(camera for camera in cameras if level(camera) == place)
            raise ConfigError(f"Expected cameras with names of their own: --source NAME=SOURCE. Received: {twice}")
    if device and not _NAME.fullmatch(device):
        expected = "Expected device_name to be of letters, digits, spaces, dots, hyphens and underscores"
        raise ConfigError(f"{expected}. Received: {redact(device)}")


def _is_there(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:
        return False


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes().strip(b"\0\n ")
    except OSError:
        return b""
