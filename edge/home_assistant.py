"""Home Assistant's MQTT discovery: the messages that make each camera's sensors appear there.

The fields are those of https://www.home-assistant.io/integrations/sensor.mqtt/ and binary_sensor.mqtt/.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from edge import __version__
from edge.names import level
from edge.results import UNCERTAIN, CameraState

NOBODY = "nobody"
"""The emotion sensor's state when no face is in view."""
_LARGEST = "(value_json.faces | sort(attribute='box.2') | last)"
_IF_ANYBODY = "{{{{ {} if value_json.faces else {} }}}}"


def discovery(
    prefix: str, device: str, topic: Callable[[str], str], cameras: Sequence[str], labels: Sequence[str]
) -> dict[str, str]:
    """The discovery messages by topic, for the device and each of its cameras.

    Args:
        prefix: Home Assistant's discovery prefix, usually `homeassistant`.
        device: the device's name.
        topic: gives a camera's topic for its name, and the device's for "".
        cameras: the cameras' names.
        labels: the network's labels.
    """
    shared = {
        "device": {"identifiers": [f"emotion-edge-{_id(device)}"], "name": device, "sw_version": __version__},
        "origin": {"name": "emotion-edge", "sw_version": __version__},
    }
    messages = {("binary_sensor", "connection"): {**shared, **_connection(topic(""))}}
    for camera in cameras:
        for name, fields in _sensors(camera, topic(camera), f"{topic('')}/status", labels).items():
            messages["sensor", f"{_id(camera)}_{name}"] = {**shared, **fields}
    return {
        f"{prefix}/{component}/{_id(device)}/{name}/config": json.dumps({**fields, **_ids(component, device, name)})
        for (component, name), fields in messages.items()
    }


def _connection(topic: str) -> dict[str, Any]:
    return {
        "name": "Connection",
        "state_topic": f"{topic}/status",
        "payload_on": "online",
        "payload_off": "offline",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
    }


def _sensors(camera: str, topic: str, device_status: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The sensors of a camera; its state is available as long as the device is online."""
    state = {
        "name": f"{camera} state",
        "state_topic": f"{topic}/state",
        "value_template": "{{ value_json.state }}",
        "availability": [{"topic": device_status}],
        "device_class": "enum",
        "options": [state.value for state in CameraState],
        "entity_category": "diagnostic",
        "icon": "mdi:cctv",
    }
    shared = {
        "state_topic": topic,
        "availability": [{"topic": device_status}, {"topic": f"{topic}/status"}],
        "availability_mode": "all",
    }
    results = {name: {**shared, **fields} for name, fields in _of_results(camera, labels).items()}
    return {**results, "state": state}


def _of_results(camera: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The sensors that a camera's results feed."""
    return {
        "people": {
            "name": f"{camera} people",
            "value_template": "{{ value_json.faces | count }}",
            "state_class": "measurement",
            "icon": "mdi:account-group",
        },
        "emotion": {
            "name": f"{camera} emotion",
            "value_template": _IF_ANYBODY.format(f"{_LARGEST}.emotion", f"'{NOBODY}'"),
            "device_class": "enum",
            "options": [*labels, UNCERTAIN, NOBODY],
            "icon": "mdi:emoticon-outline",
        },
        "certainty": {
            "name": f"{camera} certainty",
            "value_template": _IF_ANYBODY.format(f"({_LARGEST}.certainty * 100) | round | int", None),
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "icon": "mdi:bullseye-arrow",
        },
    }


def _ids(component: str, device: str, name: str) -> dict[str, str]:
    unique = f"{_id(device).replace('_', '__')}_{name}"  # kitchen's left_door is not kitchen_left's door
    entity = re.sub(r"[^a-z0-9]+", "_", unique.lower())
    return {"unique_id": f"emotion-edge-{unique}", "default_entity_id": f"{component}.{entity}"}


def _id(name: str) -> str:
    """A name in the characters that Home Assistant allows in topics; different names get different ids."""
    plain = level(name)
    safe = re.sub(r"[^a-zA-Z0-9_-]+", "_", plain)
    return safe if safe == plain else f"{safe}_{hashlib.sha256(plain.encode()).hexdigest()[:6]}"
