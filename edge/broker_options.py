"""The options of broker and store, and the sinks that they make."""

import argparse
import os
from pathlib import Path

from edge.config import EdgeConfig
from edge.errors import SinkError
from edge.model_info import read_model_info
from edge.sinks import Sink
from edge.version import identity

MQTT_VARIABLE = "EMOTION_EDGE_MQTT"


def add_broker_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `open_broker_sinks`."""
    group = parser.add_argument_group("broker")
    group.add_argument("--mqtt", help=f"also send to mqtt://user:password@host/topic (default: ${MQTT_VARIABLE})")
    group.add_argument("--mqtt-ca", type=Path, help="the certificate of the authority that signed the broker's (.pem)")
    group.add_argument("--mqtt-user", help=f"the user, if it is not in the address (default: ${MQTT_VARIABLE}_USER)")
    group.add_argument(
        "--mqtt-password-file", type=Path, help=f"a file with the password (default: ${MQTT_VARIABLE}_PASSWORD)"
    )
    group.add_argument(
        "--mqtt-queue",
        type=_positive,
        default=10_000,
        help="most results that wait in memory for a broker; the oldest go",
    )
    group.add_argument(
        "--mqtt-discovery",
        default="homeassistant",
        help="prefix under which Home Assistant finds the cameras' sensors by itself; empty: it is not told",
    )


def open_broker_sinks(arguments: argparse.Namespace, config: EdgeConfig) -> list[Sink]:
    """The sinks that were asked for.

    Raises:
        SinkError: one of them can't work.
    """
    address = arguments.mqtt or os.environ.get(MQTT_VARIABLE)
    return [_mqtt_sink(address, arguments, config)] if address else []


def _mqtt_sink(address: str, arguments: argparse.Namespace, config: EdgeConfig) -> Sink:
    from edge.mqtt import MqttOptions, MqttSink  # optional

    options = MqttOptions(
        device=config.device,
        authority=arguments.mqtt_ca,
        user=arguments.mqtt_user or os.environ.get(f"{MQTT_VARIABLE}_USER", ""),
        password=read_password(arguments.mqtt_password_file),
        queue=arguments.mqtt_queue,
        discovery=arguments.mqtt_discovery.strip("/"),
        cameras=config.cameras,
        labels=read_model_info(config.model_path).labels,
        identity=identity(config),
    )
    return MqttSink(address, options)


def read_password(file: Path | None) -> str:
    """The first line of the file, or what the environment says."""
    if file is None:
        return os.environ.get(f"{MQTT_VARIABLE}_PASSWORD", "")
    try:
        return file.read_text().partition("\n")[0].rstrip("\r")
    except (OSError, ValueError) as error:  # the text of a ValueError would show bytes of it
        reason = error.strerror if isinstance(error, OSError) else "no text"
        raise SinkError(f"Expected a password in {file}. Received: {reason}") from None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {text}")
    return number
