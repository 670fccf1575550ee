"""Ctrl-C while a command's modules load: nothing else is imported here, so that it counts from the first moment."""

import os
import signal

EXIT_INTERRUPTED = 130


def end_quietly() -> None:
    """Until `listen` is called, Ctrl-C ends the process without a word."""
    signal.signal(signal.SIGINT, _leave)


def listen() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(*_: object) -> None:
    os._exit(EXIT_INTERRUPTED)
