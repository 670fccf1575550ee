"""The command: options -> Engine -> sinks, until the end, a signal or a limit.

python -m edge.run --headless --source demo --max-frames 50
"""

if __name__ == "__main__":  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

import argparse
import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from edge.command_line import EXIT_FAILED, CommandParser, leave, quiet_native_code, run_command, say
from edge.config import EdgeConfig, add_arguments, config_from
from edge.config_file import add_config_arguments, format_config, read_arguments
from edge.engine import Engine
from edge.errors import RefusedError
from edge.fan_out import FanOut
from edge.interrupts import EXIT_INTERRUPTED
from edge.outputs import add_output_arguments, check_options, open_metrics, open_sinks
from edge.results import CameraStatus
from edge.run_state import RunState
from edge.run_stats import RunStats, Summary, format_summary
from edge.schema import json_schema
from edge.signals import Signals
from edge.sinks import Sink, close_all, reopen_all
from edge.systemd import SystemdNotifier
from edge.version import describe

REFUSED_REST_S = 60.0
"""How long a service waits before it ends if a camera refuses user or password."""
PRINTED = ("schema", "version")
"""Options that print something and end the command."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """When a run ends by itself; 0: never."""

    max_frames: int = 0
    seconds: float = 0.0


def run(
    engine: Engine,
    sinks: Sequence[Sink],
    stop: threading.Event | None = None,
    limits: Limits = Limits(),
    started_s: float | None = None,
) -> Summary:
    """Hand all results to the sinks until the sources end, `stop` is set or a limit is reached; nothing is closed.

    Raises:
        EmotionError: a source or the model has failed, or all sinks have.
    """
    stats = RunStats(time.monotonic() if started_s is None else started_s)
    fan_out, state = FanOut(sinks), RunState()
    notifier = SystemdNotifier(state.sentence)
    for event in engine.events(stop, limits.seconds or None):
        notifier.alive()
        if event is None:
            fan_out.turn()
        elif isinstance(event, CameraStatus):
            state.tell(event)
            notifier.tell_status()
            fan_out.tell(event)
        else:
            state.add(event.result)
            stats.add(event.result, time.monotonic())
            notifier.ready()
            fan_out.write(event.frame, event.result)
        if fan_out.closed or (limits.max_frames and stats.frames >= limits.max_frames):
            break
    notifier.stopping()
    fan_out.finish()
    return stats.summary(time.monotonic(), engine.setup, **engine.counts())


def build_parser() -> CommandParser:
    """Every option of the command, with its default."""
    parser = CommandParser("python -m edge.run", description="Find faces in a camera's images and tell their emotions.")
    add_arguments(parser)
    add_output_arguments(parser)
    add_config_arguments(parser)
    parser.add_argument("--version", action="store_true", help="print the version and the network's hash, and exit")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a line, and exit")
    parser.add_argument("--max-frames", type=_count, default=0, help="end after so many processed frames; 0: never")
    parser.add_argument("--seconds", type=_seconds, default=0.0, help="end after so many seconds; 0: never")
    parser.add_argument("--verbose", action=argparse.BooleanOptionalAction, default=False, help="log more")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; SIGTERM and Ctrl-C end it with a summary."""
    started_s = time.monotonic()
    return run_command(lambda: _main(argv, started_s))


def _main(argv: Sequence[str] | None, started_s: float) -> int:
    parser = build_parser()
    arguments = read_arguments(parser, argv, PRINTED)
    config = parser.checked(lambda: config_from(arguments))
    if text := _asked(parser, arguments, config):
        sys.stdout.write(text + "\n")
        return 0
    parser.checked(lambda: check_options(arguments, config))
    with contextlib.nullcontext() if arguments.verbose else quiet_native_code():
        _configure_logging(arguments.verbose)  # here, since it keeps the current standard error
        return _run_until_signal(arguments, config, started_s)


def _asked(parser: CommandParser, arguments: argparse.Namespace, config: EdgeConfig) -> str:
    """The text that the options ask to print instead of a run; empty if none."""
    if arguments.schema:
        return json.dumps(json_schema(), indent=2)
    if arguments.print_config:
        return format_config(parser, arguments, PRINTED)
    return describe(config) if arguments.version else ""


def _run_until_signal(arguments: argparse.Namespace, config: EdgeConfig, started_s: float) -> int:
    stop = threading.Event()
    sinks: list[Sink] = []
    signals = Signals(stop, on_hangup=lambda: reopen_all(sinks))
    signals.install()
    sinks += open_sinks(arguments, config, stop)
    try:
        with Engine(config) as engine:
            sinks += open_metrics(arguments, engine, tuple(sinks))
            summary = run(engine, sinks, stop, Limits(arguments.max_frames, arguments.seconds), started_s)
    except RefusedError:
        if "NOTIFY_SOCKET" in os.environ:  # systemd restarts a service at once; cameras lock out clients that ask often
            stop.wait(REFUSED_REST_S)
        raise
    finally:
        close_all(sinks)
    for line in format_summary(summary).splitlines():
        say(line)
    if signals.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if summary.failed else 0


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, received {text}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"expected 0 or more, received {text}")
    return seconds


def _configure_logging(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    for name in ("camera", "fan_out", "mqtt", "sinks"):  # a loss is a warning, a return is only information
        logging.getLogger(f"edge.{name}").setLevel(logging.DEBUG if verbose else logging.INFO)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # our own line says what failed
    cv2.setLogLevel(0)


if __name__ == "__main__":
    leave(main())
