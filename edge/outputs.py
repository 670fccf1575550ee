"""The sinks that the command line names."""

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edge.broker_options import add_broker_arguments, open_broker_sinks
from edge.changes import ChangesSink
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import ConfigError
from edge.journal import JournalSink
from edge.recording import CsvSink, SnapshotSink, VideoSink
from edge.sinks import JsonLinesSink, Sink, WindowSink
from edge.version import identity

EMITS = ("all", "changes")


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
        help="with --headless: a short line when what is seen changes, at most every 5 s, else one per minute",
    )
    parser.add_argument("--json", type=Path, help="also add the JSON lines to this file")
    parser.add_argument("--csv", type=Path, help="add a row per face to this file")
    parser.add_argument(
        "--emit",
        choices=EMITS,
        default="all",
        help="lines and rows of every frame, or only when a label changes, and otherwise one per second",
    )
    parser.add_argument("--video", type=Path, help="record the annotated image to this .mp4 or .avi")
    parser.add_argument("--snapshots", type=Path, help="keep an image in this folder whenever an emotion changes")
    parser.add_argument(
        "--plain",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="--snapshots without boxes and words: images to train with",
    )
    parser.add_argument("--metrics", help="serve /metrics for Prometheus and /healthz at this HOST:PORT")
    parser.add_argument("--snapshot-token", help="with --metrics: serve /snapshot.jpg too, to who knows this token")
    parser.add_argument(
        "--snapshot-blur", action=argparse.BooleanOptionalAction, default=False, help="hide the faces in it"
    )
    add_broker_arguments(parser)


def open_metrics(arguments: argparse.Namespace, engine: Engine, sinks: Sequence[Sink]) -> list[Sink]:
    """What serves the engine's and the sinks' counts, if it was asked for."""
    if arguments.snapshot_token and not arguments.metrics:
        raise ConfigError("Expected --metrics with --snapshot-token. Received: none")
    if not arguments.metrics:
        return []
    from edge.metrics import MetricsSink, SnapshotOptions  # optional

    options = SnapshotOptions(arguments.snapshot_token or "", arguments.snapshot_blur)
    return [MetricsSink(arguments.metrics, engine, sinks, identity(engine.config), options)]


def open_sinks(arguments: argparse.Namespace, config: EdgeConfig, stop: threading.Event) -> list[Sink]:
    """A sink for each option that was given; `stop` says that nobody wants to wait any more.

    Raises:
        SinkError: one of them can't work.
        ConfigError: they do not go together.
    """
    names = config.cameras
    if arguments.video and len(names) > 1:
        raise ConfigError(f"Expected one source with --video. Received: {', '.join(names)}")
    sinks = [_thinned(sink, arguments.emit) for sink in _line_sinks(arguments, config, stop)]
    if not arguments.headless:
        sinks.insert(0, WindowSink(names))
    if arguments.video:
        sinks.append(VideoSink(arguments.video, config.fps or 30.0))
    if arguments.snapshots:
        sinks.append(SnapshotSink(arguments.snapshots, device=config.device, plain=arguments.plain))
    return [*sinks, *open_broker_sinks(arguments, config)]


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
