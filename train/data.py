"""Loads the images to train on: FER-2013 in its usual forms, other data sets, or folders of your own.

An image's split comes from its file name (`PublicTest_123.jpg`), from a folder named like a split, or from the csv's
Usage column; a folder without splits is for training. Everything is read into memory once (83 MB), and nothing is
unpacked to disk. Images that can't be used are counted and named (`left_out`).
"""

import csv
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import DataError
from edge.model_info import LABELS
from edge.photos import IMAGE_SUFFIXES
from train.face_images import FaceReader, UnusableError
from train.images import Found, Member, find_images, folder_members
from train.pixel_table import TABLES, Row, decode, is_table, read_rows, read_text

SPLITS = ("Training", "PublicTest", "PrivateTest")
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
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, cv2.error)
"""Errors of reading or decoding a damaged image; RuntimeError means that a zip has a password."""
Location = str | os.PathLike[str]
BESIDE = "beside"
"""Instead of a csv with FER+ votes: those beside the data, except what does not fit these images."""
MISFIT = "votes that do not fit these images"
"""The reason to leave out a csv."""
NAMED = 3
"""How many of the images left out are named for each reason."""


class MisfitError(DataError):
    """A csv with votes does not fit the images."""


@dataclass(frozen=True)
class Dataset:
    """Images with their labels; a part of a data set is a Dataset too."""

    images: NDArray[np.uint8]
    """(n, 48, 48)."""
    labels: NDArray[np.int64]
    """(n,), indices into LABELS."""
    splits: NDArray[np.str_]
    """(n,), each one of SPLITS, or `Test` if only a folder's name says so."""
    names: NDArray[np.str_]
    """(n,), the path inside the data set, or `row 123` of a csv."""
    votes: NDArray[np.float32] | None = None
    """(n, 10), FER+ votes in the order of VOTE_COLUMNS; zeros for images without votes."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the images, and of csvs with votes, that could not be used, by reason."""

    def __len__(self) -> int:
        return len(self.images)

    def split(self, *splits: str) -> "Dataset":
        """The images of these splits, in order."""
        return self.take(np.flatnonzero(np.isin(self.splits, splits)))

    def take(self, indices: NDArray[np.int64]) -> "Dataset":
        """The images at these indices."""
        votes = None if self.votes is None else self.votes[indices]
        return replace(
            self,
            images=self.images[indices],
            labels=self.labels[indices],
            splits=self.splits[indices],
            names=self.names[indices],
            votes=votes,
        )

    def test(self) -> "Dataset":
        """All images that are not for training: PublicTest and PrivateTest."""
        return self.take(np.flatnonzero(self.splits != "Training"))


def find_data(path: str | os.PathLike[str] | None = None) -> Path:
    """Find the data: at `path`, else where the variable FER2013 says, else in data/."""
    wanted = Path(path or os.environ.get("FER2013") or "data")
    names = ("fer2013.zip", "fer2013.csv", "fer2013", "archive.zip", "fer2013.csv.gz", "fer2013.tar.gz")
    for candidate in (wanted, *(wanted / name for name in names)):
        if candidate.is_file() or (candidate / "train").is_dir():
            return candidate
    if _holds_images(wanted):
        return wanted
    raise DataError(
        f"Expected FER-2013 (a folder with train/ and test/, a zip, or fer2013.csv): {WHERE_TO_GET_IT}; or a folder "
        f"with a sub-folder of images for each class ({', '.join(LABELS)}). Received: {wanted}"
    )


def load_fer2013(
    path: Location | Sequence[Location] | None = None,
    ferplus: str | os.PathLike[str] | None = None,
    crop: bool = False,
) -> Dataset:
    """Read FER-2013 or other images, from one place or several, and FER+ votes if `ferplus` names their csv.

    Args:
        path: a folder, zip or csv, or several of them; None: see `find_data`.
        ferplus: a csv with votes for the images of one of these places, or BESIDE.
        crop: find the face in images that are whole photographs.

    Raises:
        DataError: there is nothing, or it is damaged; the message says where it looked.
    """
    paths = [path] if path is None or isinstance(path, str | os.PathLike) else path
    reader, places = FaceReader(crop), [find_data(one) for one in paths or [None]]
    parts = [_load(place, reader) for place in places]
    if ferplus == BESIDE:
        parts = _with_votes_beside(parts, places)
    elif ferplus:
        parts = _with_votes_of_one(parts, ferplus)
    return _together(parts)


