"""The sinks that the command line names."""

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.broker_options import MQTT_VARIABLE, add_broker_arguments, open_broker_sinks
from edge.changes import ChangesSink
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import ConfigError
from edge.journal import JournalSink
from edge.media_type import FOREIGN_SUFFIXES
from edge.names import named
from edge.photos import IMAGE_SUFFIXES
from edge.recording import CsvSink, SnapshotSink, VideoSink, check_video_name
from edge.sinks import JsonLinesSink, Sink, WindowSink
from edge.sources import local_path
from edge.version import identity

EMITS = ("all", "changes")
OUTPUTS = ("json", "csv", "video", "snapshots", "store")
"""The options that name a file or folder to write to."""
READ = ("config", "mqtt_ca", "mqtt_password_file")
"""Those that name a file to read, beside sources and networks."""


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `open_sinks`."""
    parser.add_argument(
        "--headless",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="no window: one JSON line per frame on standard output",
    )
    parser.add_argument(
        "--journal",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="with --headless: only short lines, for changes (at most every 5 s) and once per minute",
    )
    parser.add_argument("--json", type=Path, help="also append the JSON lines to this file")
    parser.add_argument("--csv", type=Path, help="append a row per face to this file")
    parser.add_argument(
        "--emit",
        choices=EMITS,
        default="all",
        help="write every frame (all), or a frame in which a label or a face changes, else one per second (changes)",
    )
    parser.add_argument("--video", type=Path, help="record the annotated image to this .mp4 or .avi")
    parser.add_argument("--snapshots", type=Path, help="save an image here whenever a label changes or a face appears")
    parser.add_argument(
        "--plain",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="save --snapshots without boxes and words, as images to train with",
    )
    parser.add_argument("--metrics", help="serve /metrics for Prometheus and /healthz at this HOST:PORT")
    parser.add_argument("--snapshot-token", help="with --metrics: also serve /snapshot.jpg to clients with this token")
    parser.add_argument(
        "--snapshot-blur", action=argparse.BooleanOptionalAction, default=False, help="hide faces in /snapshot.jpg"
    )
    add_broker_arguments(parser)


def open_metrics(arguments: argparse.Namespace, engine: Engine, sinks: Sequence[Sink]) -> list[Sink]:
    """Open what serves the counts of the engine and the sinks, if the options ask for it."""
    if not arguments.metrics:
        return []
    from edge.metrics import MetricsSink, SnapshotOptions  # optional

    options = SnapshotOptions(arguments.snapshot_token or "", arguments.snapshot_blur)
    return [MetricsSink(arguments.metrics, engine, sinks, identity(engine.config), options)]


def open_sinks(arguments: argparse.Namespace, config: EdgeConfig, stop: threading.Event) -> list[Sink]:
    """Open a sink for each option that was given; when `stop` is set, writes no longer wait for a reader.

    Raises:
        SinkError: one of them can't work.
    """
    sinks = [_thinned(sink, arguments.emit) for sink in _line_sinks(arguments, config, stop)]
    if not arguments.headless:
        sinks.insert(0, WindowSink(config.cameras))
    if arguments.video:
        sinks.append(VideoSink(arguments.video, config.fps or 30.0))
    if arguments.snapshots:
        sinks.append(SnapshotSink(arguments.snapshots, device=config.device, plain=arguments.plain))
    return [*sinks, *open_broker_sinks(arguments, config)]


def check_options(arguments: argparse.Namespace, config: EdgeConfig) -> None:
    """Raise a ConfigError if options contradict each other, or could never work: before anything is opened."""
    if arguments.snapshot_token and not arguments.metrics:
        raise ConfigError("Expected --metrics with --snapshot-token. Received: none")
    if arguments.metrics:
        from edge.status_page import split_address  # optional, as below

        split_address(arguments.metrics)
    if arguments.video:
        check_video_name(arguments.video)
        if len(config.cameras) > 1:
            raise ConfigError(f"Expected one source with --video. Received: {', '.join(config.cameras)}")
    if address := arguments.mqtt or os.environ.get(MQTT_VARIABLE):
        from edge.mqtt import MqttOptions, checked_address

        checked_address(address, MqttOptions(authority=arguments.mqtt_ca, discovery=arguments.mqtt_discovery))
    check_outputs(arguments, config)


def check_outputs(arguments: argparse.Namespace, config: EdgeConfig) -> None:
    """Raise a ConfigError if an output is also an input, or a photo in a folder of them: it would be overwritten."""
    inputs = {_real(path) for path in _inputs(arguments, config)}
    for option in OUTPUTS:
        path: Path | None = getattr(arguments, option)
        if path is None:
            continue
        is_photo = path.suffix.lower() in IMAGE_SUFFIXES | FOREIGN_SUFFIXES and _real(path).parent in inputs
        if _real(path) in inputs or is_photo:
            raise ConfigError(f"Expected --{option} to be no file or folder that this run reads. Received: {path}")


def _inputs(arguments: argparse.Namespace, config: EdgeConfig) -> Iterator[Path]:
    sources = (local_path(named(source)[1]) for source in config.sources)
    networks = (config.model_path, Path(config.detector_model) if config.detector_model else None)
    yield from filter(None, (*sources, *networks, *(getattr(arguments, option) for option in READ)))


def _real(path: Path) -> Path:
    """The path without links, whether it exists or not."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # an impossible name
        return path


def _line_sinks(arguments: argparse.Namespace, config: EdgeConfig, stop: threading.Event) -> list[Sink]:
    device, known = config.device, identity(config)
    sinks: list[Sink] = []
    if arguments.headless:
        kind = JournalSink if arguments.journal else JsonLinesSink
        sinks.append(kind(sys.stdout, stop, device, known))
    if arguments.json:
        sinks.append(JsonLinesSink(arguments.json, device=device, identity=known))
    if arguments.csv:
        sinks.append(CsvSink(arguments.csv, device, known))
    return sinks


def _thinned(sink: Sink, emit: str) -> Sink:
    return ChangesSink(sink) if emit == "changes" else sink
