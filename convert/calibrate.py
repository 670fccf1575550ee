"""The images of a conversion: some measure the ranges of activations (calibration), others check the result (proof).

Ranges are measured only on training images, or on the user's folder. The proof uses FER-2013's test images, else the
images that were not used for calibration, else the calibration images themselves.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.config import CALIBRATED, ConvertConfig
from edge.errors import DataError
from edge.model_info import LABELS, ModelInfo
from edge.photos import IMAGE_SUFFIXES
from edge.preprocess import resize_face
from edge.results import FaceInput
from train.class_names import class_of
from train.data import BESIDE, DAMAGED, Dataset, find_data, load_fer2013
from train.evaluate import HEAD_TRUTHS, OWN_LABEL, Truth, truths
from train.face_images import FaceReader, UnusableError
from train.images import folder_members
from train.votes import NOBODY

log = logging.getLogger(__name__)
CALIBRATION = "calibration"
"""The split's name if the proof uses the calibration images."""
REST = "rest"
"""The split's name if the proof uses the images that were not used for calibration."""
UNKNOWN = NOBODY
"""The label of an image if its folder is not named like a label."""
FOLDER_NAME = "folder name"
"""The name of what counts as right for the user's images."""
LEAST, FEW = 20, 100
"""The least number of different faces to measure ranges with, and the number below which a proof is called weak."""


@dataclass(frozen=True)
class Images:
    """Faces with their labels and the split of each."""

    faces: FaceInput
    """(n, height, width, channels)."""
    labels: NDArray[np.int64]
    """(n,), UNKNOWN if no label is known."""
    splits: NDArray[np.str_]
    """(n,), names such as PublicTest."""
    names: tuple[str, ...]
    truths: Mapping[str, Truth] = field(default_factory=dict)
    """What counts as right, by name."""

    def __len__(self) -> int:
        return len(self.faces)

    def take(self, indices: NDArray[np.int64]) -> "Images":
        """The images at these indices."""
        names = tuple(self.names[index] for index in indices)
        truths = {name: truth.take(indices) for name, truth in self.truths.items()}
        return Images(self.faces[indices], self.labels[indices], self.splits[indices], names, truths)

    def truths_of(self, head: str) -> dict[str, Truth]:
        """What counts as right for a head; the first is used to measure the loss of accuracy."""
        wanted = (FOLDER_NAME, *(HEAD_TRUTHS.get(head, (OWN_LABEL,))))
        return {name: self.truths[name] for name in wanted if name in self.truths}


@dataclass(frozen=True)
class ConversionData:
    """The images that a conversion uses."""

    available: Images
    """All images that may be used for calibration."""
    calibration: Images
    proof: Images
    source: str
    """`FER-2013 Training`, or the user's folder."""
    indices: tuple[int, ...]
    """Indices of the calibration images in the source."""


def load_conversion_data(config: ConvertConfig, info: ModelInfo) -> ConversionData:
    """Load the calibration images, class-balanced and drawn by the seed, and the images of the proof.

    Raises:
        DataError: there are no images.
    """
    dataset = _find_fer2013(config)
    if config.samples_from is not None:
        available, source = _read_folder(config.samples_from, info, config.crop), "images of the user"
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
    """FER-2013; None if it is not given, and the user's images can replace it."""
    try:
        find_data(config.data)
    except DataError as error:
        if config.samples_from is None:
            wanted = str(error).removeprefix("Expected ")
            raise DataError(f"Expected a folder of face images in --samples-from, or {wanted}") from error
        if config.data is not None:
            raise
        return None
    return load_fer2013(config.data, BESIDE)


def _without_test_images(available: Images, calibration: Images, indices: NDArray[np.int64]) -> Images:
    """The images for a proof without test images: those not used for calibration, or all if none are left."""
    rest = available.take(np.setdiff1d(np.arange(len(available)), indices))
    proof, split = (rest, REST) if len(rest) else (calibration, CALIBRATION)
    return replace(proof, splits=np.full(len(proof), split))


