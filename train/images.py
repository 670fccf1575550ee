"""Finds the images in folders and zips with a sub-folder for each class, in these forms:

    FER-2013          train/happy/Training_123.jpg, test/happy/PublicTest_7.jpg
    your own images   happy/IMG_1.JPG, Neutral/monday/2.png, 03-sadness/x.webp
    RAF-DB            Image/aligned/train_00001_aligned.jpg and EmoLabel/list_patition_label.txt
    AffectNet         folders 0 to 7, or training.csv with the photographs' paths and faces

Nothing is dropped silently: each image that is left out has a reason (`Found.reason`).
"""

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge.errors import DataError
from edge.photos import IMAGE_SUFFIXES
from edge.results import Box
from train.class_names import AFFECTNET, OTHER_CLASSES, RAF_DB, class_of, number_scheme

IGNORED = frozenset({".csv", ".txt", ".json", ".md", ".db", ".ini", ".xml", ".yaml", ".yml", ".html", ".pdf", ".zip"})
"""Suffixes of other files that often lie beside images."""
SPLITS = {
    "training": "Training",
    "train": "Training",
    "publictest": "PublicTest",
    "validation": "PublicTest",
    "valid": "PublicTest",
    "val": "PublicTest",
    "privatetest": "PrivateTest",
    "test": "Test",
    "testing": "Test",
}
"""Usual names of the splits in folders, file names and csv files; validation images choose the best epoch."""
RAF_LIST = re.compile(r"list_.*label\.txt$")
AFFECTNET_COLUMNS = ("subDirectory_filePath", "expression")

Member = tuple[str, Callable[[], bytes]]
"""A path inside the data set, and how to read it."""


@dataclass(frozen=True)
class Found:
    """An image of a data set."""

    name: str
    label: str
    """One of LABELS; if there is a `reason`, it may be another class or empty."""
    split: str
    read: Callable[[], bytes]
    reason: str = ""
    """Why the image can't be used, judged by its name and folder; empty if it can."""
    box: Box | None = None
    """The box of the face, if a list gives it."""


def folder_members(root: Path) -> Iterator[Member]:
    """Every file below a folder, sorted; links are followed, hidden files are left out."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__"))) if real not in seen else []
        seen.add(real)
        for name in sorted(files):
            path = Path(folder) / name
            if not name.startswith("."):
                yield path.relative_to(root).as_posix(), path.read_bytes


def find_images(members: Sequence[Member]) -> list[Found]:
    """Find the images of a folder or zip, by its list file if it has one, else by the folders' names."""
    images = [member for member in members if _suffix(member[0]) in IMAGE_SUFFIXES]
    for name, read in members:
        if RAF_LIST.search(PurePosixPath(name).name):
            return _by_raf_list(name, read(), images)
    if tables := [(name, rows) for name, read in members if (rows := _affectnet_rows(name, read))]:
        return [found for name, rows in tables for found in _by_affectnet(name, rows, images)]
    return _by_folders(members)


def usage_of(word: str) -> str | None:
    """The split that a word means, in upper or lower case; None if it means none."""
    return SPLITS.get(re.sub(r"[^a-z]", "", word.lower()))


def _by_folders(members: Sequence[Member]) -> list[Found]:
    paths = [PurePosixPath(name) for name, _ in members]
    images = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    scheme = number_scheme({path.parent.name for path in images}, [path.name for path in images])
    kept = [(path, read) for path, (_, read) in zip(paths, members, strict=True) if _counts(path)]
    return [_in_folder(path, read, scheme) for path, read in kept]


