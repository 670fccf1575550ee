"""The camera of the browser as a source of edge's engine: the page sends images, the newest one is read."""

import threading
import time

from edge.capture import Source
from edge.errors import SourceError
from edge.photos import decode
from edge.results import BgrImage

NAME = "browser"
SILENT_S = 2.0
MOST_BYTES = 4_000_000


class BrowserCamera(Source):
    """Takes the browser's JPEGs from the server's threads, and gives the newest one to the engine's."""

    live = True

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jpeg: bytes | None = None

    def put(self, jpeg: bytes) -> None:
        """An image has come."""
        with self._changed:
            self._jpeg = jpeg
            self._changed.notify()

    def read(self) -> BgrImage:
        """The newest image that was not read yet.

        Raises:
            SourceError: none has come for a while.
        """
        deadline_s = time.monotonic() + SILENT_S
        while time.monotonic() < deadline_s:
            with self._changed:
                self._changed.wait_for(lambda: self._jpeg is not None, deadline_s - time.monotonic())
                jpeg, self._jpeg = self._jpeg, None
            if jpeg and (image := decode(jpeg)) is not None:
                return image
        raise SourceError(f"Expected an image from the browser's camera. Received: none for {SILENT_S:g} s")

    def skip(self) -> None:
        """Pass over the next image."""
        with self._changed:
            self._changed.wait_for(lambda: self._jpeg is not None, SILENT_S)
            self._jpeg = None
