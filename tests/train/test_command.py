"""`python -m train` as a user runs it: a smoke run, an interruption, and mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.errors import DataError
from edge.model_info import LABELS, read_model_info
from tests.train import synthetic
from tests.train.test_architectures import converts_and_runs
from train.__main__ import main
from train.config import TrainConfig
from train.data import load_fer2013
from train.targets import heads_of
from train.training import read_data, settle, split_for_selection

ENOUGH = {"Training": 24, "PublicTest": 4, "PrivateTest": 4}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "train", *options]


def train(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*options), capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real data set where it is, else a drawn one."""
    real = os.environ.get("FER2013")
    return real or _drawn(tmp_path_factory.mktemp("data"))


def _drawn(folder: Path) -> str:
    data = synthetic.write_zip(folder / "fer2013.zip", ENOUGH)
    synthetic.write_votes(folder / "ferplus.csv", load_fer2013(data))
    return str(data)


def test_a_smoke_run_leaves_everything_that_it_promises(data: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ended = train("--data", data, "--epochs", "1", "--limit", "600", "--out", str(run))
    assert ended.returncode == 0, ended.stderr
    assert "images belonging to 7 classes (Training)" in ended.stdout
    names = {"model.keras", "report.json", "report.md", "history.json", "curves.png", "samples.png",
             "samples_augmented.png", "confusion_people_PublicTest.png", "confusion_label_PrivateTest.png",
             "reliability.png"}  # fmt: skip
    assert names <= {file.name for file in run.iterdir()}
    report = json.loads((run / "report.json").read_text())
    info = read_model_info(run / "model.keras")
    assert info.labels == LABELS
    assert [head.name for head in info.heads] == ["people", "label"] == list(report["scores"])
    for head in info.heads:
        for truth, by_split in head.accuracy.items():
            for split, share in by_split.items():
                assert share == pytest.approx(report["scores"][head.name][truth][split]["accuracy"], abs=1e-6)
    assert "people" in (run / "report.md").read_text()
    assert not list(run.glob("*part*"))
    converts_and_runs(run / "model.keras", synthetic.write_folder(tmp_path / "fer"))


def test_a_killed_run_without_votes_resumes(tmp_path: Path) -> None:
    folder = str(synthetic.write_folder(tmp_path / "fer", ENOUGH))
    options = ["--data", folder, "--epochs", "2", "--batch-size", "8", "--out", str(tmp_path / "r")]
    process = subprocess.Popen(command(*options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "r" / "checkpoint" / "state.json"
    end_s = time.monotonic() + 200
    while not state.is_file() and time.monotonic() < end_s and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert state.is_file()
    done = len(json.loads(state.read_text())["history"])
    assert done == 1
    ended = train(*options, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads((tmp_path / "r" / "history.json").read_text())) == 2
    assert "the label head only" in ended.stdout
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["targets"].startswith("label: FER-2013 labels")
    assert [head.name for head in read_model_info(tmp_path / "r" / "model.keras").heads] == ["label"]


def test_the_heads_are_those_that_were_asked_for_and_that_the_data_can_train(tmp_path: Path) -> None:
    folder = synthetic.write_folder(tmp_path / "fer")
    with pytest.raises(DataError, match="--heads both"):
        read_data(TrainConfig(data=str(folder), heads="both"))
    synthetic.write_votes(tmp_path / "ferplus.csv", load_fer2013(folder))
    assert heads_of(read_data(TrainConfig(data=str(folder)))) == ("people", "label")
    assert heads_of(read_data(TrainConfig(data=str(folder), heads="label"))) == ("label",)


def test_votes_of_others_in_the_parent_folder_are_an_error_only_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = str(synthetic.write_images(tmp_path / "my_faces", {"happy/1.png": "happy", "sad/2.png": "sad"}))
    votes = str(synthetic.write_votes(tmp_path / "ferplus.csv", load_fer2013(synthetic.write_folder(tmp_path / "fer"))))
    assert heads_of(read_data(TrainConfig(data=mine))) == ("label",)
    assert capsys.readouterr().out.splitlines() == [
        "No FER+ votes beside the data or in --ferplus: training the label head only",
        "Found 2 images belonging to 2 classes (Training)",
        f"Left out 1 (votes that do not fit these images): {votes}",
    ]
    with pytest.raises(DataError, match=r"ferplus\.csv\. Received: votes of others"):
        read_data(TrainConfig(data=mine, ferplus=votes))
    with pytest.raises(DataError, match="--heads both"):
        read_data(TrainConfig(data=mine, heads="both"))


@pytest.mark.parametrize(
    ("asked", "public", "settled", "reported"),
    [
        ("auto", 2, "PublicTest", "PublicTest"),
        ("auto", 0, "split", "20% of Training"),
        ("split", 2, "split", "20% of Training"),
    ],
)
def test_what_picks_the_epoch_is_what_the_report_says(
    asked: str, public: int, settled: str, reported: str, tmp_path: Path
) -> None:
    dataset = load_fer2013(synthetic.write_folder(tmp_path, {"Training": 10, "PublicTest": public, "PrivateTest": 2}))
    config = settle(TrainConfig(select_on=asked, select_share=0.2), dataset)
    training, validation = split_for_selection(dataset, config)
    assert (config.select_on, config.validation_split) == (settled, reported)
    assert set(validation.splits) == {"PublicTest" if settled == "PublicTest" else "Training"}
    assert not set(training.names) & set(validation.names)


def test_public_test_that_was_asked_for_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    dataset = load_fer2013(synthetic.write_folder(tmp_path, {"Training": 2, "PrivateTest": 2}))
    with pytest.raises(DataError, match=r"--select-on split.* Received: images of PrivateTest, Training"):
        settle(TrainConfig(select_on="PublicTest"), dataset)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--data", "/nowhere"], 1, "Received: /nowhere"),
        (["--arch", "vgg99"], 2, "vgg99"),
        (["--epochs", "0"], 2, "epochs"),
        (["--resume", "--out", "/tmp/no-such-run"], 1, "--resume"),
        (["--init", "/nowhere.keras"], 2, "/nowhere.keras"),
        (["--average-init"], 2, "--init"),
        (["--weights", "/nowhere.h5", "--arch", "mobilenetv3"], 2, "/nowhere.h5"),
    ],
)
def test_a_mistake_is_one_line(
    options: list[str],
    code: int,
    says: str,
    data: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *([] if "--data" in options else ["--data", data]), *options])
    assert exit_code() == code
    said = capfd.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def exit_code() -> int:
    """That of the command in this process, which has loaded Keras already."""
    try:
        return main()
    except SystemExit as ended:
        return int(ended.code or 0)


def test_a_mistake_is_one_line_for_a_user_too() -> None:
    ended = train("--data", "/nowhere")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "Received: /nowhere" in ended.stderr
