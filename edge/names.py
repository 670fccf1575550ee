"""Names that tell twenty devices and their cameras apart: in lines, rows, topics and file names.

A device's name is its owner's choice, or its host name with its id: every new Raspberry Pi is called raspberrypi. A
camera's name is its owner's too (`door=rtsp://…`), or its source's without a password.
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
"""What makes the id this program's own; machine-id(5): the machine's id itself is to be kept secret."""
ID_LETTERS = 12
_MACHINE_ID = Path("etc/machine-id")
_SERIAL_NUMBER = Path("sys/firmware/devicetree/base/serial-number")
"""A Raspberry Pi's own: copied cards share the machine's id."""
_NAME = re.compile(r"\w(?:[\w .-]{0,62}[\w.-])?")
_NAMED = re.compile(rf"({_NAME.pattern})=(.+)", re.DOTALL)


def device_id(root: Path = Path("/")) -> str:
    """Twelve letters that are this device's only, and stay so: its machine id, hashed as systemd does."""
    machine, serial = _bytes(root / _MACHINE_ID), _bytes(root / _SERIAL_NUMBER)
    try:
        key = uuid.UUID(machine.decode()).bytes
    except ValueError:  # a container without one
        key = b"" if serial else socket.gethostname().encode()
    return hmac.new(key, APPLICATION.bytes + serial, hashlib.sha256).hexdigest()[:ID_LETTERS]


@functools.cache
def own_device() -> str:
    """This device's name if nobody gave it one."""
    return f"{socket.gethostname().partition('.')[0] or 'device'}-{device_id()}"


def named(source: str) -> tuple[str, str]:
    """A camera's name and its source's address: `door` and `rtsp://…` of `door=rtsp://…`.

    A file or folder that has this name as a whole is meant. A camera without a name is called as its source is.
    """
    match = _NAMED.fullmatch(source)
    if match is None or _is_there(source):
        return redact(source), source
    return match[1], match[2]


def camera_name(source: str) -> str:
    """The camera's name as others may see it."""
    return named(source)[0]


def level(name: str) -> str:
    """A name as one level of a topic, or a part of a file's name."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_") or "source"


def check_names(cameras: Sequence[str], device: str) -> None:
    """A ConfigError if two cameras would share a topic, or the device's name has letters that no topic takes."""
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
