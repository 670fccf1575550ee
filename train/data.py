"""FER-2013 as people have it: the Kaggle folder, the Kaggle zip, or the original fer2013.csv.

An image's split is the original challenge's usage, from its file name (`PublicTest_123.jpg`) or
from the csv's Usage column. Everything is read into memory once (83 MB); nothing is unpacked to disk.
"""

import csv
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import DataError
from edge.model_info import LABELS

SIZE = (48, 48)
SPLITS = ("Training", "PublicTest", "PrivateTest")
CSV_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""fer2013.csv's own order of classes, which is not ours."""
VOTE_COLUMNS = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "contempt",
    "unknown",
    "NF",
)
"""FER+'s columns: those of LABELS in our order, then contempt, unknown and not a face."""
WHERE_TO_GET_IT = (
    "get the zip from kaggle.com/datasets/msambare/fer2013 "
    "and give its path with --data, in FER2013, or put it in data/"
)
IMAGE = re.compile(r"\.(jpe?g|png|bmp)$", re.IGNORECASE)


@dataclass(frozen=True)
class Dataset:
    """Images with their labels; a split is a Dataset too."""

    images: NDArray[np.uint8]
    """(n, 48, 48)."""
    labels: NDArray[np.int64]
    """(n,), indices into LABELS."""
    splits: NDArray[np.str_]
    """(n,), each of SPLITS, or `Test` where only the folder says so."""
    names: NDArray[np.str_]
    """(n,), the path inside the data set, or `row 123` of a csv."""
    votes: NDArray[np.float32] | None = None
    """(n, 10), FER+ votes in the order of VOTE_COLUMNS; a row of zeros where there are none."""

    def __len__(self) -> int:
        return len(self.images)

    def split(self, *splits: str) -> "Dataset":
        """The images of these splits, in order."""
        return self.take(np.flatnonzero(np.isin(self.splits, splits)))

    def take(self, indices: NDArray[np.int64]) -> "Dataset":
        """The images at these indices."""
        votes = None if self.votes is None else self.votes[indices]
        return Dataset(self.images[indices], self.labels[indices], self.splits[indices], self.names[indices], votes)

    def test(self) -> "Dataset":
        """Everything that is not for training: PublicTest and PrivateTest."""
        return self.take(np.flatnonzero(self.splits != "Training"))


def find_data(path: str | os.PathLike[str] | None = None) -> Path:
    """Where FER-2013 is: `path`, else the variable FER2013, else data/."""
    wanted = Path(path or os.environ.get("FER2013") or "data")
    for candidate in (
        wanted,
        wanted / "fer2013.zip",
        wanted / "fer2013.csv",
        wanted / "fer2013",
        wanted / "archive.zip",
    ):
        if candidate.is_file() or (candidate / "train").is_dir():
            return candidate
    raise DataError(
        f"Expected FER-2013 (a folder with train/ and test/, a zip, or fer2013.csv): {WHERE_TO_GET_IT}. "
        f"Received: {wanted}"
    )


def load_fer2013(path: str | os.PathLike[str] | None = None, ferplus: str | os.PathLike[str] | None = None) -> Dataset:
    """Read FER-2013, and FER+ votes if `ferplus` names their csv.

    Raises:
        DataError: nothing there, or damaged; the message says where it looked.
    """
    found = find_data(path)
    if found.is_dir():
        dataset = _from_images(found, _folder_members(found))
    elif zipfile.is_zipfile(found):
        dataset = _from_zip(found)
    elif found.suffix == ".csv":
        dataset = _from_csv(found, found.read_text())
    else:
        raise DataError(f"Expected a folder, a zip or a csv: {WHERE_TO_GET_IT}. Received: {found}")
    return with_votes(dataset, ferplus) if ferplus else dataset


def votes_beside(data: Path) -> str | None:
    """The csv with FER+ votes that lies beside the data, if one does."""
    for name in ("ferplus.csv", "fer2013new.csv"):
        if (data.parent / name).is_file():
            return str(data.parent / name)
    return None


def describe(dataset: Dataset) -> str:
    """A line per split: 'Found 28709 images belonging to 7 classes (Training)'."""
    splits = sorted(set(dataset.splits), key=lambda split: (*SPLITS, split).index(split))
    return "\n".join(
        f"Found {len(part)} images belonging to {len(set(part.labels))} classes ({split})"
        for split in splits
        if len(part := dataset.split(split))
    )


def with_votes(dataset: Dataset, ferplus: str | os.PathLike[str]) -> Dataset:
    """The data set with FER+ votes, joined by the csv's `path` column.

    The original fer2013new.csv has none: its rows are those of fer2013.csv, and of nothing else.
    """
    try:
        with Path(ferplus).open(newline="") as file:
            rows = list(csv.DictReader(file))
        votes = np.array([_votes_of(row) for row in rows], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"Expected FER+ votes in a csv with columns {list(VOTE_COLUMNS[: len(LABELS)])} at {ferplus}. "
            f"Received: {error}"
        ) from error
    if rows and "path" in rows[0]:
        by_name = {row["path"]: vote for row, vote in zip(rows, votes, strict=True)}
        nothing = np.zeros(len(VOTE_COLUMNS), np.float32)
        joined = np.array([by_name.get(str(name), nothing) for name in dataset.names])
    elif _are_rows_of(dataset, rows):
        joined = votes
    else:
        raise DataError(
            f"Expected a `path` column in {ferplus}, or fer2013.csv in --data, whose rows and Usage it repeats "
            f"(--labels fer2013 trains without votes). Received: {len(rows)} rows without them"
        )
    if not joined.any():
        raise DataError(f"Expected votes of this data set's images in {ferplus}. Received: votes of others")
    return replace(dataset, votes=joined)


