"""Where images come from: one small class per kind of source, and `open_source`, which chooses it by name.

Only one thread opens, reads and closes a source: the reader in `edge/reader.py`.
"""

import logging
import math
import os
import stat
import sys
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np

from edge.address import redact
from edge.animation import AnimatedWebpSource
from edge.capture import REMEDY as REMEDY
from edge.capture import CaptureSource, open_capture
from edge.capture import Source as Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.media_type import FOREIGN_SUFFIXES, FOREIGN_TYPES, PHOTO_TYPES, type_at
from edge.photos import IMAGE_SUFFIXES, ImageSource
from edge.results import BgrImage
from edge.video import VideoSource

PORTRAIT = Path(__file__).parent / "assets" / "portrait.jpg"
JPEG_STREAMS = frozenset({".mjpeg", ".mjpg"})
"""Suffixes of films that begin with the bytes of a photo."""

_log = logging.getLogger(__name__)


def open_source(name: str, config: EdgeConfig) -> Source:
    """Open the source that `name` describes: see `EdgeConfig.source`.

    Raises:
        SourceError: there is nothing to read there, or it is damaged.
    """
    if name == "demo":
        return DemoSource()
    if (path := local_path(name)) is not None:
        return _open_file(path, redact(name))
    if name == "picamera2":
        from edge.picamera import PicameraSource  # optional: only a Raspberry Pi has its library

        return PicameraSource(config)
    if "://" in name:
        from edge.streams import open_stream  # HTTP and TLS: 4 MB that a webcam does not need

        return open_stream(name, config)
    return DeviceSource(name, config)


def is_live(name: str) -> bool:
    """Whether a source of this name is a camera; the demo and files are not."""
    return name != "demo" and local_path(name) is None


def local_path(name: str) -> Path | None:
    """The path of the file or folder that a source's name means, whether it exists or not; None for other sources.

    What exists on the disk wins, whatever its name looks like: a folder called 0 is not a camera.
    """
    if name in ("demo", "picamera2"):
        return None
    if name.lower().startswith("file:"):
        return _path_of_address(name)
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError):
        is_camera = name.startswith("/dev/") or (name.isascii() and name.isdigit()) or "://" in name
        return None if is_camera else Path(name)
    is_file = stat.S_ISDIR(mode) or stat.S_ISREG(mode)
    return Path(name) if is_file or not name.startswith("/dev/") else None


def _path_of_address(address: str) -> Path:
    """The path in an address such as file:///films/my%20film.mp4, file://localhost/films/… or file:films/…"""
    rest = address[len("file:") :].removeprefix("//localhost").removeprefix("//")
    return Path(rest) if os.path.lexists(rest) else Path(unquote(rest))


def _open_file(path: Path, name: str) -> Source:
    """Open a file or folder by its type: its first bytes decide, and its name only if they are inconclusive."""
    expected = f"Expected a camera index, address or file; {REMEDY}. Received:"
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return ImageSource(path)
        if not stat.S_ISREG(mode):
            raise SourceError(f"{expected} a pipe or device at {name}")
        kind = type_at(path)
    except FileNotFoundError as error:
        if "://" not in name:  # perhaps an address that lacks its scheme: user:password@host
            name = redact(f"rtsp://{name}").removeprefix("rtsp://")
        raise SourceError(f"{expected} no file at {name}") from error
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{expected} {getattr(error, 'strerror', None) or error}, at {name}") from error
    if kind == "animated WebP":
        return AnimatedWebpSource(path)
    suffix = path.suffix.lower()
    is_photo = kind in PHOTO_TYPES | FOREIGN_TYPES and suffix not in JPEG_STREAMS
    is_bad_photo = not kind and suffix in IMAGE_SUFFIXES | FOREIGN_SUFFIXES
    return ImageSource(path) if is_photo or is_bad_photo else VideoSource(path)


class DemoSource(Source):
    """The demo: a real face that moves, and changes size and brightness; image N is the same in every run.

    The portrait is NASA's of Eileen Collins, in the public domain (see NOTICE).
    """

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
        """Make the next image; there is no end."""
        image = self.image(self._index)
        self.position_s = self._index / self.fps
        self._index += 1
        return image

    def skip(self) -> None:
        """Skip the next image."""
        self._index += 1

    def image(self, index: int) -> BgrImage:
        """The image with this index; it depends on nothing else."""
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

    picture = image  # an older name of `image`


class DeviceSource(CaptureSource):
    """A webcam: an index, or a device such as /dev/video0 or one of the permanent names below /dev/v4l."""

    live = True

    def __init__(self, name: str, config: EdgeConfig) -> None:
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(math.ceil(config.read_timeout_s))
        backend = {"nt": cv2.CAP_DSHOW, "posix": cv2.CAP_V4L2}.get(os.name, cv2.CAP_ANY)
        if sys.platform == "darwin":
            backend = cv2.CAP_ANY
        device = int(name) if name.isdigit() else name
        super().__init__(open_capture(device, f"a camera at {name}; {REMEDY}", backend), f"camera {name}")
        self._ask_for(config)

    def _ask_for(self, config: EdgeConfig) -> None:
        """Ask for compressed images of the wanted size, and log what the driver gives."""
        capture = self._capture
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw 640x480 at 30 fills half of USB 2
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1")
        level = logging.INFO if size == (config.width, config.height) else logging.WARNING
        self.fps = self._rate()
        _log.log(level, "%s gives %dx%d %s at %.0f per second", self._name, *size, code, self.fps)


def _shade(size: tuple[int, int]) -> BgrImage:
    width, height = size
    rows = np.linspace(70, 130, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return np.broadcast_to(rows, (height, width, 3)).astype(np.uint8)
