"""Motion in a small version of the frame: follows faces between detections (median flow, Kalal et al., ICPR 2010), and
finds views that changed."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.preprocess import to_gray
from edge.results import BgrImage, Box, GrayImage

GRID = 6
"""How many points per side of a box are followed."""
MAX_BACKWARD_PX = 1.0
"""A point counts if following it back ends within so many pixels of where it began."""
SMALL_WIDTH = 320
"""Width in pixels to which a frame is shrunk to follow faces and to see what changed."""
_FLOW = {"winSize": (15, 15), "maxLevel": 2, "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)}


class MotionFollower:
    """Moves boxes from the last image to this one.

    Usage:
        follower.remember(small)                # at every image, after its boxes are known
        boxes = follower.follow(small, boxes)   # all in full-frame pixels; None where a face is lost
    """

    def __init__(self) -> None:
        self._last: GrayImage | None = None

    def remember(self, small: GrayImage) -> None:
        """Keep the image that the next one is compared with."""
        self._last = small

    def follow(self, small: GrayImage, boxes: list[Box], factor: float) -> list[Box | None]:
        """Where `boxes` of the last image are in `small`, which is `factor` times smaller than the frame."""
        if self._last is None or self._last.shape != small.shape or not boxes:
            return [None] * len(boxes)
        grids = np.concatenate([_grid(box, factor) for box in boxes])
        moved, followed, _ = cv2.calcOpticalFlowPyrLK(self._last, small, grids, None, **_FLOW)  # type: ignore[call-overload]
        back, returned, _ = cv2.calcOpticalFlowPyrLK(small, self._last, moved, None, **_FLOW)  # type: ignore[call-overload]
        apart = np.abs(back - grids).max(axis=1)
        good = (followed.ravel() == 1) & (returned.ravel() == 1) & (apart < MAX_BACKWARD_PX)
        per_box = GRID * GRID
        return [
            _move(box, grids[rows][good[rows]] * factor, moved[rows][good[rows]] * factor)
            for box, rows in ((box, slice(i * per_box, (i + 1) * per_box)) for i, box in enumerate(boxes))
        ]


class Changes:
    """Tells which views have changed since each was last searched, from a coarse image.

    Slow changes add up, since each view is compared with its state at the last search.

    Usage:
        changed = changes.update(small, faces)   # (views,) bool
        changes.keep(index)                      # the view was looked at: compare it with this image from now on
    """

    cells = (40, 30)
    change = 6.0
    """Gray levels by which a cell must change: well above a camera's noise when averaged over the cell."""

    def __init__(self, views: Sequence[Box], size: tuple[int, int]) -> None:
        """Watch `views`, rectangles of a frame of `size` (width, height)."""
        self._size = size
        self._masks = np.zeros((len(views), self.cells[1], self.cells[0]), bool)
        for mask, view in zip(self._masks, views, strict=True):
            mask[self._cells_of(view)] = True
        self._kept = np.full(self._masks.shape, np.inf, np.float32)
        self._coarse = np.zeros(self._masks.shape[1:], np.float32)

    def update(self, small: GrayImage, known: Sequence[Box]) -> NDArray[np.bool_]:
        """Whether each view has changed, apart from the faces in `known`, in pixels of the frame."""
        self._coarse = cv2.resize(small, self.cells, interpolation=cv2.INTER_AREA).astype(np.float32)
        changed = self._masks & (np.abs(self._coarse - self._kept) >= self.change)
        for box in known:
            changed[(slice(None), *self._cells_of(box))] = False
        return changed.any(axis=(1, 2))  # type: ignore[no-any-return]

    def keep(self, index: int) -> None:
        """Note that the view was searched: compare it with this image from now on."""
        self._kept[index] = self._coarse

    def _cells_of(self, box: Box) -> tuple[slice, slice]:
        """The rows and columns of the cells that a box touches."""
        x, y = self.cells[0] / self._size[0], self.cells[1] / self._size[1]
        rows = slice(max(0, math.floor(box.y * y)), max(0, math.ceil((box.y + box.height) * y)))
        return rows, slice(max(0, math.floor(box.x * x)), max(0, math.ceil((box.x + box.width) * x)))


def shrink(image: BgrImage | GrayImage) -> GrayImage:
    """The image in gray, `SMALL_WIDTH` pixels wide; a smaller one keeps its size."""
    gray = to_gray(image)
    if gray.shape[1] <= SMALL_WIDTH:
        return gray
    height = max(1, round(gray.shape[0] * SMALL_WIDTH / gray.shape[1]))
    return cv2.resize(gray, (SMALL_WIDTH, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _grid(box: Box, factor: float) -> NDArray[np.float32]:
    """Points (GRID * GRID, 2) in the middle of the box, since its corners show the background."""
    steps = np.linspace(0.2, 0.8, GRID, dtype=np.float32)
    x, y = np.meshgrid(box.x + steps * box.width, box.y + steps * box.height)
    return np.ascontiguousarray(np.stack([x.ravel(), y.ravel()], axis=1) / factor, dtype=np.float32)


def _move(box: Box, before: NDArray[np.float32], after: NDArray[np.float32]) -> Box | None:
    """The box moved by the points' median step and scaled by the median change of their distances."""
    if len(before) < GRID:
        return None
    step_x, step_y = _median(after - before)
    spread, spread_after = (np.hypot(*(points - _median(points)).T) for points in (before, after))
    far = spread > spread.mean() / 2
    scale = min(1.25, max(0.8, float(_median(spread_after[far] / spread[far]))))
    width, height = box.width * scale, box.height * scale
    center_x, center_y = box.x + box.width / 2 + float(step_x), box.y + box.height / 2 + float(step_y)
    return Box(round(center_x - width / 2), round(center_y - height / 2), round(width), round(height))


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median along the first axis: for a few dozen points this takes a twentieth of `np.median`'s time."""
    ordered, middle = np.sort(values, axis=0), len(values) // 2
    return (ordered[(len(values) - 1) // 2] + ordered[middle]) / 2  # type: ignore[no-any-return]