def choose_balanced(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Sorted indices of `count` images, with the same number of each class as far as possible."""
    generator = np.random.default_rng(seed)
    queues = [list(generator.permutation(np.flatnonzero(labels == label))) for label in np.unique(labels)]
    chosen: list[int] = []
    while len(chosen) < min(count, len(labels)):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop()))
    return np.sort(np.array(chosen, np.int64))


def reach_full_range(images: Images) -> Images:
    """Make sure that the images contain a pixel of 0 and one of 255; if not, the first image gets them.

    Only then the input's scale is exactly 1 and its zero point 0, so that camera bytes are the input.
    """
    faces = images.faces.copy()
    if faces.min() > 0:
        faces[0].flat[int(faces[0].argmin())] = 0
    if faces.max() < 255:
        faces[0].flat[int(faces[0].argmax())] = 255
    return replace(images, faces=faces)


def check_numbers(data: ConversionData, config: ConvertConfig) -> list[str]:
    """Warnings about too few images, one line each.

    Raises:
        DataError: too few different faces to measure the ranges of an integer variant.
    """
    calibrate, prove = count_different(data.calibration.faces), count_different(data.proof.faces)
    if calibrate < LEAST and set(config.variants) & set(CALIBRATED):
        raise DataError(
            f"Expected at least {LEAST} different face images to calibrate, better {FEW} and more: FER-2013 in --data, "
            f"or more in --samples-from. Received: {calibrate}"
        )
    lines = []
    if calibrate < FEW and set(config.variants) & set(CALIBRATED):
        lines.append(f"Warning: ranges are measured on only {calibrate} different images; {FEW} and more are better")
    if prove < FEW:
        lines.append(f"Warning: the proof rests on only {prove} different images; {FEW} and more are better")
    return lines


def count_different(faces: FaceInput) -> int:
    """The number of different faces; those of a single gray do not count."""
    return len({face.tobytes() for face in faces if np.ptp(face)})


def _images(dataset: Dataset, info: ModelInfo) -> Images:
    faces = [resize_face(image, info) for image in dataset.images]
    stacked = np.stack(faces) if faces else np.empty((0, *info.input_shape), np.uint8)
    if info.labels == LABELS:
        return Images(stacked, dataset.labels, dataset.splits, tuple(dataset.names), truths(dataset))
    known = [LABELS[label] for label in dataset.labels]
    labels = np.array([_index(name, info) for name in known], np.int64)
    return Images(stacked, labels, dataset.splits, tuple(dataset.names), {OWN_LABEL: _truth(labels, info)})


def _index(name: str, info: ModelInfo) -> int:
    """A class's index among the network's labels, by its name or a synonym; UNKNOWN if it is not there."""
    if name in info.labels:
        return info.labels.index(name)
    meanings = [class_of(label) for label in info.labels]
    return meanings.index(class_of(name)) if class_of(name) in meanings and class_of(name) else UNKNOWN


def _truth(labels: NDArray[np.int64], info: ModelInfo) -> Truth:
    shares = np.eye(len(info.labels), dtype=np.float32)[labels] * (labels != UNKNOWN)[:, np.newaxis]
    return Truth(labels, shares)


def _read_folder(folder: Path, info: ModelInfo, crop: bool) -> Images:
    """Read the images below a folder; files that are not images are logged and left out."""
    reader, faces, names = FaceReader(crop, info), [], []
    for name, read in folder_members(folder):
        if Path(name).suffix.lower() in IMAGE_SUFFIXES:
            try:
                faces.append(reader.face(read()))
                names.append(name)
            except (UnusableError, *DAMAGED) as error:
                log.warning("Left out %s: %s", name, error)
    if not faces:
        raise DataError(f"Expected face images ({', '.join(sorted(IMAGE_SUFFIXES))}) below {folder}. Received: none")
    labels = np.array([_folder_label(Path(name), info) for name in names], np.int64)
    truth = {FOLDER_NAME: _truth(labels, info)}
    return Images(np.stack(faces), labels, np.array([folder.name] * len(faces)), tuple(names), truth)


def _folder_label(name: Path, info: ModelInfo) -> int:
    """The label from the nearest folder that is named like one."""
    found = (index for folder in reversed(name.parent.parts) if (index := _index(folder, info)) != UNKNOWN)
    return next(found, UNKNOWN)
