"""Handles Ctrl-C while a command's modules load; it imports next to nothing, so that it works from the first moment."""

import os
import signal

EXIT_INTERRUPTED = 130


def end_quietly() -> None:
    """Let Ctrl-C end the process without a message, until `listen` is called."""
    signal.signal(signal.SIGINT, _leave)


def listen() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(*_: object) -> None:
    os._exit(EXIT_INTERRUPTED)
