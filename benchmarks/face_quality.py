"""Measure accuracy and face quality as faces get smaller, blurred, cut off or tilted.

FER2013=... python -m benchmarks.face_quality [--faces 400]
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import scenes
from benchmarks.tables import to_markdown
from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.interpreter import EmotionClassifier
from edge.preprocess import crop_face, to_gray
from edge.quality import face_quality
from edge.results import Box, GrayImage
from train.data import load_fer2013

SIZE, SIDE = (320, 240), 150
"""Sides of the frame, and of the face pasted into it, in pixels."""
HEIGHTS_PX = (96, 48, 36, 28, 24, 20, 16)
BLURS = (0.01, 0.02, 0.03, 0.04, 0.06)
"""Standard deviations of the blur, as shares of the face's height."""
CUTS = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of the box outside the image."""
NOISE = 2.0
"""Noise of a camera in gray levels."""


@dataclass(frozen=True)
class View:
    """A face as a camera sees it."""

    kind: str
    amount: str
    gray: GrayImage
    box: Box


def views(gray: GrayImage, box: Box) -> Iterator[View]:
    """Yield the face as it is, then made worse in each way."""
    yield View("as it is", "", gray, box)
    for height in HEIGHTS_PX:
        factor = height / box.height
        small = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        yield View("height", f"{height} px", small, Box(*(round(value * factor) for value in box)))  # type: ignore[arg-type]
    for share in BLURS:
        blurred = cv2.GaussianBlur(gray, (0, 0), share * box.height)
        yield View("blur", f"{share:.0%} of the height", blurred, box)  # type: ignore[arg-type]
    for share in CUTS:
        left, bottom = box.x + round(share * box.width), box.y + round((1 - share) * box.height)
        yield View("cut at a side", f"{share:.0%}", gray[:, left:].copy(), box._replace(x=box.x - left))
        yield View("cut below", f"{share:.0%}", gray[:bottom].copy(), box)


def measure(count: int, classifier: EmotionClassifier) -> list[dict[str, object]]:
    """Measure each view: accuracy, median quality, share of faces below the default limit."""
    test = load_fer2013().test()
    rows = np.random.default_rng(0).permutation(np.flatnonzero(test.splits == "PublicTest"))[:count]
    limit, noise = EdgeConfig().min_quality, np.random.default_rng(1)
    seen: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    for row, gray, box in _found(test.images, rows):
        all_views = [_noisy(view, noise) for view in views(gray, box)]
        crops = np.stack([crop_face(view.gray, view.box, classifier.info) for view in all_views])
        for view, best in zip(all_views, classifier.predict(crops).argmax(axis=1), strict=True):
            right = bool(best == test.labels[row])
            seen.setdefault((view.kind, view.amount), []).append((right, face_quality(view.gray, view.box)))
    return [
        {
            "view": kind,
            "amount": amount,
            "accuracy": float(np.mean([right for right, _ in pairs])),
            "quality": float(np.median([quality for _, quality in pairs])),
            "uncertain": float(np.mean([quality < limit for _, quality in pairs])),
        }
        for (kind, amount), pairs in seen.items()
    ]


def _found(images: NDArray[np.uint8], rows: NDArray[np.intp]) -> Iterator[tuple[int, GrayImage, Box]]:
    """Yield each face that the default detector finds where it was pasted: its row, the frame, its box."""
    detector = create_detector(EdgeConfig())
    for row in rows:
        scene = scenes.pasted([images[row]], SIZE, [SIDE], seed=int(row))
        for face in detector.detect(scene.image):
            if overlap(face.box, scene.boxes[0]) > 0.3:
                yield int(row), to_gray(scene.image), face.box
                break


def _noisy(view: View, noise: np.random.Generator) -> View:
    gray = np.clip(view.gray + noise.normal(0, NOISE, view.gray.shape), 0, 255).astype(np.uint8)
    return View(view.kind, view.amount, gray, view.box)


def main() -> int:
    """Run the command: print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.face_quality", description=__doc__)
    parser.add_argument("--faces", type=int, default=400)
    arguments = parser.parse_args()
    classifier = EmotionClassifier(EdgeConfig().model_path, scores="label")  # FER-2013's labels are the truth here
    sys.stdout.write(to_markdown(measure(arguments.faces, classifier)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
