"""The contract inside each model file: labels, input size, pixel range and more, so that nothing has to be guessed.

`model_info.json` (and `labels.txt`, which other TFLite tools read) are members of a zip: appended to
a `.tflite`, which stays valid, and inside a `.keras`, which is a zip already. Training writes the
contract, conversion copies it, the runtime reads it. Standard library only.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from edge.emotions import EMOTIONS
from edge.errors import ModelError
from edge.files import replacing

LABELS = tuple(EMOTIONS)
"""FER-2013's classes, in the order of the network's outputs."""

PEOPLE, LABEL = "people", "label"
"""The output heads of our networks: how ten people would vote, and FER-2013's own label."""
MEANINGS = {
    PEOPLE: "the share of people who would say so (FER+: ten people voted on each image)",
    LABEL: "the probability that FER-2013's annotator, one person, wrote so",
}
"""What a score means, by head."""
INFO_MEMBER = "model_info.json"
LABELS_MEMBER = "labels.txt"
SCHEMA = 2
"""Version of the contract; files of version 1, which have one head, are read too."""
INTERPOLATIONS = ("area", "linear", "cubic")
CHANNELS = {"gray": 1, "rgb": 3}
"""The color modes of a network's input, and their number of channels."""


@dataclass(frozen=True)
class Head:
    """One set of scores that the network gives: a softmax over `labels`."""

    name: str = LABEL
    """The name of the output in the file's signature; in a file with one head the output may have another name."""
    labels: tuple[str, ...] = LABELS
    """The classes, in the order of the output."""
    trained_on: str = ""
    """What the head was trained on, in words."""
    accuracy: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """This file's accuracy, by what counts as right (such as `FER+ majority`) and by split."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ModelError(f"Expected a name for each head. Received: {self.name!r}")
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise ModelError(f"Expected two or more different labels. Received: {self.labels!r}")

    @property
    def meaning(self) -> str:
        """What a score of this head means."""
        return MEANINGS.get(self.name, f"the probability by what it learned: {self.trained_on or 'unknown'}")

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Head":
        """Make a head from what `dataclasses.asdict` gives."""
        return cls(**{**data, "labels": tuple(str(label) for label in data["labels"])})


@dataclass(frozen=True)
class ModelInfo:
    """What a program must know to feed a network and to read its output.

    Pixels are uint8 in [0, 255]; scaling is inside the graph. Scale and zero point are not here:
    the interpreter knows them.
    """

    name: str
    heads: tuple[Head, ...] = (Head(),)
    """The output heads; the first decides the label."""
    input_size: tuple[int, int] = (48, 48)
    """(width, height)."""
    color: str = "gray"
    """`gray`, or `rgb` for a network that sees colors, red first."""
    crop_margin: float = 0.0
    """What is added to a face box before the crop: the sum of both margins, as a share of the box's side."""
    interpolation: str = "area"
    dataset: str = "FER-2013"
    variant: str = "keras"
    """`keras`, or the kind of TFLite file: `float32`, `float16`, `dynamic`, `int8`, `int16x8`."""
    keras_sha256: str = ""
    """`network_sha256` of the Keras file: the same in it and in every file converted from it."""
    conversion: Mapping[str, Any] = field(default_factory=dict)
    """How the file was converted, and what that cost: calibration, agreement with Keras by head, hash of the graph."""
    versions: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ModelError(f"Expected contract schema {SCHEMA}. Received: {self.schema!r}")
        names = [head.name for head in self.heads]
        if not names or len(set(names)) != len(names):
            raise ModelError(f"Expected one or more heads with different names. Received: {names}")
        if len(self.input_size) != 2 or min(self.input_size) < 1:
            raise ModelError(f"Expected input_size (width, height). Received: {self.input_size!r}")
        if self.color not in CHANNELS:
            raise ModelError(f"Expected color of {tuple(CHANNELS)}. Received: {self.color!r}")
        if self.interpolation not in INTERPOLATIONS:
            raise ModelError(f"Expected interpolation of {INTERPOLATIONS}. Received: {self.interpolation!r}")
        if not -0.5 < self.crop_margin < 2:
            raise ModelError(f"Expected crop_margin in (-0.5, 2). Received: {self.crop_margin!r}")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of one face: (height, width, channels)."""
        width, height = self.input_size
        return height, width, CHANNELS[self.color]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the first head, which decides the label."""
        return self.heads[0].labels

    def head(self, name: str) -> Head:
        """The head with this name; if the file has one head only, that one, whatever its name.

        Raises:
            ModelError: the file has several heads, but none with this name.
        """
        if len(self.heads) == 1:
            return self.heads[0]
        for head in self.heads:
            if head.name == name:
                return head
        raise ModelError(f"Expected a head of {[head.name for head in self.heads]}. Received: {name!r}")

    def to_json(self) -> str:
        """The contract as JSON with sorted keys: the same contract gives the same bytes."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelInfo":
        """Read a contract from `to_json`'s text; ModelError if a part is missing, unknown or of another type."""
        try:
            data = _of_today(json.loads(text))
            known = {f.name for f in fields(cls)}
            if unknown := set(data) - known:
                raise ModelError(f"Expected contract fields {sorted(known)}. Received: {sorted(unknown)}")
            data["heads"] = tuple(Head.from_plain(head) for head in data["heads"])
            data["input_size"] = tuple(int(side) for side in data["input_size"])
            return cls(**data)
        except ModelError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"Expected a model contract in JSON. Received: {error}") from error


