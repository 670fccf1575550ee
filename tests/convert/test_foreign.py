"""Networks that this project did not make: from a file to `edge.run` by documented commands, or one line why not."""

import json
import logging
from pathlib import Path

import pytest

from convert.foreign import declare
from convert.inspect import inspect_file
from edge.errors import ConfigError
from edge.model_info import LABELS, read_model_info
from tests.convert.foreign_networks import COMMANDS, SEVEN
from tests.convert.workshop import convert_here
from tests.processes import ROOT, run_python
from tests.train.synthetic import write_images

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    made = run_python(str(ROOT / "tests/convert/foreign_networks.py"), str(folder), timeout_s=900)
    assert made.returncode == 0, made.stderr
    write_images(folder / "faces", {f"{label}/{i}.png": label for label in LABELS for i in range(6)}, (96, 96))
    return folder


def command(folder: Path, name: str, *options: str) -> list[object]:
    samples = ["--samples-from", folder / "faces", "--samples", 30]
    gates = ["--min-agreement", 0, "--max-drop", 100]  # the networks are untrained
    return [folder / name, *options, *samples, *gates, "--int8", "--out", folder / "out"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_network_of_another_project_runs_on_the_edge(
    networks: Path, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FER2013", str(networks / "nowhere"))
    caplog.set_level(logging.INFO)
    labels, form, *more = COMMANDS[name]
    assert convert_here(*command(networks, name, "--labels", labels, "--input", form, *more)) == 0
    assert ("ends in logits" in caplog.text) == (name == "old.h5")
    file = networks / "out" / f"{Path(name).stem}_int8.tflite"
    info = read_model_info(file)
    assert info.labels == tuple(labels.split(","))
    assert info.color == form[: len(info.color)]
    assert inspect_file(file).passed
    run = run_python(
        "-m", "edge.run", "--headless", "--source", "demo", "--max-frames", "2", "--model", str(file), timeout_s=300
    )
    assert run.returncode == 0, run.stderr
    faces = [face for line in run.stdout.splitlines() for face in json.loads(line)["faces"]]
    assert len(faces) == 2
    assert all(list(face["scores"]) == labels.split(",") for face in faces)
    assert all(sum(face["scores"].values()) == pytest.approx(1, abs=0.02) for face in faces)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("sequential.keras", [], "give --labels and --input"),
        ("sequential.keras", ["--labels", "happy,sad", "--input", "gray48"], "each of the 2 labels happy, sad"),
        ("sequential.keras", ["--labels", SEVEN, "--input", "rgb48"], "(48, 48, 3)"),
        ("sequential.keras", ["--labels", SEVEN, "--input", "gray64"], "(64, 64, 1)"),
        ("faces", ["--labels", SEVEN, "--input", "gray48"], "saved_model.pb"),
        ("nowhere.h5", ["--labels", SEVEN, "--input", "gray48"], "nothing there"),
    ],
)
def test_what_can_not_be_is_one_line(
    networks: Path, name: str, options: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert convert_here(*command(networks, name, *options)) == 1
    said = capfd.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize(
    ("labels", "form", "says"),
    [
        ("happy", "gray48", "--labels"),
        ("happy,happy", "gray48", "--labels"),
        ("nowhere.txt", "gray48", "--labels"),
        ("happy,sad", "grey48", "--input"),
        ("happy,sad", "gray", "--input"),
        ("happy,sad", "gray4", "--input"),
        ("happy,sad", "rgb48x5000", "--input"),
    ],
)
def test_wrong_words_are_refused(labels: str, form: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        declare(labels, form, "bytes")


def test_labels_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("happy\n\nvery sad\n")
    declared = declare(str(tmp_path / "labels.txt"), "rgb96x112", "unit")
    assert declared.labels == ("happy", "very sad")
    assert (declared.color, declared.size) == ("rgb", (96, 112))
