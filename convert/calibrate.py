"""The images of a conversion: which ones measure the ranges, and which ones prove the result.

Ranges are measured on training images, or on a folder of the user's, alone. The proof is on FER-2013's test images,
else on those that did not calibrate, else on those that did.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from convert.config import ConvertConfig
from edge.errors import DataError
from edge.model_info import ModelInfo
from edge.preprocess import resize_face
from edge.results import FaceInput
from train.data import Dataset, find_data, load_fer2013, votes_beside
from train.evaluate import HEAD_TRUTHS, Truth, truths
from train.votes import NOBODY

_IMAGE = re.compile(r"\.(jpe?g|png|bmp)$", re.IGNORECASE)
CALIBRATION = "calibration"
"""The split's name when the proof is on the calibration set."""
REST = "rest"
"""The split's name when the proof is on the images that did not calibrate."""
UNKNOWN = NOBODY
"""The label of an image whose folder is not named like a label."""
FOLDER_NAME = "folder name"
"""What counts as right for images of the user."""


@dataclass(frozen=True)
class Images:
    """Faces with their labels and the split of each."""

    faces: FaceInput
    """(n, height, width, 1)."""
    labels: NDArray[np.int64]
    """(n,), UNKNOWN where nobody said."""
    splits: NDArray[np.str_]
    """(n,), such as PublicTest."""
    names: tuple[str, ...]
    truths: Mapping[str, Truth] = field(default_factory=dict)
    """What counts as right, by its name."""

    def __len__(self) -> int:
        return len(self.faces)

    def take(self, indices: NDArray[np.int64]) -> "Images":
        """The images at these indices."""
        names = tuple(self.names[index] for index in indices)
        truths = {name: truth.take(indices) for name, truth in self.truths.items()}
        return Images(self.faces[indices], self.labels[indices], self.splits[indices], names, truths)

    def truths_of(self, head: str) -> dict[str, Truth]:
        """What counts as right for a head, the truth that its loss of accuracy is measured by first."""
        wanted = (FOLDER_NAME, *(HEAD_TRUTHS.get(head, ())))
        return {name: self.truths[name] for name in wanted if name in self.truths}


@dataclass(frozen=True)
class ConversionData:
    """What a conversion looks at."""

    available: Images
    """All images that may calibrate."""
    calibration: Images
    proof: Images
    source: str
    """`FER-2013 Training`, or the user's folder."""
    indices: tuple[int, ...]
    """Which images of the source calibrate."""


def load_conversion_data(config: ConvertConfig, info: ModelInfo) -> ConversionData:
    """The calibration set, class-balanced and drawn by the seed, and the images of the proof.

    Raises:
        DataError: there are no images to be had.
    """
    dataset = _find_fer2013(config)
    if config.samples_from is not None:
        available, source = _read_folder(config.samples_from, info), "images of the user"
    else:
        assert dataset is not None
        available, source = _images(dataset.split("Training"), info), f"{info.dataset} Training"
    indices = choose_balanced(available.labels, config.samples, config.seed)
    calibration = reach_full_range(available.take(indices))
    if dataset is not None and len(test := dataset.test()):
        proof = _images(test, info)
    else:
        proof = _without_test_images(available, calibration, indices)
    return ConversionData(available, calibration, proof, source, tuple(indices.tolist()))


def _find_fer2013(config: ConvertConfig) -> Dataset | None:
    """FER-2013; None if nobody named it and the user's images can stand in for it."""
    try:
        find_data(config.data)
    except DataError as error:
        if config.samples_from is None:
            wanted = str(error).removeprefix("Expected ")
            raise DataError(f"Expected a folder of face images in --samples-from, or {wanted}") from error
        if config.data is not None:
            raise
        return None
    return load_fer2013(config.data, votes_beside(find_data(config.data)))


def _without_test_images(available: Images, calibration: Images, indices: NDArray[np.int64]) -> Images:
    """What a proof looks at then: the images that did not calibrate, or, if all did, those that did."""
    rest = available.take(np.setdiff1d(np.arange(len(available)), indices))
    proof, split = (rest, REST) if len(rest) else (calibration, CALIBRATION)
    return replace(proof, splits=np.full(len(proof), split))


def choose_balanced(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Sorted indices of `count` images, each class with the same number as far as it has them."""
    generator = np.random.default_rng(seed)
    queues = [list(generator.permutation(np.flatnonzero(labels == label))) for label in np.unique(labels)]
    chosen: list[int] = []
    while len(chosen) < min(count, len(labels)):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop()))
    return np.sort(np.array(chosen, np.int64))


def reach_full_range(images: Images) -> Images:
    """The images with a pixel of 0 and one of 255 in the first, unless they have them already.

    Only so is the input's scale exactly 1 and its zero point 0: camera bytes go straight in.
    """
    faces = images.faces.copy()
    if faces.min() > 0:
        faces[0].flat[int(faces[0].argmin())] = 0
    if faces.max() < 255:
        faces[0].flat[int(faces[0].argmax())] = 255
    return replace(images, faces=faces)


def _images(dataset: Dataset, info: ModelInfo) -> Images:
    faces = [resize_face(image, info) for image in dataset.images]
    width, height = info.input_size
    stacked = np.stack(faces) if faces else np.empty((0, height, width, 1), np.uint8)
    return Images(stacked, dataset.labels, dataset.splits, tuple(dataset.names), truths(dataset))


def _read_folder(folder: Path, info: ModelInfo) -> Images:
    files = sorted(file for file in folder.rglob("*") if _IMAGE.search(file.name))
    if not files:
        raise DataError(f"Expected face images (jpg, png, bmp) below {folder}. Received: none")
    faces = [resize_face(_read_gray(file), info) for file in files]
    known = [info.labels.index(f.parent.name) if f.parent.name in info.labels else UNKNOWN for f in files]
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    labels = np.array(known, np.int64)
    shares = np.eye(len(info.labels), dtype=np.float32)[labels] * (labels != UNKNOWN)[:, np.newaxis]
    truth = {FOLDER_NAME: Truth(labels, shares)}
    return Images(np.stack(faces), labels, np.array([folder.name] * len(files)), names, truth)


def _read_gray(file: Path) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE) if file.stat().st_size else None
    if image is None:
        raise DataError(f"Expected an image at {file}. Received: {file.stat().st_size} bytes that are none")
    return image  # type: ignore[return-value]
