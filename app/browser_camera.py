"""The browser's camera as a source of edge's engine: the page sends images, and the newest one is read."""

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
    """Takes JPEGs from the browser in the server's threads, and gives the newest one to the engine's thread."""

    live = True

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jpeg: bytes | None = None

    def put(self, jpeg: bytes) -> None:
        """Store an image that has come."""
        with self._changed:
            self._jpeg = jpeg
            self._changed.notify()

    def read(self) -> BgrImage:
        """Wait for an image that was not read yet, and return it.

        Raises:
            SourceError: no image has come for a while.
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
        """Skip the next image."""
        with self._changed:
            self._changed.wait_for(lambda: self._jpeg is not None, SILENT_S)
            self._jpeg = None
