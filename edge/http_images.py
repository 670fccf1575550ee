"""Cameras that send JPEGs over HTTP: a stream of them, or one per request.

Each image is decoded by itself, so a camera may change the size at any time. The stream's boundary is not needed, since
a JPEG says where it ends.
"""

import http.client
import re
import time

from edge.capture import REMEDY, Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.photos import decode, jpeg_end
from edge.results import BgrImage
from edge.web_client import get

MOST_BYTES = 64 << 20
"""More bytes than an image has."""
PIECE_BYTES = 1 << 16
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)", re.IGNORECASE)


class MjpegSource(Source):
    """A stream of JPEGs: one HTTP response without an end."""

    live = True

    def __init__(self, answer: http.client.HTTPResponse, name: str, config: EdgeConfig, begun: bytes = b"") -> None:
        self._answer, self._name, self._config = answer, name, config
        self._buffer = bytearray(begun)
        try:
            self._first: bytes | None = self._next(config.open_timeout_s)
        except SourceError as error:
            self.close()
            raise SourceError(f"Expected a stream at {name}; {REMEDY}. Received: {error}") from error

    def read(self) -> BgrImage | None:
        """Read the next image; one that was damaged on its way is skipped."""
        deadline_s = time.monotonic() + self._config.read_timeout_s
        while (image := decode(self._take())) is None:
            if time.monotonic() > deadline_s:
                raise SourceError(f"Expected a frame from {self._name}. Received: damaged ones")
        return image

    def skip(self) -> None:
        """Skip the next image without decoding it."""
        self._take()

    def close(self) -> None:
        """Close the response."""
        self._answer.close()

    def _take(self) -> bytes:
        first, self._first = self._first, None
        try:
            return first or self._next(self._config.read_timeout_s)
        except SourceError as error:
            raise SourceError(f"Expected a frame from {self._name}. Received: {error}") from error

    def _next(self, timeout_s: float) -> bytes:
        """The bytes of the next JPEG."""
        deadline_s = time.monotonic() + timeout_s
        while (image := self._cut_off()) is None:
            if time.monotonic() > deadline_s:
                raise SourceError("no whole image in time")
            self._read_more()
        return image

    def _read_more(self) -> None:
        try:
            more = self._answer.read1(PIECE_BYTES)
        except TimeoutError as error:
            raise SourceError("nothing in time") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SourceError(f"a broken connection ({error})") from error
        if not more:
            raise SourceError("the end of the stream")
        self._buffer += more
        if len(self._buffer) > MOST_BYTES:
            raise SourceError("no JPEGs")

    def _cut_off(self) -> bytes | None:
        """Take the first JPEG out of the buffer; None if it is not complete yet."""
        start = self._buffer.find(b"\xff\xd8\xff")
        if start < 0:
            return None
        told = _LENGTH.findall(bytes(self._buffer[max(0, start - 1024) : start]))
        end = start + int(told[-1]) if told else 0
        if end > len(self._buffer):
            return None
        if self._buffer[end - 2 : end] != b"\xff\xd9":  # no length, or one that is not true
            found = jpeg_end(bytes(self._buffer[start:]))
            if found is None:
                return None
            end = start + found
        image = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return image


class SnapshotSource(Source):
    """An address that gives one image per request; it is asked as often as images are wanted."""

    live = True
    is_polled = True

    def __init__(self, url: str, name: str, config: EdgeConfig) -> None:
        self._url, self._name, self._config = url, name, config

    def read(self) -> BgrImage | None:
        """Fetch the current image."""
        try:
            with get(self._url, self._config.read_timeout_s) as answer:
                content = answer.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) if isinstance(error, SourceError) else "a broken connection"
            kind = type(error) if isinstance(error, SourceError) else SourceError
            raise kind(f"Expected an image at {self._name}. Received: {reason}") from error
        image = decode(content)
        if image is None:
            raise SourceError(f"Expected an image at {self._name}. Received: {len(content)} bytes that are none")
        return image

    def skip(self) -> None:
        """Do nothing: an image that is not requested does not come."""
