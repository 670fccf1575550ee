"""Where pictures come from: one small class per kind of source, and `open_source`, which picks it by name.

A source is opened, read and closed by one thread alone: the reader in `edge/camera.py`.
"""

import math
import os
import re
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.results import BgrImage

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
PORTRAIT = Path(__file__).parent / "assets" / "portrait.jpg"
REMEDY = "without a camera try --source demo"


class Source(Protocol):
    """Pictures, one after the other."""

    live: bool
    """A live source does not wait for its reader: what is not taken in time is gone."""
    fps: float
    """Its own rate; 0 if unknown."""

    def read(self) -> BgrImage | None:
        """The next picture, None at the end; SourceError if the source has failed."""

    def close(self) -> None:
        """Free the device or file."""


def open_source(name: str, config: EdgeConfig) -> Source:
    """Open the source that `name` describes: see `EdgeConfig.source`.

    Raises:
        SourceError: there is nothing to read, or it is damaged.
    """
    if name == "demo":
        return DemoSource()
    if name.isdigit() or name.startswith("/dev/video"):
        return DeviceSource(name, config)
    if "://" in name:
        return StreamSource(name, config)
    path = Path(name)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageSource(path)
    return VideoSource(path)


def public_name(name: str) -> str:
    """The source's name without the user and password of an address."""
    return re.sub(r"(?<=://)[^/@]*@", "", name)


class DemoSource:
    """A real face that moves, scales and changes brightness; the Nth picture is always the same.

    The portrait is NASA's of Eileen Collins, in the public domain (see NOTICE).
    """

    live = False
    fps = 30.0
    size = (640, 480)
    """(width, height)."""

    def __init__(self) -> None:
        portrait = cv2.imread(str(PORTRAIT))
        if portrait is None:
            raise SourceError(f"Expected the demo's portrait at {PORTRAIT}. Received: nothing readable")
        self._portrait = portrait
        self._background = _shade(self.size)
        self._index = 0

    def read(self) -> BgrImage:
        """The next picture; there is no end."""
        image = self.picture(self._index)
        self._index += 1
        return image

    def picture(self, index: int) -> BgrImage:
        """The picture with this index: a pure function of it."""
        seconds = index / self.fps
        scale = 1.25 + 0.25 * math.sin(0.7 * seconds)
        center_x = self.size[0] / 2 + 110 * math.sin(0.9 * seconds)
        center_y = self.size[1] / 2 + 30 * math.sin(1.3 * seconds)
        side = self._portrait.shape[0] * scale
        place = np.array([[scale, 0, center_x - side / 2], [0, scale, center_y - side / 2]])
        image = self._background.copy()
        cv2.warpAffine(self._portrait, place, self.size, dst=image, borderMode=cv2.BORDER_TRANSPARENT)
        brightness = 1 + 0.2 * math.sin(0.5 * seconds)
        return cv2.convertScaleAbs(image, alpha=brightness)  # type: ignore[return-value]

    def close(self) -> None:
        """Nothing to free."""


class ImageSource:
    """One picture, or the pictures of a folder in the order of their names."""

    live = False
    fps = 0.0

    def __init__(self, path: Path) -> None:
        self._paths = [path] if not path.is_dir() else _images_in(path)
        if not self._paths:
            raise SourceError(f"Expected pictures ({', '.join(sorted(IMAGE_SUFFIXES))}) in {path}. Received: none")
        self._next = 0
        if len(self._paths) == 1:
            _read_image(self._paths[0])

    def read(self) -> BgrImage | None:
        """The next picture."""
        if self._next == len(self._paths):
            return None
        self._next += 1
        return _read_image(self._paths[self._next - 1])

    def close(self) -> None:
        """Nothing to free."""


class _CaptureSource:
    """What sources behind `cv2.VideoCapture` share."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps <= 1000 else 0.0

    def close(self) -> None:
        """Release the capture; only the thread that reads may do it."""
        self._capture.release()


class VideoSource(_CaptureSource):
    """A video file."""

    live = False

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SourceError(f"Expected a camera index, address or file; {REMEDY}. Received: no file at {path}")
        super().__init__(_open(str(path), f"a video file that FFmpeg reads at {path}", cv2.CAP_FFMPEG))

    def read(self) -> BgrImage | None:
        """The next picture; a damaged rest of the file is its end."""
        ok, image = self._capture.read()
        return _checked(image, "the video file") if ok else None


class StreamSource(_CaptureSource):
    """A stream over the network: RTSP, or MJPEG over HTTP."""

    live = True

    def __init__(self, url: str, config: EdgeConfig) -> None:
        self._name = public_name(url)
        parameters = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(config.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(config.read_timeout_s * 1000),
            cv2.CAP_PROP_N_THREADS: 1,  # each decoder thread holds a frame back
        }
        what = f"a stream at {self._name}; {REMEDY}"
        super().__init__(_open(url, what, cv2.CAP_FFMPEG, [number for item in parameters.items() for number in item]))

    def read(self) -> BgrImage:
        """The next picture of the stream."""
        ok, image = self._capture.read()
        if not ok:
            raise SourceError(f"Expected a frame from {self._name}. Received: none")
        return _checked(image, self._name)


class DeviceSource(_CaptureSource):
    """A webcam: an index or /dev/video*."""

    live = True

    def __init__(self, name: str, config: EdgeConfig) -> None:
        self._name = name
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(math.ceil(config.read_timeout_s))
        backend = cv2.CAP_DSHOW if os.name == "nt" else cv2.CAP_V4L2 if os.name == "posix" else cv2.CAP_ANY
        device = int(name) if name.isdigit() else name
        super().__init__(_open(device, f"a camera at {name}; {REMEDY}", backend))
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw YUYV fills USB 2 at 640x480
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)

    def read(self) -> BgrImage:
        """The next picture of the camera."""
        ok, image = self._capture.read()
        if not ok:
            raise SourceError(f"Expected a frame from camera {self._name}. Received: none")
        return _checked(image, f"camera {self._name}")


def _open(where: str | int, what: str, backend: int, parameters: list[int] | None = None) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(where, backend, parameters or [])
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"Expected {what}. Received: it does not open")
    return capture


def _checked(image: np.ndarray, what: str) -> BgrImage:  # type: ignore[type-arg]
    if image.ndim != 3 or image.shape[2] != 3:  # a driver that offers BGR3 gives one flat row
        raise SourceError(f"Expected pictures (height, width, 3) from {what}. Received: shape {image.shape}")
    return image


def _read_image(path: Path) -> BgrImage:
    if not path.is_file():
        raise SourceError(f"Expected a picture at {path}; {REMEDY}. Received: no file there")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(f"Expected a picture that OpenCV reads at {path}. Received: a damaged or foreign file")
    return image  # type: ignore[return-value]


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _shade(size: tuple[int, int]) -> BgrImage:
    width, height = size
    rows = np.linspace(70, 130, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.broadcast_to(rows, (height, width, 3)).astype(np.uint8)
