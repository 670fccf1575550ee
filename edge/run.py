"""The command line and the loop: cameras -> Pipeline.process -> sinks, until the end, a signal or a limit.

python -m edge.run --headless --source demo --max-frames 50
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.address import redact
from edge.camera import Camera, iter_frames
from edge.command_line import EXIT_INTERRUPTED, CommandParser, quiet_native_code, run_command
from edge.config import EdgeConfig, add_arguments, config_from
from edge.detectors import create_detector
from edge.errors import ConfigError, SourceError, StuckThreadError
from edge.governor import Governor, frame_rate
from edge.interpreter import choose_runtime
from edge.pipeline import Pipeline, create_classifier
from edge.recording import CsvSink, SnapshotSink, VideoSink
from edge.run_stats import RunStats, Summary, format_summary
from edge.schema import json_schema
from edge.sinks import FanOut, JsonLinesSink, Sink, WindowSink, close_all
from edge.sources import REMEDY
from edge.systemd import SystemdNotifier

MQTT_VARIABLE = "EMOTION_EDGE_MQTT"
STOP_S = 1.0
"""How long the end waits for threads inside a call of a stalled camera, all together."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """When a run ends by itself; 0 is never."""

    max_frames: int = 0
    seconds: float = 0.0


def run(
    config: EdgeConfig,
    sinks: Sequence[Sink],
    stop: threading.Event | None = None,
    limits: Limits = Limits(),
    started_s: float | None = None,
) -> Summary:
    """Process the configured sources until they end, `stop` is set or a limit is reached; sinks stay open.

    Raises:
        EmotionError: a source, the model or the only sink has failed.
    """
    stats, fan_out = RunStats(time.monotonic() if started_s is None else started_s), FanOut(sinks)
    governor, notifier = Governor(config) if config.cpu_budget else None, SystemdNotifier()
    with _started(config) as cameras:
        pipelines = _pipelines(config)

        def look_after() -> None:
            notifier.alive()
            if all(camera.absent for camera in cameras.values()):
                raise SourceError(f"Expected a source that opens; {REMEDY}. Received: none of {', '.join(cameras)}")

        for frame in iter_frames(list(cameras.values()), stop, limits.seconds or None, look_after):
            pipeline = pipelines[frame.source]
            result = pipeline.process(frame)
            stats.add(result, time.monotonic())
            notifier.ready()
            fan_out.write(frame, result)
            if fan_out.closed or stats.frames == limits.max_frames:
                break
            if governor:
                pipeline.intervals = governor.update(result.age_ms)
            cameras[frame.source].fps = frame_rate(pipeline.intervals, pipeline.idle)
        notifier.stopping()
    return _summary(stats, config, list(cameras.values()), list(pipelines.values()))


def _summary(stats: RunStats, config: EdgeConfig, cameras: list[Camera], pipelines: list[Pipeline]) -> Summary:
    return stats.summary(
        time.monotonic(),
        setup=f"detector {pipelines[0].detector.name}, model {config.model_path.name}, "
        f"runtime {choose_runtime(config.runtime)}",
        dropped=sum(camera.dropped for camera in cameras),
        skipped=sum(camera.skipped for camera in cameras),
        reconnects=sum(camera.reconnects for camera in cameras),
        detections=sum(pipeline.detections for pipeline in pipelines),
        classifications=sum(pipeline.classifications for pipeline in pipelines),
    )


@contextlib.contextmanager
def _started(config: EdgeConfig) -> Iterator[dict[str, Camera]]:
    """A running camera for each source; all are stopped, whatever happens."""
    wake = threading.Condition()
    cameras = [Camera(name, config, wake, sole=len(config.sources) == 1) for name in config.sources]
    try:
        for camera in cameras:
            camera.start()
        yield {camera.name: camera for camera in cameras}
    finally:
        deadline_s = time.monotonic() + STOP_S
        for camera in cameras:
            camera.tell_to_stop()
        for camera in cameras:
            try:
                camera.stop(max(0.0, deadline_s - time.monotonic()))
            except StuckThreadError as error:  # it ends with the process: no reason to fail a run that is over
                _log.warning("%s", error)


def _pipelines(config: EdgeConfig) -> dict[str, Pipeline]:
    """A pipeline for each source; they share one detector and one classifier, in turns."""
    detector, classifier = create_detector(config), create_classifier(config)
    return {redact(name): Pipeline(config, detector, classifier) for name in config.sources}


def build_parser() -> CommandParser:
    """Every option of the command, with its default."""
    parser = CommandParser("python -m edge.run", description="Find faces in a camera's images and tell their emotions.")
    add_arguments(parser)
    parser.add_argument("--headless", action="store_true", help="no window: one JSON line a frame on standard output")
    parser.add_argument("--json", type=Path, help="also add the JSON lines to this file")
    parser.add_argument("--csv", type=Path, help="add a row a face to this file")
    parser.add_argument("--video", type=Path, help="record the annotated image to this .mp4 or .avi")
    parser.add_argument("--snapshots", type=Path, help="keep an image in this folder whenever an emotion changes")
    parser.add_argument("--mqtt", help=f"also send to mqtt://user:password@host/topic (default: ${MQTT_VARIABLE})")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a line and end")
    parser.add_argument("--max-frames", type=_count, default=0, help="end after so many processed frames; 0: never")
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so many seconds; 0: never")
    parser.add_argument("--verbose", action="store_true", help="log more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; SIGTERM and Ctrl-C end it with a summary."""
    started_s = time.monotonic()
    return run_command(lambda: _main(argv, started_s))