def votes_beside(data: Path) -> str | None:
    """The csv with FER+ votes beside the data; None if there is none."""
    for name in ("ferplus.csv", "fer2013new.csv"):
        if (data.parent / name).is_file():
            return str(data.parent / name)
    return None


def describe(dataset: Dataset) -> str:
    """A line per split ('Found 28709 images belonging to 7 classes (Training)'), and per reason to leave images out."""
    splits = sorted(set(dataset.splits), key=lambda split: (*SPLITS, split).index(split))
    found = [
        f"Found {len(part)} images belonging to {len(set(part.labels))} classes ({split})"
        for split in splits
        if len(part := dataset.split(split))
    ]
    return "\n".join([*found, *(_left_out_line(reason, names) for reason, names in dataset.left_out.items())])


def with_votes(dataset: Dataset, ferplus: str | os.PathLike[str]) -> Dataset:
    """Add FER+ votes to the data set, joined by the csv's `path` column.

    The original fer2013new.csv has no such column: its rows match only those of fer2013.csv.

    Raises:
        MisfitError: the votes are of other images.
        DataError: the csv can't be read.
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
        raise MisfitError(
            f"Expected a `path` column in {ferplus}, or fer2013.csv in --data, whose rows and Usage it repeats "
            f"(python -m train --heads label needs no votes). Received: {len(rows)} rows without them"
        )
    if not joined.any():
        raise MisfitError(f"Expected votes of this data set's images in {ferplus}. Received: votes of others")
    return replace(dataset, votes=joined)


def _votes_of(row: dict[str, str]) -> list[float]:
    """The counts of VOTE_COLUMNS; the columns after our classes may be missing."""
    known = [float(row[column] or 0) for column in VOTE_COLUMNS[: len(LABELS)]]
    return known + [float(row.get(column) or 0) for column in VOTE_COLUMNS[len(LABELS) :]]


def _are_rows_of(dataset: Dataset, rows: list[dict[str, str]]) -> bool:
    """Whether the data set comes from a csv with its rows in the order of `rows`; folders and zips are not."""
    splits = [(row.get("Usage") or "").strip() for row in rows]
    return str(dataset.names[0]).startswith("row ") and splits == dataset.splits.tolist()


def stratified_split(
    labels: NDArray[np.int64], share: float, seed: int, keep: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split off a `share` of every class, drawn by `seed`: the indices of the rest and of the share.

    A class gives at least one, but keeps at least `keep`.
    """
    generator = np.random.default_rng(seed)
    held: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        held.append(members[: min(max(1, round(share * len(members))), len(members) - keep)])
    held_out = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def limit(dataset: Dataset, count: int, seed: int) -> Dataset:
    """At most `count` images, drawn by `seed`, with the same share of each split and class."""
    if count >= len(dataset):
        return dataset
    groups = np.unique(
        [f"{split} {label}" for split, label in zip(dataset.splits, dataset.labels, strict=True)], return_inverse=True
    )[1]
    _, kept = stratified_split(groups, count / len(dataset), seed)
    return dataset.take(kept)


def _holds_images(folder: Path) -> bool:
    return folder.is_dir() and any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name, _ in folder_members(folder))


def _left_out_line(reason: str, names: tuple[str, ...]) -> str:
    shown = ", ".join(name.encode("utf-8", "backslashreplace").decode() for name in names[:NAMED])
    return f"Left out {len(names)} ({reason}): {shown}{', ...' if len(names) > NAMED else ''}"


def _load(path: Path, reader: FaceReader) -> Dataset:
    if path.is_dir():
        return _from_images(path, list(folder_members(path)), reader)
    if zipfile.is_zipfile(path):
        return _from_zip(path, reader)
    if is_table(path):
        return _from_rows(path, read_rows(read_text(path), path), reader)
    raise DataError(f"Expected a folder, a zip or a csv: {WHERE_TO_GET_IT}. Received: {path}")


