"""A drawn stand-in for FER-2013: 48x48 faces whose mouth and brows tell the class, in every layout people have."""

import csv
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS
from train.data import VOTE_COLUMNS, Dataset
from train.pixel_table import NUMBERS

MOUTH_CURVE = dict(zip(LABELS, (-8, -4, -1, 9, 0, -11, 3), strict=True))
MOUTH_OPEN = dict(zip(LABELS, (1, 2, 6, 3, 1, 1, 11), strict=True))
BROW_SLOPE = dict(zip(LABELS, (5, 3, -4, 0, 0, -6, -2), strict=True))


def draw_face(label: str, generator: np.random.Generator) -> NDArray[np.uint8]:
    """A face (48, 48) of a class, moved, lit and noisy at random."""
    image = np.full((48, 48), generator.integers(20, 90), np.uint8)
    x, y = generator.integers(22, 27, 2)
    skin = int(generator.integers(140, 220))
    cv2.ellipse(image, (int(x), int(y)), (17, 21), 0, 0, 360, skin, -1)
    for side in (-7, 7):
        cv2.circle(image, (int(x + side), int(y - 5)), 2, 20, -1)
        slope = BROW_SLOPE[label] * (1 if side < 0 else -1)
        cv2.line(
            image, (int(x + side - 4), int(y - 11 - slope // 2)), (int(x + side + 4), int(y - 11 + slope // 2)), 30, 2
        )
    curve = np.array(
        [(x + t, y + 11 - MOUTH_CURVE[label] * (t / 9) ** 2 + MOUTH_CURVE[label] / 2) for t in range(-9, 10)]
    )
    cv2.polylines(image, [curve.astype(np.int32)], False, 40, 1 + MOUTH_OPEN[label] // 2)
    noisy = image + generator.normal(0, 6, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def members(per_class: dict[str, int], seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Path in the Kaggle layout to image; `per_class` is usage to the number of images a class."""
    generator = np.random.default_rng(seed)
    return {
        f"{'train' if split == 'Training' else 'test'}/{label}/{split}_{index}.png": draw_face(label, generator)
        for split, count in per_class.items()
        for label in LABELS
        for index in range(count)
    }


SMALL = {"Training": 10, "PublicTest": 3, "PrivateTest": 3}


def with_votes(dataset: Dataset) -> Dataset:
    """The data set with ten votes per image: seven for its label, three for the class after it."""
    votes = np.zeros((len(dataset), len(VOTE_COLUMNS)), np.float32)
    rows = np.arange(len(dataset))
    votes[rows, dataset.labels], votes[rows, (dataset.labels + 1) % len(LABELS)] = 7, 3
    return replace(dataset, votes=votes)


def write_votes(path: Path, dataset: Dataset) -> Path:
    """The votes of `with_votes` as FER+'s csv with paths."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *VOTE_COLUMNS])
        for name, votes in zip(dataset.names, with_votes(dataset).votes, strict=True):
            writer.writerow([name, *votes.astype(int)])
    return path


def write_folder(root: Path, per_class: dict[str, int] | None = None) -> Path:
    """The Kaggle folder."""
    for name, image in members(per_class or SMALL).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), image)
    return root


def write_zip(path: Path, per_class: dict[str, int] | None = None) -> Path:
    """The Kaggle zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in members(per_class or SMALL).items():
            archive.writestr(name, cv2.imencode(".png", image)[1].tobytes())
    return path


def write_csv(path: Path, per_class: dict[str, int] | None = None) -> Path:
    """The original challenge's csv."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for name, image in members(per_class or SMALL).items():
            _, label, file_name = name.split("/")
            writer.writerow([NUMBERS.index(label), " ".join(map(str, image.ravel())), file_name.split("_")[0]])
    return path


def write_images(root: Path, files: dict[str, str | None], size: tuple[int, int] = (48, 48)) -> Path:
    """Color images of a size (width, height): path to the class that is drawn; bytes that are no image for None."""
    generator = np.random.default_rng(1)
    for name, label in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"no image")
        if label and Path(name).suffix != ".txt":
            face = cv2.cvtColor(cv2.resize(draw_face(label, generator), size), cv2.COLOR_GRAY2BGR)
            (root / name).write_bytes(cv2.imencode(Path(name).suffix.lower(), face)[1].tobytes())
    return root
