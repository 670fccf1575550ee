"""The options of the MQTT broker and the store, and the sinks that they open."""

import argparse
import os
from pathlib import Path

from edge.config import EdgeConfig
from edge.errors import SinkError
from edge.model_info import read_model_info
from edge.sinks import Sink, checked_place
from edge.store import Store, StoreSink
from edge.store_file import DAY_S, StoreLimits
from edge.version import identity

MQTT_VARIABLE = "EMOTION_EDGE_MQTT"


def add_broker_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `open_broker_sinks`."""
    group = parser.add_argument_group("broker and store")
    group.add_argument("--store", type=Path, help="keep results in this SQLite file, also while the broker is away")
    group.add_argument("--store-mb", type=_positive, default=500, help="most MB of --store; the oldest rows go")
    group.add_argument("--store-days", type=_positive, default=30, help="delete rows after so many days of running")
    group.add_argument(
        "--mqtt",
        help=f"also send to mqtt://host/topic; if it has a password, use ${MQTT_VARIABLE} or --config instead, "
        f"since every user can read a command line (default: ${MQTT_VARIABLE})",
    )
    group.add_argument("--mqtt-ca", type=Path, help="CA certificate (.pem) to check the broker's certificate with")
    group.add_argument("--mqtt-user", help=f"the user, if not in the address (default: ${MQTT_VARIABLE}_USER)")
    group.add_argument(
        "--mqtt-password-file", type=Path, help=f"a file with the password (default: ${MQTT_VARIABLE}_PASSWORD)"
    )
    group.add_argument(
        "--mqtt-queue",
        type=_positive,
        default=10_000,
        help="keep at most so many results in memory while the broker is away; the oldest go",
    )
    group.add_argument(
        "--mqtt-discovery",
        default="homeassistant",
        help="topic prefix of Home Assistant's discovery, which adds the cameras' sensors; empty: no discovery",
    )


def open_broker_sinks(arguments: argparse.Namespace, config: EdgeConfig) -> list[Sink]:
    """Open the sinks that the options ask for.

    Raises:
        SinkError: one of them can't work.
    """
    address = arguments.mqtt or os.environ.get(MQTT_VARIABLE)
    store = _open_store(arguments, forwards=bool(address))
    sinks: list[Sink] = [StoreSink(store, config.device)] if store else []
    return [*sinks, _mqtt_sink(address, arguments, config, store)] if address else sinks


def _open_store(arguments: argparse.Namespace, forwards: bool) -> Store | None:
    if arguments.store is None:
        return None
    limits = StoreLimits(arguments.store_mb * 1_000_000, arguments.store_days * DAY_S)
    return Store(checked_place(arguments.store), limits, forwards)


def _mqtt_sink(address: str, arguments: argparse.Namespace, config: EdgeConfig, store: Store | None) -> Sink:
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
    return MqttSink(address, options, store)


def read_password(file: Path | None) -> str:
    """The password: the first line of the file, else the environment's variable."""
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
