"""Passes the newest image from a worker's thread to the streams on the server's event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator


class ImageSlot:
    """Holds the newest JPEG of a tab; a slow viewer skips images, but never falls behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jpeg = b""
        self._number = 0
        self._closed = False
        self._viewers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def put(self, jpeg: bytes) -> None:
        """Show this image from now on (call it from any thread)."""
        with self._lock:
            if not self._closed:
                self._jpeg = jpeg
                self._number += 1
        self._wake()

    def close(self) -> None:
        """End every stream and drop the image (call it from any thread)."""
        with self._lock:
            self._closed, self._jpeg = True, b""
        self._wake()

    def newest(self) -> bytes:
        """The newest JPEG; empty before the first."""
        with self._lock:
            return self._jpeg

    @property
    def viewers(self) -> int:
        """How many streams are open."""
        return len(self._viewers)

    async def follow(self) -> AsyncIterator[bytes]:
        """Yield each new JPEG once, until `close`."""
        woken = asyncio.Event()
        viewer = (asyncio.get_running_loop(), woken)
        seen = 0
        with self._lock:
            self._viewers.add(viewer)
        try:
            while True:
                woken.clear()
                with self._lock:
                    jpeg, number, closed = self._jpeg, self._number, self._closed
                if closed:
                    return
                if number != seen:
                    seen = number
                    yield jpeg
                else:
                    await woken.wait()
        finally:
            with self._lock:
                self._viewers.discard(viewer)

    def _wake(self) -> None:
        with self._lock:
            for loop, woken in self._viewers:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(woken.set)
