"""Reports the service's state to systemd: sd_notify in plain Python. Outside of a service it does nothing."""

import contextlib
import os
import socket
import time
from collections.abc import Callable

PERIOD_S = 1.0


class SystemdNotifier:
    """Sends READY=1 with the first result, WATCHDOG=1 while the main loop turns, even without a camera, and STOPPING=1.

    STATUS= is a sentence for `systemctl status`, sent when it changes: at once if a camera's state does.

    Usage (Type=notify and WatchdogSec=10 in the unit):
        notifier = SystemdNotifier(lambda: "door is online")
        notifier.alive()  # at every turn of the loop
        notifier.tell_status()  # at every change of a camera's state
        notifier.ready()  # at every result
        notifier.stopping()
    """

    def __init__(self, status: Callable[[], str] = str) -> None:
        self._status = status
        self._told = ""
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._is_ready = False
        self._last_s = -PERIOD_S

    def alive(self) -> None:
        """Feed the watchdog, at most once per period, and send a changed status."""
        now_s = time.monotonic()
        if now_s - self._last_s >= PERIOD_S:
            self._last_s = now_s
            self._send("WATCHDOG=1")
            self.tell_status()

    def ready(self) -> None:
        """Report that the service has started; only the first call does anything."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def stopping(self) -> None:
        """Report that the service is about to end."""
        self._send("STOPPING=1")

    def tell_status(self) -> None:
        """Send the status sentence if it has changed."""
        if (status := " ".join(self._status().split())) != self._told:
            self._told = status
            self._send(f"STATUS={status}")

    def _send(self, state: str) -> None:
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
                link.sendto(state.encode(), self._address)  # a manager that has gone is no reason to end