def _counts(path: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__")) and part != ".." for part in path.parts)
    return not hidden and path.suffix.lower() not in IGNORED and bool(path.suffix)


def _in_folder(path: PurePosixPath, read: Callable[[], bytes], scheme: tuple[str, ...] | None) -> Found:
    label, reason = _label_of(path, scheme)
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        reason = f"a {path.suffix.lower()} file, none of {', '.join(sorted(IMAGE_SUFFIXES))}"
    return Found(_name(path), label, _split_of(path), read, reason)


def _label_of(path: PurePosixPath, scheme: tuple[str, ...] | None) -> tuple[str, str]:
    """The class of the nearest folder that is named like one, and the reason if it can't be used."""
    for folder in reversed(path.parent.parts):
        name = scheme[int(folder)] if scheme and folder.isdecimal() else class_of(folder)
        if name:
            return name, _not_ours(name)
    folder = path.parent.name or "."
    if folder.isdecimal():
        return "", f"folder {folder}: numbers count in more than one way; name the folders (angry, happy, ...)"
    return "", f"folder {folder} is not named like a class"


def _split_of(path: PurePosixPath) -> str:
    """The split: by the file's name as in FER-2013, else by the outermost folder named like a split."""
    if (stem := path.name.split("_")[0]) in ("Training", "PublicTest", "PrivateTest"):
        return stem
    return next((split for part in path.parent.parts if (split := usage_of(part))), "Training")


def _name(path: PurePosixPath) -> str:
    """The name in FER+ votes for FER-2013's images, as in `train/happy/Training_1.jpg`; else the whole path."""
    last = path.parts[-3:]
    return "/".join(last) if len(last) == 3 and usage_of(last[0]) else path.as_posix()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _by_raf_list(list_name: str, content: bytes, images: Sequence[Member]) -> list[Found]:
    """RAF-DB: a line `train_00001.jpg 5` for each image; its aligned face is preferred to the photograph."""
    by_stem = {PurePosixPath(name).stem: (name, read) for name, read in images}
    found = []
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        file, _, label = line.strip().rpartition(" ")
        if not file:
            continue
        stem = PurePosixPath(file.strip()).stem
        name, read = by_stem.get(stem + "_aligned") or by_stem.get(stem) or (file, None)
        if not (label.isdecimal() and 1 <= int(label) < len(RAF_DB)):
            raise DataError(f"Expected `train_00001.jpg 5` in {list_name}, line {number}. Received: {line.strip()!r}")
        split = "Training" if stem.startswith("train") else "Test"
        found.append(Found(name, RAF_DB[int(label)], split, read or bytes, _not_there(list_name, read)))
    return found


def _affectnet_rows(name: str, read: Callable[[], bytes]) -> list[dict[str, str]]:
    if _suffix(name) != ".csv":
        return []
    rows = list(csv.DictReader(io.StringIO(read().decode("utf-8-sig", "replace"))))
    return rows if rows and set(AFFECTNET_COLUMNS) <= set(rows[0]) else []


def _by_affectnet(table: str, rows: Sequence[dict[str, str]], images: Sequence[Member]) -> list[Found]:
    """AffectNet: a row for each photograph, with its path, the box of the face and the number of the expression."""
    by_path = {"/".join(PurePosixPath(name).parts[-2:]): (name, read) for name, read in images}
    split = "PublicTest" if "val" in PurePosixPath(table).name.lower() else "Training"
    found = []
    for number, row in enumerate(rows, 1):
        path = row["subDirectory_filePath"].strip()
        name, read = by_path.get("/".join(PurePosixPath(path).parts[-2:])) or (path, None)
        try:
            label, box = dict(enumerate(AFFECTNET))[int(row["expression"])], _box(row)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"Expected AffectNet's columns in {table}, row {number}. Received: {error}") from error
        reason = _not_there(table, read) or _not_ours(label)
        found.append(Found(name, label, split, read or bytes, reason, box))
    return found


def _not_there(table: str, read: object) -> str:
    return "" if read else f"named by {PurePosixPath(table).name} and not there"


def _not_ours(label: str) -> str:
    return f"class {label}, which the networks here do not have" if label in OTHER_CLASSES else ""


def _box(row: dict[str, str]) -> Box | None:
    sides = [row.get(f"face_{side}") or "" for side in ("x", "y", "width", "height")]
    return Box(*(int(float(side)) for side in sides)) if all(sides) else None
