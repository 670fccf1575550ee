"""How well a face can be judged, in [0, 1], by its size, its sharpness, how far it is turned, and how much is in view.

Each of these four factors is 1 if it costs no accuracy, and 0.5 if the network is wrong about as often as right
(docs/benchmarks.md has the figures). The quality is their product.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge.results import Box, GrayImage, Point

SIZE_PX = (12.0, 36.0)
"""The shorter side of the box in pixels at which this factor is 0, and from which it is 1."""
DETAIL = (0.12, 0.26)
"""Ratio of fine to coarse contrast at which the factor is 0, and from which it is 1: a sharp face has 0.24 to 0.45, a
face blurred by 4% of its height 0.16."""
TURNED_DEGREES = (54.0, 36.0)
"""Angle at which the factor is 0, and up to which it is 1, measured on BlazeFace's points: it places noses too near the
middle, so a head turned by about 70 degrees measures 45."""
INSIDE = (0.5, 0.9)
"""Share of the box inside the image at which the factor is 0, and from which it is 1."""

SIDE = 48
"""Side in pixels to which a face is shrunk to measure sharpness: the network does not see finer detail."""
NOISE = 1.0
"""A camera's noise at that size, in gray levels."""
NOSE = 0.48
"""Where the nose of a face seen from the front is between eyes (0) and mouth (1): the median of 60 photographs."""


def face_quality(gray: GrayImage, box: Box, pose: float = 1.0) -> float:
    """The quality of the face in `box`, which may leave the image; `pose` is `pose_quality` of its points."""
    inside = _inside(box, gray)
    if inside.width <= 0 or inside.height <= 0:
        return 0.0
    size = _ramp(min(box.width, box.height), *SIZE_PX)
    visible = _ramp(inside.width * inside.height / (box.width * box.height), *INSIDE)
    known = size * visible * pose
    return known * _ramp(detail(gray, inside), *DETAIL) if known else 0.0


def pose_quality(points: Sequence[Point]) -> float:
    """The factor for a face that is turned away; 1 if its points are unknown. Tilt costs nothing: crops are upright."""
    return _ramp(turned_degrees(points), *TURNED_DEGREES) if len(points) >= 4 else 1.0


def turned_degrees(points: Sequence[Point]) -> float:
    """How far the face is turned away from the camera, sideways or up and down: 0 is frontal, 90 is a profile or more.

    The tip of the nose is in front of the plane of eyes and mouth by about half their distance. So its position in that
    plane, in units of that distance, is half the tangent of the angle.
    """
    right, left, nose, mouth = (complex(*point) for point in points[:4])
    middle = (right + left) / 2
    across, height, tip = left - right, mouth - middle, nose - middle
    if abs(plane := _cross(across, height)) < 1e-6:
        return 90.0
    sideways, down = _cross(tip, height) / plane, _cross(across, tip) / plane
    return math.degrees(math.atan(2 * math.hypot(sideways, down - NOSE)))


def detail(gray: GrayImage, box: Box) -> float:
    """The ratio of fine contrast (detail of 1.5 to 3% of the face's height) to coarser; `box` is inside the image."""
    face = gray[box.y : box.y + box.height, box.x : box.x + box.width]
    how = cv2.INTER_AREA if min(face.shape) > SIDE else cv2.INTER_CUBIC
    small = cv2.resize(face, (SIDE, SIDE), interpolation=how).astype(np.float32)
    sharp, soft, softest = (cv2.GaussianBlur(small, (0, 0), sigma) for sigma in (0.7, 1.4, 5.6))
    fine, coarse = (float(cv2.meanStdDev(band)[1][0, 0]) for band in (sharp - soft, soft - softest))
    return math.sqrt(max(0.0, fine**2 - NOISE**2)) / max(1.0, coarse)


def _inside(box: Box, gray: GrayImage) -> Box:
    left, top = max(0, box.x), max(0, box.y)
    right, bottom = min(gray.shape[1], box.x + box.width), min(gray.shape[0], box.y + box.height)
    return Box(left, top, right - left, bottom - top)


def _cross(one: complex, other: complex) -> float:
    """The area between two vectors x + iy."""
    return one.real * other.imag - one.imag * other.real


def _ramp(value: float, nothing: float, all_of_it: float) -> float:
    """0 at `nothing`, 1 at `all_of_it`, a straight line between."""
    return min(1.0, max(0.0, (value - nothing) / (all_of_it - nothing)))
