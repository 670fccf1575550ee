"""What the command does when it is told to end, or to open its files anew."""

import os
import signal
import threading
from collections.abc import Callable


class Signals:
    """SIGTERM and SIGINT set `stop`, and a second one ends at once what hangs.

    SIGHUP is a service's word for "your files were moved": they are opened anew. From a terminal that was closed it
    means the end. A process under nohup does not hear it.

    Usage:
        signals = Signals(stop, on_hangup=reopen)
        signals.install()
    """

    def __init__(self, stop: threading.Event, on_hangup: Callable[[], None]) -> None:
        self.interrupted = False
        """Whether the end was asked for with Ctrl-C."""
        self._stop = stop
        self._on_hangup = on_hangup
        self._had_terminal = _has_terminal()

    def install(self) -> None:
        """Listen from now on (main thread only)."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._hang_up)

    def _end(self, number: int, _: object) -> None:
        self.interrupted |= number == signal.SIGINT
        self._stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second one ends what hangs: a pipe whose reader sleeps

    def _hang_up(self, number: int, _: object) -> None:
        if self._had_terminal and not _has_terminal():
            self._end(number, _)
        else:
            self._on_hangup()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True
