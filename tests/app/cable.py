"""A network cable between a browser and the app, which can be pulled: what a laptop that sleeps does to its tabs."""

import contextlib
import socket
import threading


class Cable:
    """Forwards connections to a port of this machine.

    Usage:
        with Cable(server.port) as cable:
            page.goto(cable.url)
            cable.pull()
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Cable":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.pull()

    def pull(self) -> None:
        """Cut every connection; new ones get through."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):  # it has ended by itself
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:  # the cable is put away
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            self._ends += [browser, server]
            threading.Thread(target=_forward, args=(browser, server), daemon=True).start()
            threading.Thread(target=_forward, args=(server, browser), daemon=True).start()


def _forward(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):  # pulled
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