def _of_today(data: dict[str, Any]) -> dict[str, Any]:
    """Convert a contract of version 1, which had one head, to the current version; leave others as they are."""
    if data.get("schema") != 1:
        return data
    head = {"name": LABEL, "labels": data.pop("labels"), "accuracy": {"label": data.pop("accuracy", {})}}
    head["trained_on"] = data.pop("training_labels", "")
    return {**data, "heads": [head], "schema": SCHEMA}


def read_model_info(path: str | os.PathLike[str]) -> ModelInfo:
    """Read the contract inside a `.tflite` or `.keras` file (under a millisecond)."""
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"Expected a model file at {path}. Received: {_what_is_at(path)}")
    try:
        with zipfile.ZipFile(path) as members:
            info = ModelInfo.from_json(members.read(INFO_MEMBER))
            labels = tuple(members.read(LABELS_MEMBER).decode().split("\n"))
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, NotImplementedError) as error:
        raise ModelError(
            f"Expected a model contract ({INFO_MEMBER}) inside {path}, as "
            f"'python -m train' and 'python -m convert' write it. "
            f"Received: {error}"
        ) from error
    if tuple(label for label in labels if label) != info.labels:
        raise ModelError(f"Expected {LABELS_MEMBER} of {path} to equal its contract {info.labels}. Received: {labels}")
    return info


def write_model_info(path: str | os.PathLike[str], info: ModelInfo) -> None:
    """Append the contract to the model file at `path`, which is replaced whole or not at all; see `with_model_info`."""
    path = Path(path)
    try:
        content = with_model_info(path.read_bytes(), info)
    except ModelError as error:
        raise ModelError(f"{error}: {path}") from error
    with replacing(path) as part:
        part.write_bytes(content)


def with_model_info(content: bytes, info: ModelInfo) -> bytes:
    """A model file's bytes with its contract appended; the same input gives the same bytes.

    The file must not have a contract yet: a zip member can't be replaced in place.
    """
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as members:
        if INFO_MEMBER in members.namelist():
            raise ModelError("Expected a model file without a contract. Received: one that has it")
        _write_member(members, LABELS_MEMBER, "\n".join(info.labels) + "\n")
        _write_member(members, INFO_MEMBER, info.to_json())
    return file.getvalue()


def network_sha256(path: str | os.PathLike[str]) -> str:
    """The hash of the network in a `.keras` file: of its configuration and weights, not of the contract beside them."""
    with zipfile.ZipFile(path) as members:
        return hashlib.sha256(members.read("config.json") + members.read("model.weights.h5")).hexdigest()


def _write_member(members: zipfile.ZipFile, name: str, text: str) -> None:
    members.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), text)  # a fixed date: same bytes


def _what_is_at(path: Path) -> str:
    return "a directory" if path.is_dir() else "nothing there"
