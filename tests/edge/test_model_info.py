"""The contract inside a model file: what it refuses, that it comes back whole, and that the file stays one."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ModelError
from edge.model_info import (
    INFO_MEMBER,
    LABEL,
    LABELS,
    LABELS_MEMBER,
    PEOPLE,
    Head,
    ModelInfo,
    read_model_info,
    write_model_info,
)

PEOPLE_HEAD = Head(PEOPLE, trained_on="votes", accuracy={"FER+ majority": {"PrivateTest": 0.8}})
INFO = ModelInfo("test", heads=(PEOPLE_HEAD, Head(LABEL)), crop_margin=0.1, conversion={"samples": 500})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that has no contract yet."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(100))
    return path


def changed(**fields: Any) -> str:
    """A contract's JSON with other fields; None takes one out."""
    data = json.loads(INFO.to_json()) | fields
    return json.dumps({name: value for name, value in data.items() if value is not None})


def test_a_contract_comes_back_from_its_json_and_from_a_file(model: Path) -> None:
    before = model.read_bytes()
    assert ModelInfo.from_json(INFO.to_json()) == INFO
    write_model_info(model, INFO)
    assert read_model_info(model) == INFO
    assert model.read_bytes().startswith(before), "the model itself stays as it was"
    with zipfile.ZipFile(model) as members:
        assert members.read(LABELS_MEMBER).decode().split() == list(LABELS)


def test_the_same_contract_makes_the_same_bytes(model: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.tflite"
    twin.write_bytes(model.read_bytes())
    for path in (model, twin):
        write_model_info(path, INFO)
    assert model.read_bytes() == twin.read_bytes()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("schema", 3, "contract schema 2"),
        ("heads", [], "one or more heads"),
        ("heads", [{"name": "a", "labels": LABELS}, {"name": "a", "labels": LABELS}], "heads with different names"),
        ("heads", [{"name": "", "labels": LABELS}], "a name for each head"),
        ("heads", [{"name": "a", "labels": ["happy"]}], "two or more different labels"),
        ("heads", [{"name": "a", "labels": ["happy", "happy"]}], "two or more different labels"),
        ("heads", [{"name": "a", "labels": LABELS, "votes": 10}], "contract in JSON"),
        ("input_size", [48], "input_size"),
        ("input_size", [48, 0], "input_size"),
        ("color", "cmyk", "color"),
        ("interpolation", "nearest", "interpolation"),
        ("crop_margin", -0.5, "crop_margin"),
        ("crop_margin", 2, "crop_margin"),
        ("crop_margin", "wide", "contract in JSON"),
        ("colour", "gray", r"contract fields .* Received: \['colour'\]"),
        ("name", None, "contract in JSON"),
        ("heads", None, "contract in JSON"),
    ],
)
def test_a_contract_that_is_wrong_is_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelInfo.from_json(changed(**{field: value}))


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"', "null"])
def test_what_is_no_contract_is_a_model_error(text: str) -> None:
    with pytest.raises(ModelError):
        ModelInfo.from_json(text)


def test_a_file_keeps_its_first_contract_and_no_half_one(model: Path) -> None:
    write_model_info(model, INFO)
    whole = model.read_bytes()
    with pytest.raises(ModelError, match=r"without a contract.*model\.tflite"):
        write_model_info(model, ModelInfo("other"))
    assert model.read_bytes() == whole
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_a_file_without_a_contract_says_who_writes_one(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"python -m convert.*Received: File is not a zip file"):
        read_model_info(model)
    with pytest.raises(ModelError, match="Received: nothing there"):
        read_model_info(tmp_path / "missing.tflite")
    with pytest.raises(ModelError, match="Received: a directory"):
        read_model_info(tmp_path)


def test_labels_that_contradict_the_contract_are_refused(model: Path) -> None:
    with zipfile.ZipFile(model, "a") as members:
        members.writestr(INFO_MEMBER, INFO.to_json())
        members.writestr(LABELS_MEMBER, "\n".join(reversed(LABELS)))
    with pytest.raises(ModelError, match="to equal its contract"):
        read_model_info(model)


def test_a_head_is_found_by_its_name_and_a_single_one_by_any() -> None:
    assert INFO.head(LABEL).name == LABEL
    assert ModelInfo("one").head("people") == Head()
    with pytest.raises(ModelError, match="Received: 'votes'"):
        INFO.head("votes")