def _votes_of(row: dict[str, str]) -> list[float]:
    """The counts of VOTE_COLUMNS; those behind our classes may be missing."""
    known = [float(row[column] or 0) for column in VOTE_COLUMNS[: len(LABELS)]]
    return known + [float(row.get(column) or 0) for column in VOTE_COLUMNS[len(LABELS) :]]


def _are_rows_of(dataset: Dataset, rows: list[dict[str, str]]) -> bool:
    """Whether the data set came from a csv in whose order `rows` are; images of a folder or zip are in another."""
    splits = [(row.get("Usage") or "").strip() for row in rows]
    return str(dataset.names[0]).startswith("row ") and splits == dataset.splits.tolist()


def find_duplicates(dataset: Dataset, limit: float = 4.0) -> NDArray[np.bool_]:
    """Which test images also stand in Training: (len(dataset.test()),).

    Two images are the same when their mean absolute difference is below `limit` grey levels.
    Candidates come from 8x8 thumbnails by a matrix product; only they are compared pixel by pixel.
    """
    train, test = dataset.split("Training"), dataset.test()
    train_small, test_small = _thumbnails(train.images), _thumbnails(test.images)
    train_squares = (train_small**2).sum(1)
    duplicate = np.zeros(len(test), bool)
    for start in range(0, len(test), 512):
        rows = test_small[start : start + 512]
        squares = (rows**2).sum(1)[:, None] + train_squares - 2 * rows @ train_small.T
        for row, column in np.argwhere(squares < rows.shape[1] * (3 * limit) ** 2):
            if not duplicate[start + row]:
                difference = cv2.absdiff(test.images[start + row], train.images[column])
                duplicate[start + row] = difference.mean() < limit
    return duplicate


def stratified_split(labels: NDArray[np.int64], share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the rest and of a `share` of every class, shuffled by `seed`."""
    generator = np.random.default_rng(seed)
    held: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        held.append(members[: max(1, round(share * len(members)))])
    held_out = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def limit(dataset: Dataset, count: int, seed: int) -> Dataset:
    """At most `count` images, drawn by `seed`, each split and class keeping its share."""
    if count >= len(dataset):
        return dataset
    groups = np.unique(
        [f"{split} {label}" for split, label in zip(dataset.splits, dataset.labels, strict=True)], return_inverse=True
    )[1]
    _, kept = stratified_split(groups, count / len(dataset), seed)
    return dataset.take(kept)


def _thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = images.reshape(len(images), 8, 6, 8, 6).mean((2, 4), dtype=np.float32)
    return blocks.reshape(len(images), 64)


def _folder_members(root: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for file in sorted(root.rglob("*")):
        if IMAGE.search(file.name):
            yield file.relative_to(root).as_posix(), file.read_bytes


def _from_zip(path: Path) -> Dataset:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
            if tables := [name for name in names if PurePosixPath(name).name in ("fer2013.csv", "icml_face_data.csv")]:
                return _from_csv(path, archive.read(tables[0]).decode())
            images = [name for name in names if IMAGE.search(name)]
            return _from_images(path, ((name, partial(archive.read, name)) for name in images))
    except (zipfile.BadZipFile, EOFError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"Expected a whole FER-2013 zip; {WHERE_TO_GET_IT}. Received: {path}, {error}") from error


def _from_images(source: Path, members: Iterable[tuple[str, Callable[[], bytes]]]) -> Dataset:
    images, labels, splits, names = [], [], [], []
    for name, read in members:
        folders = PurePosixPath(name).parts
        if len(folders) < 3 or folders[-2] not in LABELS:
            continue
        images.append(_decode(read(), f"{name} of {source}"))
        labels.append(LABELS.index(folders[-2]))
        splits.append(_split_of(folders))
        names.append("/".join(folders[-3:]))
    return _dataset(source, images, labels, splits, names)


def _split_of(folders: tuple[str, ...]) -> str:
    stem = folders[-1].split("_")[0]
    if stem in SPLITS:
        return stem
    return "Training" if folders[-3] == "train" else "Test"


def _decode(data: bytes, what: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None or image.shape != SIZE:
        raise DataError(
            f"Expected a {SIZE[0]}x{SIZE[1]} image: {what}. Received: {'no image' if image is None else image.shape}"
        )
    return image  # type: ignore[return-value]


def _from_csv(source: Path, text: str) -> Dataset:
    images, labels, splits, names = [], [], [], []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text))):
            if number == 0:
                columns = [name.strip().lower() for name in row]
                emotion, pixels, split = (columns.index(name) for name in ("emotion", "pixels", "usage"))
                continue
            images.append(np.array(row[pixels].split(), np.uint8).reshape(SIZE))
            labels.append(LABELS.index(CSV_LABELS[int(row[emotion])]))
            splits.append(row[split].strip())
            names.append(f"row {number}")
    except (ValueError, IndexError, UnboundLocalError, csv.Error) as error:
        raise DataError(
            f"Expected columns emotion, pixels (2304 numbers) and Usage in {source}. "
            f"Received at row {len(images) + 1}: {error}"
        ) from error
    return _dataset(source, images, labels, splits, names)


def _dataset(
    source: Path, images: list[NDArray[np.uint8]], labels: list[int], splits: list[str], names: list[str]
) -> Dataset:
    if not images or "Training" not in splits:
        raise DataError(
            f"Expected train/<class>/ and test/<class>/ images or csv rows; {WHERE_TO_GET_IT}. "
            f"Received: {len(images)} images, none for training, in {source}"
        )
    return Dataset(np.stack(images), np.array(labels, np.int64), np.array(splits), np.array(names))
