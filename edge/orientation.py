"""A camera as it hangs: its images are turned and mirrored before anything else sees them."""

from typing import TYPE_CHECKING

import cv2

from edge.config import EdgeConfig
from edge.results import BgrImage

if TYPE_CHECKING:
    from edge.sources import Source

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def orient(image: BgrImage, config: EdgeConfig) -> BgrImage:
    """The image turned clockwise by `config.rotate`, then, with `config.mirror`, left and right exchanged.

    At 90 and 270 degrees its width becomes its height.
    """
    if config.rotate:
        image = cv2.rotate(image, _TURNS[config.rotate])  # type: ignore[assignment]
    return cv2.flip(image, 1) if config.mirror else image  # type: ignore[return-value]


class OrientedSource:
    """Another source's images, turned and mirrored as the configuration says."""

    def __init__(self, source: "Source", config: EdgeConfig) -> None:
        self.live = source.live
        self.fps = source.fps
        self.small: BgrImage | None = None
        self._source = source
        self._config = config

    def read(self) -> BgrImage | None:
        """The next image, None at the end."""
        image, small = self._source.read(), self._source.small
        self.small = None if small is None else orient(small, self._config)
        return None if image is None else orient(image, self._config)

    def skip(self) -> None:
        """Pass over the next image."""
        self._source.skip()

    def close(self) -> None:
        """Free the device or file."""
        self._source.close()