def _from_zip(path: Path, reader: FaceReader) -> Dataset:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if not name.endswith("/"))
            if tables := [name for name in names if PurePosixPath(name).name in TABLES]:
                return _from_rows(path, read_rows(decode(archive.read(tables[0]), path), path), reader)
            return _from_images(path, [(name, partial(archive.read, name)) for name in names], reader)
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise DataError(f"Expected a whole FER-2013 zip; {WHERE_TO_GET_IT}. Received: {path}, {error}") from error


class _Collector:
    """Collects images one by one, and the reasons why others are left out."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self.rows: list[tuple[int, str, str]] = []
        self.left_out: dict[str, list[str]] = {}

    def add(self, image: NDArray[np.uint8], label: str, split: str, name: str) -> None:
        self.images.append(image)
        self.rows.append((LABELS.index(label), split, name))

    def leave_out(self, name: str, reason: str) -> None:
        self.left_out.setdefault(reason, []).append(name)

    def dataset(self, source: Path) -> Dataset:
        reasons = {reason: tuple(names) for reason, names in self.left_out.items()}
        if "Training" not in (split for _, split, _ in self.rows):
            lines = [f"{len(self.images)} images, none for training, in {source}"]
            lines += [_left_out_line(reason, names) for reason, names in reasons.items()]
            raise DataError(
                f"Expected train/<class>/ and test/<class>/ images or csv rows, or a folder for each class "
                f"({', '.join(LABELS)}); {WHERE_TO_GET_IT}. Received: {'; '.join(lines)}"
            )
        labels, splits, names = zip(*self.rows, strict=True)
        images = np.stack(self.images)
        return Dataset(images, np.array(labels, np.int64), np.array(splits), np.array(names), left_out=reasons)


def _from_images(source: Path, members: Sequence[Member], reader: FaceReader) -> Dataset:
    collector = _Collector()
    for found in find_images(members):
        try:
            collector.add(_face(found, reader), found.label, found.split, found.name)
        except UnusableError as error:
            collector.leave_out(found.name, str(error))
    return collector.dataset(source)


def _face(found: Found, reader: FaceReader) -> NDArray[np.uint8]:
    if found.reason:
        raise UnusableError(found.reason)
    try:
        return reader.face(found.read(), found.box)[:, :, 0]
    except DAMAGED as error:
        raise UnusableError("can't be read") from error


def _from_rows(source: Path, rows: Iterable[Row], reader: FaceReader) -> Dataset:
    collector = _Collector()
    for row in rows:
        if row.label in LABELS:
            collector.add(reader.fit(row.image)[:, :, 0], row.label, row.split, f"row {row.number}")
        else:
            collector.leave_out(f"row {row.number}", f"class {row.label}, which the networks here do not have")
    return collector.dataset(source)


def _with_votes_of_one(parts: Sequence[Dataset], ferplus: Location) -> list[Dataset]:
    """Add to each part without votes those that belong to it; MisfitError if the csv has votes for none of them."""
    voted, errors = list(parts), []
    for index, part in enumerate(parts):
        try:
            voted[index] = with_votes(part, ferplus) if part.votes is None else part
        except MisfitError as error:
            errors.append(error)
    if errors and len(errors) == sum(part.votes is None for part in parts):
        raise errors[0]
    return voted


def _with_votes_beside(parts: list[Dataset], places: Sequence[Path]) -> list[Dataset]:
    """Add to each part the votes that belong to it, of those beside the places; a csv that fits none is left out."""
    others = []
    for file in dict.fromkeys(file for place in places if (file := votes_beside(place))):
        try:
            parts = _with_votes_of_one(parts, file)
        except MisfitError:
            others.append(file)
    left_out = {**parts[0].left_out, MISFIT: tuple(others)} if others else parts[0].left_out
    return [replace(parts[0], left_out=left_out), *parts[1:]]


def _together(parts: Sequence[Dataset]) -> Dataset:
    """Join several data sets; if some have votes, images without votes get zeros."""
    if len(parts) == 1:
        return parts[0]
    left_out: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for reason, names in part.left_out.items():
            left_out[reason] = left_out.get(reason, ()) + names
    width = next((part.votes.shape[1] for part in parts if part.votes is not None), 0)
    zeros = [np.zeros((len(part), width), np.float32) if part.votes is None else part.votes for part in parts]
    return Dataset(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.splits for part in parts]),
        np.concatenate([part.names for part in parts]),
        np.concatenate(zeros) if width else None,
        left_out,
    )
