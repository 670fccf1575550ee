"""The protocol of a source, and what all sources based on `cv2.VideoCapture` share: file names for FFmpeg, rotation."""

import os
from pathlib import Path
from typing import Protocol

import cv2

from edge.errors import SourceError
from edge.results import BgrImage

REMEDY = "without a camera try --source demo"
SQUARE = 0.02
"""Pixels with sides that differ by less than this share count as square."""
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Source(Protocol):
    """A series of images. A class that derives from it needs only `read`."""

    live: bool = False
    """Whether images are lost if they are not read in time: a camera does not wait."""
    fps: float = 0.0
    """The source's own frame rate; 0 if unknown, and for photos, which have none."""
    small: BgrImage | None = None
    """A small version of the last image, if the camera's hardware makes one; else None."""
    position_s: float | None = None
    """The last image's position in the film, in seconds from the start; None for photos and live sources."""
    file: str | None = None
    """The last photo's name in its folder; None for all other sources."""
    failed: int = 0
    """How many photos, or damaged spots of a film, could not be read and were skipped."""
    silence_s: float = 0.0
    """How long a live source may give nothing, if that is longer than the configuration allows."""
    is_polled: bool = False
    """Whether the source sends an image only on request, so that nothing needs to be skipped."""
    decoder_sticks: bool = False
    """Whether the decoder may repeat the last image for ever until the source is reopened."""

    turns_itself: bool = False
    """Whether the images are already rotated and mirrored as the configuration says."""

    def read(self) -> BgrImage | None:
        """Read the next image, None at the end; SourceError if the source has failed."""

    def skip(self) -> None:
        """Skip the next image, at less cost than reading it; SourceError if the source has failed."""
        self.read()

    def close(self) -> None:
        """Free the device or file."""
        return


class CaptureSource(Source):
    """The images of a `cv2.VideoCapture`; only one thread may use it."""

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture = capture
        self._name = name
        self.fps = self._rate()
        self._aspect = 1.0
        self._turn: int | None = None

    def read(self) -> BgrImage | None:
        """Read the next image of a live source."""
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
        """Read the frame rate, pixel shape and rotation that a film or stream declares."""
        self._aspect, self._turn = _pixel_aspect(self._capture), _turn(self._capture)

    def _upright(self, image: BgrImage) -> BgrImage:
        """The image with square pixels, rotated as its metadata say."""
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
    """A file's name in a form that FFmpeg opens: in UTF-8, and absolute, so that 12:30.mp4 is not taken for a protocol.

    A name that is not UTF-8 is replaced by the path of an open file of this process, until this object is closed.
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
    """Width divided by height of a pixel; 1 if it is square, unknown or implausible."""
    above, below = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    aspect = above / below if above > 0 and below > 0 else 1.0
    return aspect if 0.2 <= aspect <= 5 and abs(aspect - 1) >= SQUARE else 1.0


def _turn(capture: cv2.VideoCapture) -> int | None:
    """The rotation that the metadata ask for, None if none; OpenCV's own is turned off, so images never turn twice."""
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return _TURNS.get(round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
