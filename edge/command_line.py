"""What the command lines share: help with defaults, usage errors of one line, and the exit codes."""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from edge.address import redact
from edge.errors import EmotionError

EXIT_FAILED, EXIT_USAGE, EXIT_UNEXPECTED, EXIT_INTERRUPTED = 1, 2, 3, 130


class _DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows each default that says something: not that of a switch, and not the absence of a value."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        is_switch = action.nargs == 0
        return action.help if is_switch or action.default in (None, "") else super()._get_help_string(action)


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose help shows the defaults and whose errors are one line.

    Usage:
        CommandParser("python -m edge.run", description=__doc__)
    """

    def __init__(self, prog: str, **options: Any) -> None:
        options.setdefault("formatter_class", _DefaultsFormatter)
        super().__init__(prog, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Leave with code 2 and one line."""
        self.exit(EXIT_USAGE, f"{self.prog}: {redact(' '.join(message.split()))} (see --help)\n")


def run_command(command: Callable[[], int]) -> int:
    """The exit code of `command`: its own, or that of the error that ended it.

    An `EmotionError` is one line and 1, Ctrl-C is 130, a reader of our output that has left (`| head`) is 0,
    and anything else is a defect of ours: 3, with its traceback.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except EmotionError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the last flush fails again
        return 0
    except Exception:  # the boundary: nothing above it could still handle the error
        traceback.print_exc()
        return EXIT_UNEXPECTED


@contextlib.contextmanager
def quiet_native_code() -> Iterator[None]:
    """While this lasts, standard error shows Python's lines alone, not those that C++ libraries print by themselves.

    TFLite announces its delegates there, libjpeg its warnings; our own lines say what matters.
    """
    ours, theirs = sys.stderr, os.dup(2)
    with open(os.devnull, "w") as nowhere, os.fdopen(os.dup(2), "w", buffering=1) as python_lines:
        os.dup2(nowhere.fileno(), 2)
        if ours is sys.__stderr__:
            sys.stderr = python_lines
        try:
            yield
        finally:
            sys.stderr = ours
            os.dup2(theirs, 2)
            os.close(theirs)
