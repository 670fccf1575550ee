"""What Home Assistant is told: messages with its documented fields only, and templates that give what they promise."""

import functools
import json
import re
from typing import Any

import jinja2
import jsonschema
import numpy as np
import pytest

from edge.errors import ConfigError
from edge.home_assistant import discovery
from edge.model_info import LABELS
from edge.mqtt import MqttOptions, MqttSink
from edge.results import Box, CameraState, CameraStatus, FrameResult
from edge.schema import status_to_json, to_json
from tests.fakes import frame_of, result_of
from tests.rigs.broker import MOSQUITTO, Listener, listening, until
from tests.rigs.faults import ServerRig

CAMERAS = ("gate", "Front door", "Tür", "Tor", "rtsp://10.0.0.7:554/a.b", "rtsp://10.0.0.7:554/a_b")
IMAGE = np.zeros((12, 16, 3), np.uint8)
TEXT = {"type": "string", "minLength": 1}
TOPIC = {"type": "string", "pattern": r"^[^+#]+$"}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}
# The fields of https://www.home-assistant.io/integrations/sensor.mqtt/ and binary_sensor.mqtt/ that we may use
COMMON = {
    "name": TEXT,
    "unique_id": TEXT,
    "state_topic": TOPIC,
    "value_template": TEXT,
    "icon": {"type": "string", "pattern": "^mdi:[a-z-]+$"},
    "entity_category": {"const": "diagnostic"},
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "availability": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"topic": TOPIC, "payload_available": TEXT, "payload_not_available": TEXT},
            "required": ["topic"],
            "additionalProperties": False,
        },
    },
    "device": {
        "type": "object",
        "properties": {"identifiers": TEXTS, "name": TEXT, "manufacturer": TEXT, "model": TEXT, "sw_version": TEXT},
        "required": ["identifiers", "name"],
        "additionalProperties": False,
    },
    "origin": {
        "type": "object",
        "properties": {"name": TEXT, "sw_version": TEXT, "support_url": TEXT},
        "required": ["name"],
        "additionalProperties": False,
    },
}
OWN: dict[str, dict[str, Any]] = {
    "sensor": {
        "default_entity_id": {"type": "string", "pattern": r"^sensor\.[a-z0-9_]+$"},
        "device_class": {"const": "enum"},
        "options": TEXTS,
        "state_class": {"enum": ["measurement"]},
        "unit_of_measurement": TEXT,
    },
    "binary_sensor": {
        "default_entity_id": {"type": "string", "pattern": r"^binary_sensor\.[a-z0-9_]+$"},
        "device_class": {"const": "connectivity"},
        "payload_on": TEXT,
        "payload_off": TEXT,
    },
}
NEEDED = ["name", "unique_id", "default_entity_id", "state_topic", "device", "origin"]

needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")


