"""MediaPipe's BlazeFace (Bazarevsky et al., 2019, arXiv:1907.05047) in the TFLite runtime.

    short range  128x128, faces from a fifth of the image's side on: a selfie
    back         256x256, from a tenth on: the camera at the back of a phone
    full range   192x192, from a tenth on (a newer file, not bundled; it finds fewer than `back`)

Input size and anchors depend on the file, and are read from its tensors.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.interpreter import invoke, load_interpreter
from edge.preprocess import shrink_to, to_bgr
from edge.results import BgrImage, Box, Detection, Point

LAYOUTS = (((8, 2), (16, 6)), ((16, 2), (32, 6)), ((4, 1),))
"""Anchors of the published files as grids (stride in pixels, anchors per cell): short range, back, full range."""
SCORE = 0.5
"""A candidate below this score is discarded."""
DOUBT = 0.25
"""A candidate between this score and the required one is doubtful."""
SAME_FACE = 0.3
"""Overlap from which two candidates are the same face."""
FACE_PIXELS = 25.6
"""Height in pixels of the input from which each of the files finds a face 99 times in 100."""


class BlazeFace:
    """One BlazeFace file: boxes with score and six key points.

    Args:
        model: the `.tflite` file.

    Raises:
        ModelError: the file is not there, or it is not a BlazeFace file.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        runtime: str = "auto",
        threads: int = 1,
        name: str = "blazeface",
        delegate: str = "",
    ) -> None:
        self.name = name
        if not Path(model).is_file():
            raise ModelError(f"Expected a BlazeFace .tflite file. Received: no file at {model}")
        self._interpreter = load_interpreter(model, runtime, threads, delegate)
        self.side, self._anchors = self._read_layout(model)
        self.reach = FACE_PIXELS / self.side
        self._canvas = np.zeros((1, self.side, self.side, 3), np.float32)
        self.doubtful: list[Detection] = []
        """Candidates in the last image that scored too low, but may be faces."""
        self.detect(np.zeros((self.side, self.side, 3), np.uint8))  # the first run is slow: no frame should wait for it

    def detect(self, image: BgrImage, score: float = SCORE) -> list[Detection]:
        """Faces of an image of any size, in its own pixels."""
        scale = self._fill(image)
        scores_out, boxes_out = invoke(self._interpreter, self._input, self._canvas, (self._scores, self._boxes))
        logits = scores_out[0, :, 0]
        lowest = min(score, DOUBT)
        rows = np.flatnonzero(logits > -np.log(1 / lowest - 1))
        if not len(rows):
            self.doubtful = []
            return []
        raw = boxes_out[0, rows].reshape(-1, 8, 2)
        scores = 1 / (1 + np.exp(-np.clip(logits[rows], -80, 80)))
        points = raw / scale
        points[:, [0, *range(2, 8)]] += self._anchors[rows, np.newaxis] * (self.side / scale)
        faces = merge_overlapping(points[scores > score], scores[scores > score])
        doubted = merge_overlapping(points[scores <= score], scores[scores <= score])
        self.doubtful = [_to_face(*face) for face in doubted]
        return [_to_face(*face) for face in faces]

    def _read_layout(self, model: str | os.PathLike[str]) -> tuple[int, NDArray[np.float32]]:
        """The side of the input, and the anchors that go with it."""
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        by_width = {int(output["shape"][-1]): output for output in outputs}
        shape = tuple(map(int, inputs[0]["shape"]))
        count = int(by_width[1]["shape"][1]) if set(by_width) == {1, 16} else 0
        layout = find_layout(shape[1], count) if count and len(shape) == 4 and shape[-1] == 3 else None
        if layout is None or len(inputs) != 1 or shape[1] != shape[2] or inputs[0]["dtype"] != np.float32:
            sizes = [tuple(map(int, output["shape"])) for output in outputs]
            raise ModelError(
                f"Expected a BlazeFace file at {model}: one RGB image in, boxes of 16 numbers and scores of its "
                f"anchors out. Received: input {shape}, outputs {sizes}"
            )
        self._input, self._boxes, self._scores = inputs[0]["index"], by_width[16]["index"], by_width[1]["index"]
        return shape[1], anchor_centers(shape[1], layout)

    def _fill(self, image: BgrImage) -> float:
        """Put the image, shrunk to fit, RGB, in [-1, 1], into the upper left of the input; return the factor."""
        height, width = image.shape[:2]
        scale = self.side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.cvtColor(to_bgr(shrink_to(image, size)), cv2.COLOR_BGR2RGB)
        self._canvas.fill(-1)
        place = self._canvas[0, : size[1], : size[0]]
        np.multiply(rgb, np.float32(1 / 127.5), out=place)
        np.subtract(place, 1, out=place)
        return scale


def find_layout(side: int, count: int) -> tuple[tuple[int, int], ...] | None:
    """The published layout that has `count` anchors on an input of `side` pixels."""
    return next(
        (layout for layout in LAYOUTS if sum((side // stride) ** 2 * cell for stride, cell in layout) == count), None
    )


def anchor_centers(side: int, layout: Iterable[tuple[int, int]]) -> NDArray[np.float32]:
    """Centres (anchors, 2) in [0, 1] of the anchors of an input of `side` pixels."""
    grids = []
    for stride, per_cell in layout:
        cells = (np.arange(side // stride, dtype=np.float32) + 0.5) / (side // stride)
        y, x = np.meshgrid(cells, cells, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(grids)


def merge_overlapping(
    points: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], float]]:
    """Average the candidates of each face, weighted by score; (8, 2) rows: center, size, six key points."""
    order = np.argsort(-scores)
    corners = np.concatenate([points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2], axis=1)
    faces = []
    while len(order):
        same = overlaps(corners[order[0]], corners[order]) > SAME_FACE
        same[0] = True
        group = order[same]
        weights = scores[group] / scores[group].sum()
        faces.append((np.tensordot(weights, points[group], 1), float(scores[group[0]])))
        order = order[~same]
    return faces


def overlaps(corners: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box with (n, 4) others; rows are left, top, right, bottom."""
    upper, lower = np.maximum(corners[:2], others[:, :2]), np.minimum(corners[2:], others[:, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=1)
    area, areas = np.prod(corners[2:] - corners[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / np.maximum(area + areas - shared, 1e-9)  # type: ignore[no-any-return]


def _to_face(rows: NDArray[np.float32], score: float) -> Detection:
    (left, top), (width, height) = rows[0] - rows[1] / 2, rows[1]
    box = Box(round(float(left)), round(float(top)), round(float(width)), round(float(height)))
    return Detection(box, score, tuple(Point(float(x), float(y)) for x, y in rows[2:]))
