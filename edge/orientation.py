"""Rotates and mirrors the images of a camera mounted sideways or upside down, before anything else uses them."""

import cv2

from edge.config import EdgeConfig
from edge.results import BgrImage

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def orient(image: BgrImage, config: EdgeConfig) -> BgrImage:
    """The image rotated clockwise by `config.rotate` degrees, then mirrored if `config.mirror` is set.

    At 90 and 270 degrees its width becomes its height.
    """
    if config.rotate:
        image = cv2.rotate(image, _TURNS[config.rotate])  # type: ignore[assignment]
    return cv2.flip(image, 1) if config.mirror else image  # type: ignore[return-value]