def check(topic: str, text: str) -> dict[str, Any]:
    """The message, if Home Assistant takes it."""
    match = re.fullmatch(r"homeassistant/(\w+)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
    assert match, topic
    fields = COMMON | OWN[match[1]]
    schema = {"type": "object", "properties": fields, "required": NEEDED, "additionalProperties": False}
    message: dict[str, Any] = json.loads(text)
    jsonschema.validate(message, schema)
    if "options" in message:  # it refuses such a sensor
        assert message["device_class"] == "enum"
        assert not {"state_class", "unit_of_measurement"} & set(message)
    return message


@functools.cache
def messages(device: str = "Kitchen 2", cameras: tuple[str, ...] = CAMERAS) -> dict[str, dict[str, Any]]:
    found = discovery("homeassistant", device, lambda camera: f"home/k/{camera}".rstrip("/"), cameras, LABELS)
    return {topic: check(topic, text) for topic, text in found.items()}


def render(message: dict[str, Any], line: dict[str, Any]) -> str:
    return jinja2.Environment().from_string(message["value_template"]).render(value_json=json.loads(json.dumps(line)))


def test_messages_have_documented_fields_and_names_of_their_own() -> None:
    found = messages()
    assert len(found) == 1 + 4 * len(CAMERAS)
    for name in ("unique_id", "default_entity_id"):
        assert len({message[name] for message in found.values()}) == len(found)
    others = messages("Kitchen 3")
    assert not set(found) & set(others)
    assert not {message["unique_id"] for message in found.values()} & {one["unique_id"] for one in others.values()}


def test_no_two_cameras_of_two_devices_are_one() -> None:
    found = {**messages("kitchen", ("left_door",)), **messages("kitchen_left", ("door",))}
    assert len({message["unique_id"] for message in found.values()}) == len(found) == 10


def test_an_id_of_old_stays_as_it_was() -> None:
    assert the("people", "kitchen")["unique_id"] == "emotion-edge-kitchen_gate_people"
    assert the("people", "kitchen")["default_entity_id"] == "sensor.kitchen_gate_people"
    assert "__" not in the("people", "kitchen_left")["default_entity_id"], "Home Assistant takes no such name"


def the(what: str, device: str = "Kitchen 2") -> dict[str, Any]:
    found = messages(device, ("gate",))
    (message,) = (one for topic, one in found.items() if topic.endswith(f"gate_{what}/config"))
    return message


def people(*faces: tuple[str, int, float]) -> dict[str, Any]:
    """The line of faces by their emotion, width and certainty."""
    result = result_of(frame_of(IMAGE))
    (face,) = result.faces
    made = [vars(face) | {"emotion": e, "box": Box(0, 0, width, 50), "certainty": c} for e, width, c in faces]
    return to_json(FrameResult(**{**vars(result), "faces": tuple(type(face)(**one) for one in made)}))


@pytest.mark.parametrize(
    ("faces", "count", "emotion", "certainty"),
    [
        ((), "0", "nobody", "None"),
        ((("happy", 50, 0.876),), "1", "happy", "88"),
        ((("sad", 90, 0.5), ("happy", 120, 0.25), ("fear", 10, 1.0)), "3", "happy", "25"),
        ((("uncertain", 30, 0.0),), "1", "uncertain", "0"),
    ],
)
def test_templates_give_what_the_sensors_promise(
    faces: tuple[tuple[str, int, float], ...], count: str, emotion: str, certainty: str
) -> None:
    line = people(*faces)
    assert (render(the("people"), line), render(the("certainty"), line)) == (count, certainty)
    assert render(the("emotion"), line) == emotion
    assert emotion in the("emotion")["options"]


def test_every_state_of_a_camera_is_an_option() -> None:
    for state in CameraState:
        assert render(the("state"), status_to_json(CameraStatus.now("gate", state))) in the("state")["options"]
    assert [place["topic"] for place in the("state")["availability"]] == ["home/k/status"], "a dead camera's is known"


@pytest.fixture
def broker(broker: ServerRig) -> ServerRig:
    broker.revive()
    return broker


def configs(listener: Listener) -> dict[str, str]:
    return {topic: text for topic, text in listener.heard if topic.endswith("/config")}


@needs_broker
def test_sensors_appear_by_themselves_and_survive_a_restart_of_either_side(broker: ServerRig) -> None:
    sink = MqttSink(broker.source, MqttOptions(device="kitchen", cameras=("gate", "garden")))
    with listening(broker) as early:
        until(lambda: len(configs(early)) == 9)
    with listening(broker) as assistant:  # it comes later, and finds what was kept
        until(lambda: len(configs(assistant)) == 9)
        assert set(configs(assistant)) <= assistant.kept
        found = {topic: check(topic, text) for topic, text in configs(assistant).items()}
        assistant.heard.clear()
        assistant.say("homeassistant/status", "online")
        until(lambda: len(configs(assistant)) == 9 and assistant.last("home/kitchen/status") == "online")
    sink.tell(CameraStatus.now("gate", CameraState.ONLINE))
    frame = frame_of(IMAGE, source="gate")
    broker.kill()  # it forgets all
    broker.revive()
    with listening(broker) as assistant:
        until(lambda: len(configs(assistant)) == 9, seconds=20)
        sink.write(frame, result_of(frame))
        until(assistant.lines)
        topics = {topic for topic, _ in assistant.heard}
        gate = [one for one in found.values() if one["name"].startswith("gate")]
        assert {one["state_topic"] for one in gate} | {"home/kitchen/gate/status", "home/kitchen/status"} <= topics
        sink.close()
        until(lambda: assistant.last("home/kitchen/status") == "offline")


def test_a_prefix_that_no_topic_takes_is_refused() -> None:
    for prefix in ("home/#", "+"):
        with pytest.raises(ConfigError, match="prefix"):
            MqttSink("mqtt://127.0.0.1:1", MqttOptions(discovery=prefix))


@needs_broker
def test_who_has_no_home_assistant_tells_it_nothing(broker: ServerRig) -> None:
    sink = MqttSink(broker.source, MqttOptions(device="kitchen", cameras=("gate",), discovery=""))
    with listening(broker) as listener:
        until(lambda: listener.last("home/kitchen/status") == "online")
        sink.close()
    assert not configs(listener)
