"""Turns pixels into model input, by the same code for training, calibration, benchmarks and the camera.

Frames come from anybody's code: what enters is checked here, once, and everything behind may trust it.
"""

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from edge.errors import SourceError
from edge.model_info import ModelInfo
from edge.results import BgrImage, Box, FaceInput, Frame, GrayImage

_INTERPOLATION = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def checked_frame(frame: Frame) -> Frame:
    """The frame with a checked image, and with plain numbers, since JSON takes none of NumPy's."""
    return replace(
        frame,
        image=checked_image(frame.image, frame.source),
        small=None if frame.small is None else checked_image(frame.small, frame.source),
        index=int(frame.index),
        captured_monotonic_s=float(frame.captured_monotonic_s),
        captured_at=float(frame.captured_at),
        position_s=checked_position(frame.position_s, frame.source),
    )


def checked_image(image: BgrImage, source: str) -> BgrImage:
    """The image as (height, width, 3), or (height, width) if it is gray; a SourceError if it is none."""
    is_array = isinstance(image, np.ndarray)
    channels = image.shape[2:] if is_array and image.ndim >= 2 else None
    if channels not in ((), (1,), (3,), (4,)) or image.dtype != np.uint8 or not image.size:
        shown = f"{image.dtype} of shape {image.shape}" if is_array else type(image).__name__
        expected = f"Expected images of {source} as uint8, (height, width, 3) or (height, width)"
        raise SourceError(f"{expected}. Received: {shown}")
    if channels == (4,):
        return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)  # type: ignore[return-value]
    return image[:, :, 0] if channels == (1,) else image


def checked_position(position_s: Any, source: str) -> float | None:
    """The position in a film as a plain number; a SourceError if it is none."""
    if position_s is None:
        return None
    try:
        seconds = float(position_s)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise SourceError(f"Expected position_s of {source} in seconds, or None. Received: {position_s!r}")
    return seconds


def to_gray(image: BgrImage) -> GrayImage:
    """Convert a BGR image to gray (height, width); a gray one is returned unchanged."""
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def to_bgr(image: BgrImage | GrayImage) -> BgrImage:
    """Convert a gray image to BGR (height, width, 3); a BGR one is returned unchanged."""
    if image.ndim == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]


def shrink_to(image: BgrImage, size: tuple[int, int]) -> BgrImage:
    """Shrink the image to `size` (width, height): halve it while possible, then interpolate.

    This is as free of aliasing as averaging over areas, in a fifth of the time: OpenCV is fast only for whole factors.
    """
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def crop_face(image: BgrImage | GrayImage, box: Box, info: ModelInfo, tilt_degrees: float = 0.0) -> FaceInput:
    """The face in `box` as the network wants it: (height, width, channels), uint8, [0, 255].

    The box grows by the contract's margin to a square around its centre; where that square leaves
    the image, the border pixels are repeated, so the face is neither moved nor stretched. A face
    that is turned clockwise by `tilt_degrees` is turned upright. A network that sees colors needs a color image.
    """
    side = max(1, round(max(box.width, box.height) * (1 + info.crop_margin)))
    left = round(box.x + (box.width - side) / 2)
    top = round(box.y + (box.height - side) / 2)
    if tilt_degrees:
        return resize_face(_upright_square(image, box, side, tilt_degrees), info)
    return resize_face(_square(image, left, top, side), info)


def resize_face(image: BgrImage | GrayImage, info: ModelInfo) -> FaceInput:
    """A face image of any size as the network wants it: (height, width, channels), uint8."""
    if (image.shape[1], image.shape[0]) != info.input_size:
        enlarges = image.shape[1] < info.input_size[0]  # area would repeat pixels there
        how = cv2.INTER_LINEAR if enlarges else _INTERPOLATION[info.interpolation]
        image = cv2.resize(image, info.input_size, interpolation=how)  # type: ignore[assignment]
    if info.color == "rgb":
        return cv2.cvtColor(to_bgr(image), cv2.COLOR_BGR2RGB)  # type: ignore[return-value]
    return to_gray(image)[:, :, np.newaxis]


def _upright_square(image: BgrImage, box: Box, side: int, tilt_degrees: float) -> BgrImage:
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    turn = cv2.getRotationMatrix2D((center_x, center_y), tilt_degrees, 1.0)
    turn[:, 2] += (side / 2 - center_x, side / 2 - center_y)  # type: ignore[misc]
    return cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _square(image: BgrImage, left: int, top: int, side: int) -> BgrImage:
    height, width = image.shape[:2]
    right, bottom = left + side, top + side
    inside = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if inside.shape[:2] == (side, side):
        return inside
    if inside.size == 0:  # the square lies outside: its nearest pixels are the border's
        nearest = image[min(max(0, top), height - 1), min(max(0, left), width - 1)]
        return np.full((side, side, *image.shape[2:]), nearest, np.uint8)
    return cv2.copyMakeBorder(  # type: ignore[return-value]
        inside,
        max(0, -top),
        max(0, bottom - height),
        max(0, -left),
        max(0, right - width),
        cv2.BORDER_REPLICATE,
    )