def _main(argv: Sequence[str] | None, started_s: float) -> int:
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.schema:
        sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    try:
        config = config_from(arguments)
    except ConfigError as error:  # a value out of its range: as wrong as an unknown option
        parser.error(str(error))
    with contextlib.nullcontext() if arguments.verbose else quiet_native_code():
        _configure_logging(arguments.verbose)  # here, since it takes hold of the standard error of this moment
        return _run_until_signal(arguments, config, started_s)


def _run_until_signal(arguments: argparse.Namespace, config: EdgeConfig, started_s: float) -> int:
    stop = threading.Event()
    received: list[int] = []

    def end(number: int, _: object) -> None:
        received.append(number)
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second one ends what hangs: a pipe whose reader sleeps

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sinks = _sinks(arguments, config)
    try:
        summary = run(config, sinks, stop, Limits(arguments.max_frames, arguments.seconds), started_s)
    finally:
        close_all(sinks)
    sys.stderr.write(format_summary(summary) + "\n")
    return EXIT_INTERRUPTED if signal.SIGINT in received else 0


def _sinks(arguments: argparse.Namespace, config: EdgeConfig) -> list[Sink]:
    names = [redact(source) for source in config.sources]
    if arguments.video and len(names) > 1:
        raise ConfigError(f"Expected one source with --video. Received: {', '.join(names)}")
    sinks: list[Sink] = [JsonLinesSink(sys.stdout) if arguments.headless else WindowSink(names)]
    if arguments.json:
        sinks.append(JsonLinesSink(arguments.json))
    if arguments.csv:
        sinks.append(CsvSink(arguments.csv))
    if arguments.video:
        sinks.append(VideoSink(arguments.video, config.fps or 30.0))
    if arguments.snapshots:
        sinks.append(SnapshotSink(arguments.snapshots))
    if address := arguments.mqtt or os.environ.get(MQTT_VARIABLE):
        from edge.mqtt import MqttSink  # optional

        sinks.append(MqttSink(address))
    return sinks


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, received {text}")
    return number


def _configure_logging(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    for name in ("edge.camera", "edge.mqtt"):  # what is lost is a warning, that it is back is not
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # our own line says what failed
    cv2.setLogLevel(0)


if __name__ == "__main__":
    sys.exit(main())
