"""The command's reaction to signals: end, or reopen the files."""

import os
import signal
import threading
from collections.abc import Callable


class Signals:
    """SIGTERM and SIGINT set `stop`; a second one ends the process at once, even if something hangs.

    For a service, SIGHUP means that its files were moved, so it reopens them. From a terminal that was closed it means
    the end. A process under nohup ignores it.

    Usage:
        signals = Signals(stop, on_hangup=reopen)
        signals.install()
    """

    def __init__(self, stop: threading.Event, on_hangup: Callable[[], None]) -> None:
        self.interrupted = False
        """Whether Ctrl-C asked for the end."""
        self._stop = stop
        self._on_hangup = on_hangup
        self._had_terminal = _has_terminal()

    def install(self) -> None:
        """Handle the signals from now on (call it in the main thread)."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._hang_up)

    def _end(self, number: int, _: object) -> None:
        self.interrupted |= number == signal.SIGINT
        self._stop.set()
        signal.signal(number, signal.SIG_DFL)  # a second signal ends even a write to a pipe that nobody reads

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
