"""What all commands share: help with defaults, usage errors in one line, and exit codes."""

import argparse
import contextlib
import importlib.util
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from edge.address import redact
from edge.errors import ConfigError, EmotionError
from edge.interrupts import EXIT_INTERRUPTED, listen

CAMERA_THREAD = "reader "
"""Prefix of the names of the cameras' threads."""
EXIT_FAILED, EXIT_USAGE, EXIT_UNEXPECTED = 1, 2, 3
Made = TypeVar("Made")


class _DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows each default, except that of a switch and an empty one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        is_switch = action.nargs == 0
        return action.help if is_switch or action.default in (None, "") else super()._get_help_string(action)


class CommandParser(argparse.ArgumentParser):
    """An argument parser with defaults in its help, and errors in one line.

    Usage:
        CommandParser("python -m edge.run", description=__doc__)
    """

    def __init__(self, prog: str, **options: Any) -> None:
        options.setdefault("formatter_class", _DefaultsFormatter)
        super().__init__(prog, allow_abbrev=False, **options)
        self._place = ""

    @contextlib.contextmanager
    def reading(self, place: str) -> Iterator[None]:
        """Within this context, errors name the `place` of the options ("in FILE")."""
        self._place = f"{place}: " if place else ""
        yield
        self._place = ""

    def checked(self, make: Callable[[], Made]) -> Made:
        """Return what `make` builds from the options; a value that it refuses is a usage error."""
        try:
            return make()
        except ConfigError as error:
            self.error(str(error))

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and one line."""
        self.exit(EXIT_USAGE, f"{self.prog}: {redact(' '.join((self._place + message).split()))} (see --help)\n")


def need_extra(extra: str, *modules: str) -> None:
    """Exit with code 1 and one line unless these modules are installed; call it before anything imports them."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        say(f"Expected the packages of {extra}: pip install '.[{extra}]'. Received: no {' and no '.join(missing)}")
        sys.exit(EXIT_FAILED)


def run_command(command: Callable[[], int]) -> int:
    """Run `command` and return the exit code: its own, or that of the error that ended it.

    An `EmotionError`, or an OSError that nobody caught, prints one line and gives 1. Ctrl-C gives 130. If the reader of
    our output has gone (`| head`), it is 0. Anything else is a bug: it gives 3 and a traceback.
    """
    listen()
    _open_standard_streams()
    try:
        return _code_of(command)
    except EmotionError as error:
        say(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 0
    except OSError as error:
        say(f"Expected the system to do what was asked of it. Received: {error}")
        return EXIT_FAILED
    except Exception:  # the boundary: nothing above it could still handle the error
        with contextlib.suppress(OSError):
            traceback.print_exc()
        return EXIT_UNEXPECTED
    finally:
        _give_up_output()


def leave(code: int) -> NoReturn:
    """End the process, at once if a camera's thread is still inside a native call.

    When such a call returns while the interpreter shuts down, the thread is ended in the middle of C++, which aborts.
    """
    if any(thread.name.startswith(CAMERA_THREAD) for thread in threading.enumerate()):
        _give_up_output()
        os._exit(code)
    sys.exit(code)


def say(line: str) -> None:
    """Print one line to standard error, if that can be written to."""
    with contextlib.suppress(OSError):
        sys.stderr.write(" ".join(line.split()) + "\n")
        sys.stderr.flush()


def _code_of(command: Callable[[], int]) -> int:
    code = command()
    sys.stdout.flush()
    return code


def _open_standard_streams() -> None:
    """Open closed standard streams on /dev/null: else the next file to be opened would receive what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that is not UTF-8, a terminal that is ASCII


def _give_up_output() -> None:
    """Discard what a stream can't take any more: else the interpreter's own last flush fails."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def quiet_native_code() -> Iterator[None]:
    """Within this context, hide what C++ libraries print to standard error; Python's own lines are shown.

    TFLite announces its delegates there, and libjpeg its warnings; our own lines say what matters.
    """
    ours, theirs = sys.stderr, os.dup(2)
    python_lines = os.fdopen(os.dup(2), "w", buffering=1, encoding=ours.encoding, errors="backslashreplace")
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    if ours is sys.__stderr__:
        sys.stderr = python_lines
    try:
        yield
    finally:
        sys.stderr = ours
        os.dup2(theirs, 2)
        os.close(theirs)
        with contextlib.suppress(OSError):  # a full disk
            python_lines.close()
