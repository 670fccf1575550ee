"""What a source is, and what those behind `cv2.VideoCapture` share: names for FFmpeg, images made upright."""

import os
from pathlib import Path
from typing import Protocol

import cv2

from edge.errors import SourceError
from edge.results import BgrImage

REMEDY = "without a camera try --source demo"
SQUARE = 0.02
"""Pixels whose sides differ by less count as square."""
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Source(Protocol):
    """Images, one after the other. A class that derives from it needs no more than `read`."""

    live: bool = False
    """A live source does not wait for its reader: what is not taken in time is gone."""
    fps: float = 0.0
    """Its own rate; 0 if unknown, and of photos, which have none."""
    small: BgrImage | None = None
    """The last image in small, where the camera's hardware makes one; else None."""
    position_s: float | None = None
    """Where in the film the last image is, in seconds from its beginning; None of photos and live sources."""
    file: str | None = None
    """The last photo's name in its folder; None of all else."""
    failed: int = 0
    """How many items (photos, spots of a film) could not be read, and were passed over."""
    silence_s: float = 0.0
    """How long a live source may give nothing, where that is longer than the configuration says."""
    is_polled: bool = False
    """Whether each image is asked for: what is not read does not come, and need not be skipped."""
    decoder_sticks: bool = False
    """Whether its decoder may give the last image again and again until it is opened anew."""

    turns_itself: bool = False
    """Whether its images are turned and mirrored as the configuration says when they come."""

    def read(self) -> BgrImage | None:
        """The next image, None at the end; SourceError if the source has failed."""

    def skip(self) -> None:
        """Pass over the next image, at less cost than reading it; SourceError if the source has failed."""
        self.read()

    def close(self) -> None:
        """Free the device or file."""
        return


class CaptureSource(Source):
    """Images of a capture, of which only one thread may take them."""

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture = capture
        self._name = name
        self.fps = self._rate()
        self._aspect = 1.0
        self._turn: int | None = None

    def read(self) -> BgrImage | None:
        """The next image of a live source."""
        ok, image = self._capture.read()
        if not ok:
            raise SourceError(f"Expected a frame from {self._name}. Received: none")
        if image.ndim != 3 or image.shape[2] != 3:  # a driver that offers BGR3 gives one flat row
            raise SourceError(f"Expected images (height, width, 3) of {self._name}. Received: shape {image.shape}")
        return self._upright(image)  # type: ignore[arg-type]

    def skip(self) -> None:
        """Take the next image from the device without decoding it."""
        if not self._capture.grab():
            raise SourceError(f"Expected a frame from {self._name}. Received: none")

    def close(self) -> None:
        """Release the capture; only the thread that reads may do it."""
        self._capture.release()

    def _rate(self) -> float:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        return fps if 0 < fps <= 1000 else 0.0

    def _ask_metadata(self) -> None:
        """Take over what a film or stream says of its images."""
        self._aspect, self._turn = _pixel_aspect(self._capture), _turn(self._capture)

    def _upright(self, image: BgrImage) -> BgrImage:
        """The image with square pixels, turned as its metadata say."""
        if self._aspect != 1:
            height, width = image.shape[:2]
            size = (round(width * max(1, self._aspect)), round(height / min(1, self._aspect)))
            image = cv2.resize(image, size)  # type: ignore[assignment]
        return image if self._turn is None else cv2.rotate(image, self._turn)  # type: ignore[return-value]


def open_capture(where: str | int, what: str, backend: int, parameters: list[int] | None = None) -> cv2.VideoCapture:
    """An open capture; SourceError if it does not open."""
    capture = cv2.VideoCapture(where, backend, parameters or [])
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"Expected {what}. Received: it does not open")
    return capture


class FileName:
    """A file's name that FFmpeg takes for a file's: absolute, so that 12:30.mp4 is no protocol, and UTF-8.

    A name that is no UTF-8 is given as an open file of this process, for as long as this object is not closed.
    """

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        self.text = os.path.abspath(path)
        if not self.text.isprintable() and os.path.exists("/proc/self/fd"):
            self._file = os.open(path, os.O_RDONLY)
            self.text = f"/proc/self/fd/{self._file}"

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _pixel_aspect(capture: cv2.VideoCapture) -> float:
    """Width by height of a pixel; 1 if it is square, unknown or can't be true."""
    above, below = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    aspect = above / below if above > 0 and below > 0 else 1.0
    return aspect if 0.2 <= aspect <= 5 and abs(aspect - 1) >= SQUARE else 1.0


def _turn(capture: cv2.VideoCapture) -> int | None:
    """How to turn the images: as the metadata say, and never twice."""
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return _TURNS.get(round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
