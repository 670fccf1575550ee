"""A Raspberry Pi's CSI camera, which OpenCV can't see, through Picamera2: `--source picamera2`.

The library comes from the system (apt install python3-picamera2) and is imported when the source is opened. The
camera's hardware makes a second, small image of each frame, on which faces are followed. It also mirrors images and
turns them upside down; quarter turns, which it can't do, are made here.
"""

import importlib
from concurrent.futures import TimeoutError as TimedOut
from typing import Any

import cv2
import numpy as np

from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.motion import SMALL_WIDTH
from edge.orientation import orient
from edge.results import BgrImage


class PicameraSource(Source):
    """Frames of the first CSI camera, with the small stream beside the big one."""

    live = True
    turns_itself = True

    def __init__(self, config: EdgeConfig) -> None:
        self.small: BgrImage | None = None
        self.fps = 30.0
        self._config = config
        self._camera = _open()
        width = min(SMALL_WIDTH, config.width) // 2 * 2  # YUV420 has even sides
        self._small_size = (width, width * config.height // config.width // 2 * 2)
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (config.width, config.height), "format": "RGB888"},  # in memory: blue first
                    lores={"size": self._small_size, "format": "YUV420"},
                    buffer_count=4,
                    **_transform(config),
                )
            )
            self._camera.start()
        except RuntimeError as error:
            self._camera.close()
            raise SourceError(f"Expected a CSI camera that starts. Received: {error}") from error

    def read(self) -> BgrImage:
        """Read the next image; `small` then holds a small version of it."""
        (image, planes), _ = self._next(self._camera.capture_arrays, ["main", "lores"])
        width, height = self._small_size
        padded = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)  # the hardware pads the rows of each plane
        self.small = self._turned(np.ascontiguousarray(padded[:height, :width]))
        return self._turned(image)

    def _turned(self, image: BgrImage) -> BgrImage:
        return image if _turns_in_hardware(self._config) else orient(image, self._config)

    def skip(self) -> None:
        """Skip the next image."""
        self._next(self._camera.capture_metadata)

    def close(self) -> None:
        """Free the camera."""
        self._camera.stop()
        self._camera.close()

    def _next(self, capture: Any, *arguments: Any) -> Any:
        """Return what the next frame gives; if the camera hangs, cancel waiting jobs: else it could not be closed."""
        wait_s = self._config.read_timeout_s
        try:
            return capture(*arguments, wait=wait_s)
        except TimedOut as error:
            self._camera.cancel_all_and_flush()
            raise SourceError(f"Expected a frame of the CSI camera. Received: none in {wait_s:g} s") from error


def _open() -> Any:
    try:
        library = importlib.import_module("picamera2")
    except ImportError as error:
        raise SourceError(
            "Expected Picamera2 (apt install python3-picamera2, and a venv with --system-site-packages). "
            f"Received: {error}"
        ) from error
    try:
        return library.Picamera2()
    except (IndexError, RuntimeError) as error:
        raise SourceError(f"Expected a CSI camera on this device. Received: {error}") from error


def _turns_in_hardware(config: EdgeConfig) -> bool:
    return config.rotate in (0, 180)


def _transform(config: EdgeConfig) -> dict[str, Any]:
    """The option of Picamera2 that rotates and mirrors; empty if the hardware has nothing to do."""
    turned = config.rotate == 180
    if not _turns_in_hardware(config) or not (turned or config.mirror):
        return {}
    library = importlib.import_module("libcamera")  # Picamera2 needs it too
    return {"transform": library.Transform(hflip=turned != config.mirror, vflip=turned)}
