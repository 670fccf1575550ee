"""How much accuracy detection and cropping cost: test faces are pasted into frames, found again, and classified.

This shows the effect of the crop margin: the network was trained on images that are framed in one way, and a detector
frames faces in another; `ModelInfo.crop_margin` makes up for the difference. It also shows the effect of turning crops
upright: the images can be tilted before they are pasted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks import scenes
from benchmarks.scenes import Scene
from edge.boxes import overlap
from edge.detectors import Detector
from edge.model_info import ModelInfo
from edge.preprocess import crop_face, to_gray
from edge.results import Box, FaceInput, GrayImage, Probabilities
from train.measures import Labels

SIZE = (640, 480)
SIDES = (64, 100, 150, 200)
"""Sides of the pasted images in pixels; each frame has one of each."""
SAME_FACE = 0.3
"""With at least this overlap, a found box is the pasted face: detectors frame tighter than FER-2013."""


@dataclass(frozen=True)
class PastedFaces:
    """Frames with pasted faces, and the label of each face, in the order of the scenes' boxes."""

    scenes: tuple[Scene, ...]
    labels: Labels


class Found(NamedTuple):
    """A found face that matches a pasted one."""

    scene: int
    face: int
    """The pasted face's number, counted over all frames."""
    box: Box
    tilt_degrees: float
    """The tilt of the eyes, as the detector sees them."""


class DetectionScore(NamedTuple):
    """How well a detector found the pasted faces."""

    found: tuple[Found, ...]
    recall: float
    precision: float
    recall_by_side: dict[int, float]


def paste_faces(faces: Sequence[GrayImage], labels: Labels) -> PastedFaces:
    """Paste four faces per frame, each with the next of `SIDES`; leftover faces are not used."""
    count = len(faces) // len(SIDES)
    groups = [faces[start : start + len(SIDES)] for start in range(0, count * len(SIDES), len(SIDES))]
    frames = tuple(scenes.pasted(group, SIZE, SIDES, seed) for seed, group in enumerate(groups))
    return PastedFaces(frames, labels[: count * len(SIDES)])


def tilted(faces: Sequence[GrayImage], degrees: float) -> list[GrayImage]:
    """The faces turned clockwise by `degrees` around their middle, at three times their size."""
    side = 3 * faces[0].shape[0]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), -degrees, 1.0)
    large = (cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC) for face in faces)
    return [cv2.warpAffine(face, turn, (side, side), borderMode=cv2.BORDER_REFLECT) for face in large]  # type: ignore[misc]


def detect(detector: Detector, images: PastedFaces) -> DetectionScore:
    """Find the faces as the pipeline does, and match each with the pasted one that it overlaps most."""
    found: list[Found] = []
    detections = 0
    for index, scene in enumerate(images.scenes):
        faces = detector.detect(scene.image)
        detections += len(faces)
        tilts = {face.box: face.tilt_degrees for face in faces}
        pairs = _matches(scene.boxes, list(tilts))
        found += [Found(index, index * len(SIDES) + place, box, tilts[box]) for place, box in pairs]
    counts = np.bincount([hit.face % len(SIDES) for hit in found], minlength=len(SIDES))
    return DetectionScore(
        found=tuple(found),
        recall=len(found) / len(images.labels),
        precision=len(found) / max(1, detections),
        recall_by_side={side: float(count) / len(images.scenes) for side, count in zip(SIDES, counts, strict=True)},
    )


def accuracy_of_found(
    images: PastedFaces,
    found: Sequence[Found],
    info: ModelInfo,
    predict: Callable[[FaceInput], Probabilities],
    margin: float,
    upright_from: float = 0.0,
) -> float:
    """The accuracy on the found faces, cropped with `margin` around the detector's box."""
    wanted = replace(info, crop_margin=margin)
    tilts = [hit.tilt_degrees if 0 < upright_from < abs(hit.tilt_degrees) else 0.0 for hit in found]
    crops = [
        crop_face(to_gray(images.scenes[hit.scene].image), hit.box, wanted, tilt)
        for hit, tilt in zip(found, tilts, strict=True)
    ]
    labels = images.labels[[hit.face for hit in found]]
    return float(np.mean(predict(np.stack(crops)).argmax(axis=1) == labels))


def _matches(pasted: Sequence[Box], boxes: Sequence[Box]) -> list[tuple[int, Box]]:
    """Pairs of a pasted face's index and a found box, each at most once, the best overlap first."""
    pairs = (
        (overlap(box, true), place, number) for place, true in enumerate(pasted) for number, box in enumerate(boxes)
    )
    matched: dict[int, int] = {}
    for shared, place, number in sorted(pairs, reverse=True):
        if shared >= SAME_FACE and place not in matched and number not in matched.values():
            matched[place] = number
    return [(place, boxes[number]) for place, number in matched.items()]
