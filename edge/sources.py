"""Where images come from: one small class per kind of source, and `open_source`, which picks it by name.

A source is opened, read and closed by one thread alone: the reader in `edge/camera.py`.
"""

import logging
import math
import os
import sys
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.address import redact
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.results import BgrImage

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
PORTRAIT = Path(__file__).parent / "assets" / "portrait.jpg"
REMEDY = "without a camera try --source demo"

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Images, one after the other. A class that derives from it needs no more than `read`."""

    live: bool = False
    """A live source does not wait for its reader: what is not taken in time is gone."""
    fps: float = 0.0
    """Its own rate; 0 if unknown, and of photos, which have none."""
    small: BgrImage | None = None
    """The last image in small, where the camera's hardware makes one; else None."""

    def read(self) -> BgrImage | None:
        """The next image, None at the end; SourceError if the source has failed."""

    def skip(self) -> None:
        """Pass over the next image, at less cost than reading it; SourceError if the source has failed."""
        self.read()

    def close(self) -> None:
        """Free the device or file."""


def open_source(name: str, config: EdgeConfig) -> Source:
    """Open the source that `name` describes: see `EdgeConfig.source`.

    Raises:
        SourceError: there is nothing to read, or it is damaged.
    """
    if name == "demo":
        return DemoSource()
    if not is_live(name):
        path = Path(name)
        return ImageSource(path) if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES else VideoSource(path)
    if name == "picamera2":
        from edge.picamera import PicameraSource  # optional: only a Raspberry Pi has its library

        return PicameraSource(config)
    return StreamSource(name, config) if "://" in name else DeviceSource(name, config)


def is_live(name: str) -> bool:
    """Whether a source of this name is a camera; the others are the demo and files."""
    is_device = name.startswith("/dev/") and not Path(name).is_file() and not Path(name).is_dir()
    return name == "picamera2" or name.isdigit() or is_device or "://" in name


class DemoSource:
    """A real face that moves, scales and changes brightness; the Nth image is always the same.

    The portrait is NASA's of Eileen Collins, in the public domain (see NOTICE).
    """

    live = False
    fps = 30.0
    small: BgrImage | None = None
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
        """The next image; there is no end."""
        image = self.image(self._index)
        self._index += 1
        return image

    def skip(self) -> None:
        """Pass over the next image."""
        self._index += 1

    def image(self, index: int) -> BgrImage:
        """The image with this index: a pure function of it."""
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

    picture = image  # its older name

    def close(self) -> None:
        """Nothing to free."""


class ImageSource:
    """One image, or the images of a folder in the order of their names."""

    live = False
    fps = 0.0
    small: BgrImage | None = None

    def __init__(self, path: Path) -> None:
        self._paths = [path] if not path.is_dir() else _images_in(path)
        if not self._paths:
            raise SourceError(f"Expected images ({', '.join(sorted(IMAGE_SUFFIXES))}) in {path}. Received: none")
        self._next = 0
        if len(self._paths) == 1:
            _read_image(self._paths[0])

    def read(self) -> BgrImage | None:
        """The next image."""
        if self._next == len(self._paths):
            return None
        self._next += 1
        return _read_image(self._paths[self._next - 1])

    def skip(self) -> None:
        """Pass over the next image."""
        self._next = min(self._next + 1, len(self._paths))

    def close(self) -> None:
        """Nothing to free."""


class CaptureSource:
    """What sources behind `cv2.VideoCapture` share."""

    small: BgrImage | None = None

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture = capture
        self._name = name
        self.fps = self._rate()

    def read(self) -> BgrImage | None:
        """The next image of a live source."""
        ok, image = self._capture.read()
        if not ok:
            raise SourceError(f"Expected a frame from {self._name}. Received: none")
        if image.ndim != 3 or image.shape[2] != 3:  # a driver that offers BGR3 gives one flat row
            raise SourceError(f"Expected images (height, width, 3) of {self._name}. Received: shape {image.shape}")
        return image  # type: ignore[return-value]

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


