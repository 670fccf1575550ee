"""Streams over the network: the server's answer tells a film, a playlist, an image and a stream of images apart."""

import math
import re
import time
from dataclasses import replace
from http.client import HTTPException
from urllib.parse import urlsplit

import cv2

from edge.address import redact
from edge.capture import REMEDY, CaptureSource, Source, open_capture
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.http_images import MjpegSource, SnapshotSource
from edge.media_type import MOVING_TYPES, PHOTO_TYPES, type_of
from edge.results import BgrImage
from edge.size_change import is_torn
from edge.video import VideoSource
from edge.web_client import get, network_fault, why_rtsp_fails
from edge.web_film import WebFilm

PLAYLIST_BYTES = 1_000_000
LOOK_EVERY_S = 0.5
"""How often to check whether images have become smaller."""
LONGEST_SILENCE_S = 60.0
CATCH_UP_S = 1.0
"""How much of its delay a late playlist may catch up; the rest of the delay stays."""


def open_stream(url: str, config: EdgeConfig) -> Source:
    """Open the source at an address.

    Raises:
        RefusedError: user or password are wrong or missing.
        SourceError: there is no stream; the message says why.
    """
    name = redact(url)
    try:
        if urlsplit(url).scheme.lower() not in ("http", "https"):
            return StreamSource(url, config)
        return _open_http(url, name, config)
    except SourceError as error:
        if str(error).startswith("Expected"):
            raise
        raise type(error)(f"Expected a stream at {name}; {REMEDY}. Received: {error}") from error
    except ValueError as error:
        raise SourceError(f"Expected a stream at {name}; {REMEDY}. Received: {network_fault(error)}") from error


def _open_http(url: str, name: str, config: EdgeConfig) -> Source:
    answer = get(url, max(config.open_timeout_s, config.read_timeout_s))
    announced = answer.headers.get_content_type()
    if announced.startswith("multipart/"):
        return MjpegSource(answer, name, config)
    is_whole = answer.headers.get("Content-Length") is not None
    try:
        head = answer.read1(PLAYLIST_BYTES) if not is_whole else answer.read(64)
        kind = type_of(head[:64])
        if kind == "JPEG" and not is_whole and not announced.startswith("image/"):
            return MjpegSource(answer, name, config, head)  # images one behind the other, called nothing
        is_playlist = kind == "a playlist"
        text = (head + answer.read(PLAYLIST_BYTES)).decode("utf-8", "replace") if is_playlist else ""
    except TimeoutError as error:
        raise SourceError("it answers, and sends nothing in time") from error
    except (OSError, HTTPException) as error:
        raise SourceError("it ends its answer in the middle") from error
    answer.close()
    if kind in PHOTO_TYPES | MOVING_TYPES or announced.startswith("image/"):
        return SnapshotSource(url, name, config)
    if kind in ("a web page", "PDF", "SVG") or announced.startswith("text/html"):
        raise SourceError("a web page, not a stream: find the stream's own address in the camera's manual")
    if is_playlist:
        return _open_playlist(url, text, config)
    if not is_whole:
        return StreamSource(url, config)
    can_seek = answer.headers.get("Accept-Ranges", "").strip() == "bytes"
    return VideoSource(url, _parameters(config)) if can_seek else WebFilm(url, name, config)


def _open_playlist(url: str, text: str, config: EdgeConfig) -> Source:
    if "#EXT-X-ENDLIST" in text or "#EXT-X-PLAYLIST-TYPE:VOD" in text:
        return VideoSource(url, _parameters(config))
    seconds = [float(number) for number in re.findall(r"#EXT-X-TARGETDURATION:\s*(\d+(?:\.\d+)?)", text)]
    return PlaylistSource(url, config, max(seconds, default=6.0))


class StreamSource(CaptureSource):
    """A stream that FFmpeg reads: RTSP, or a film without an end."""

    live = True
    decoder_sticks = True

    def __init__(self, url: str, config: EdgeConfig) -> None:
        self._name = redact(url)
        try:
            capture = open_capture(url, "", cv2.CAP_FFMPEG, _parameters(config))
        except SourceError as error:
            raise why_rtsp_fails(url, config.read_timeout_s) from error
        super().__init__(capture, self._name)
        self._ask_metadata()
        self._look_s = 0.0

    def read(self) -> BgrImage | None:
        """Read the next image; SourceError if images have become smaller, since OpenCV then garbles them."""
        image = super().read()
        now_s = time.monotonic()
        if image is not None and now_s >= self._look_s:
            is_first, self._look_s = not self._look_s, now_s + LOOK_EVERY_S
            if is_torn(image):
                if not is_first:
                    raise SourceError(f"Expected images of one size from {self._name}. Received: smaller ones")
                self._look_s = math.inf  # just a pattern in the image: the size has not changed
        return image


class PlaylistSource(StreamSource):
    """A live playlist (HLS): its pieces arrive in bursts, and are played at the speed at which they were filmed."""

    def __init__(self, url: str, config: EdgeConfig, piece_s: float) -> None:
        self.silence_s = min(3 * piece_s, LONGEST_SILENCE_S)
        super().__init__(url, replace(config, read_timeout_s=max(config.read_timeout_s, self.silence_s)))
        self._told_s, self._due_s = 0.0, time.monotonic()

    def read(self) -> BgrImage | None:
        """Read the next image when it is due."""
        image = super().read()
        self._wait()
        return image

    def skip(self) -> None:
        """Skip the next image when it is due."""
        super().skip()
        self._wait()

    def _wait(self) -> None:
        told_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        step_s = told_s - self._told_s if 0 < told_s - self._told_s < 1 else 1 / (self.fps or 25)
        now_s = time.monotonic()
        self._told_s, self._due_s = told_s, max(self._due_s + step_s, now_s - CATCH_UP_S)
        time.sleep(max(0.0, self._due_s - now_s))


def _parameters(config: EdgeConfig) -> list[int]:
    parameters = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(config.open_timeout_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(config.read_timeout_s * 1000),
        cv2.CAP_PROP_N_THREADS: 1,  # each decoder thread delays the stream by a frame
    }
    return [number for item in parameters.items() for number in item]