class VideoSource(CaptureSource):
    """A video file."""

    live = False

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SourceError(f"Expected a camera index, address or file; {REMEDY}. Received: no file at {path}")
        super().__init__(_open(str(path), f"a video file that FFmpeg reads at {path}", cv2.CAP_FFMPEG), str(path))
        self.fps = self.fps or 25.0  # raw H.264 does not say
        self._read = 0

    def read(self) -> BgrImage | None:
        """The next image; a damaged rest of the file is its end."""
        ok, image = self._capture.read()
        if ok:
            self._read += 1
            return image  # type: ignore[return-value]
        if self._read < (announced := int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))):
            _log.warning("%s announces %d frames and gave %d: cut or damaged", self._name, announced, self._read)
        return None


class StreamSource(CaptureSource):
    """A stream over the network: RTSP, or MJPEG over HTTP."""

    live = True

    def __init__(self, url: str, config: EdgeConfig) -> None:
        name = redact(url)
        parameters = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(config.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(config.read_timeout_s * 1000),
            cv2.CAP_PROP_N_THREADS: 1,  # each decoder thread holds a frame back
        }
        flat = [number for item in parameters.items() for number in item]
        super().__init__(_open(url, f"a stream at {name}; {REMEDY}", cv2.CAP_FFMPEG, flat), name)


class DeviceSource(CaptureSource):
    """A webcam: an index or a device, /dev/video0 or one of the lasting names below /dev/v4l."""

    live = True

    def __init__(self, name: str, config: EdgeConfig) -> None:
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(math.ceil(config.read_timeout_s))
        backend = {"nt": cv2.CAP_DSHOW, "posix": cv2.CAP_V4L2}.get(os.name, cv2.CAP_ANY)
        if sys.platform == "darwin":
            backend = cv2.CAP_ANY
        device = int(name) if name.isdigit() else name
        super().__init__(_open(device, f"a camera at {name}; {REMEDY}", backend), f"camera {name}")
        self._ask_for(config)

    def _ask_for(self, config: EdgeConfig) -> None:
        """Ask for compressed images of the wanted size, and log what the driver gave instead."""
        capture = self._capture
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw 640x480 at 30 fills half of USB 2
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1")
        level = logging.INFO if size == (config.width, config.height) else logging.WARNING
        self.fps = self._rate()
        _log.log(level, "%s gives %dx%d %s at %.0f a second", self._name, *size, code, self.fps)


def _open(where: str | int, what: str, backend: int, parameters: list[int] | None = None) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(where, backend, parameters or [])
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"Expected {what}. Received: it does not open")
    return capture


def _read_image(path: Path) -> BgrImage:
    if not path.is_file():
        raise SourceError(f"Expected an image at {path}; {REMEDY}. Received: no file there")
    data = np.fromfile(path, np.uint8)
    image = decode(data) if not _is_cut_jpeg(data.tobytes()) else None
    if image is None:
        raise SourceError(f"Expected an image that OpenCV reads at {path}. Received: a damaged or foreign file")
    return image


def decode(data: NDArray[np.uint8]) -> BgrImage | None:
    """The image in a file's bytes; None if OpenCV can't or won't read it."""
    try:
        return cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None  # type: ignore[return-value]
    except cv2.error:  # more than 2**30 pixels
        return None


def _is_cut_jpeg(data: bytes) -> bool:
    """Whether a JPEG has no end: OpenCV would show its beginning on gray as if it were an image."""
    return data.startswith(b"\xff\xd8") and b"\xff\xd9" not in data[data.rfind(b"\xff\xda") :]


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _shade(size: tuple[int, int]) -> BgrImage:
    width, height = size
    rows = np.linspace(70, 130, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.broadcast_to(rows, (height, width, 3)).astype(np.uint8)
