"""The conversion's parts that need no TensorFlow: choosing images, metrics, the gate, reading and writing files."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert import verify
from convert.calibrate import UNKNOWN, Images, choose_balanced, load_conversion_data, reach_full_range
from convert.config import ConvertConfig
from convert.losses import Losses, accuracies, measure_losses
from convert.probe import Probed
from convert.report import proved_on
from convert.tflite_file import read_tflite
from convert.verify import GateError, GraphSummary, Proof, check_gate, prove
from convert.write import write_all
from edge.errors import ConfigError, DataError, ModelError
from edge.model_info import LABELS, ModelInfo
from tests.convert.networks import write_dataset
from tests.processes import ROOT, run_python
from train.evaluate import OWN_LABEL, Truth

INFO = ModelInfo("test")
HEAD = INFO.heads[0]


def make_images(labels: list[int], splits: list[str] | None = None, low: int = 10, high: int = 200) -> Images:
    faces = np.random.default_rng(0).integers(low, high, (len(labels), 48, 48, 1)).astype(np.uint8)
    names = tuple(str(index) for index in range(len(labels)))
    shares = np.eye(7, dtype=np.float32)[labels] * (np.array(labels) != UNKNOWN)[:, None]
    truths = {OWN_LABEL: Truth(np.array(labels), shares)}
    return Images(faces, np.array(labels), np.array(splits or ["Test"] * len(labels)), names, truths)


def one_hot(labels: list[int], confidence: float = 1.0) -> np.ndarray:  # type: ignore[type-arg]
    rows = np.full((len(labels), 7), (1 - confidence) / 6, np.float32)
    rows[np.arange(len(labels)), labels] = confidence
    return rows


def test_calibration_is_class_balanced_as_far_as_classes_go() -> None:
    labels = np.array([0] * 500 + [1] * 30 + [2] * 500)
    chosen = choose_balanced(labels, 230, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [100, 30, 100]
    assert len(set(chosen.tolist())) == 230


def test_calibration_is_drawn_by_the_seed() -> None:
    labels = np.arange(700) % 7
    assert np.array_equal(choose_balanced(labels, 70, 1), choose_balanced(labels, 70, 1))
    assert not np.array_equal(choose_balanced(labels, 70, 1), choose_balanced(labels, 70, 2))


def test_calibration_reaches_0_and_255_and_leaves_the_given_images_alone() -> None:
    images = make_images([0, 1])
    faces = reach_full_range(images).faces
    assert (faces.min(), faces.max()) == (0, 255)
    assert (faces != images.faces).sum() == 2
    assert images.faces.max() < 255


def test_no_test_image_calibrates(tmp_path: Path) -> None:
    config = ConvertConfig(Path("model.keras"), data=write_dataset(tmp_path), samples=100)
    data = load_conversion_data(config, INFO)
    assert set(data.calibration.splits) == {"Training"}
    assert all("train/" in name for name in data.calibration.names)
    assert set(data.proof.splits) == {"PublicTest", "PrivateTest"}
    assert len(data.indices) == 100


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without FER-2013."""
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("nowhere")
def test_images_of_the_user_are_resized_and_labelled_by_folder(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy" / "a.png"), np.full((96, 80, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "b.jpg"), np.full((30, 30), 90, np.uint8))
    data = load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=tmp_path), INFO)
    assert data.calibration.faces.shape == (2, 48, 48, 1)
    assert sorted(data.calibration.labels.tolist()) == [UNKNOWN, LABELS.index("happy")]


def test_with_images_of_the_user_the_proof_is_still_on_the_test_images(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    config = ConvertConfig(Path("m.keras"), data=dataset, samples_from=dataset / "train", samples=30)
    data = load_conversion_data(config, INFO)
    assert (data.source, proved_on(data)) == ("images of the user", "70 test images")
    assert set(data.proof.splits) == {"PublicTest", "PrivateTest"}


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("samples", "split", "says"),
    [(30, "rest", "the 40 images that did not calibrate"), (70, "calibration", "the 70 calibration images")],
)
def test_without_test_images_the_proof_is_on_those_that_did_not_calibrate_if_any(
    tmp_path: Path, samples: int, split: str, says: str
) -> None:
    folder = write_dataset(tmp_path) / "test"
    data = load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=folder, samples=samples), INFO)
    assert set(data.proof.splits) == {split}
    assert set(data.proof.names).isdisjoint(data.calibration.names) == (split == "rest")
    assert proved_on(data).startswith(says)


@pytest.mark.usefixtures("nowhere")
def test_missing_images_say_both_ways_to_give_some() -> None:
    with pytest.raises(DataError, match=r"--samples-from, or FER-2013 .*--data.* Received: .*nowhere$"):
        load_conversion_data(ConvertConfig(Path("m.keras")), INFO)


def test_fer2013_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    config = ConvertConfig(Path("m.keras"), data=tmp_path / "mistyped", samples_from=write_dataset(tmp_path))
    with pytest.raises(DataError, match=r"Received: .*mistyped$"):
        load_conversion_data(config, INFO)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_folder_without_images_or_with_a_broken_one_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "broken.jpg").write_bytes(content)
    with pytest.raises(DataError, match="Received: "):
        load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=tmp_path), INFO)


@pytest.mark.parametrize(
    "options", [{"samples": 0}, {"variants": ()}, {"variants": ("int4",)}, {"sparsity": 1.0}, {"max_drop": -1.0}]
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="Received: "):
        ConvertConfig(Path("model.keras"), **options)  # type: ignore[arg-type]


def test_losses_of_a_file_that_flips_one_label_of_four() -> None:
    images = make_images([0, 0, 1, 2], ["PublicTest", "PublicTest", "PrivateTest", "PrivateTest"])
    keras, file = one_hot([0, 0, 1, 1], 0.7), one_hot([0, 1, 1, 1], 0.7)
    losses = measure_losses(keras, file, images, HEAD)
    assert losses.accuracy == {OWN_LABEL: {"PrivateTest": 0.5, "PublicTest": 0.5, "all test": 0.5}}
    assert losses.keras_accuracy[OWN_LABEL]["all test"] == 0.75
    assert losses.drop_points == 25
    assert losses.drop_interval is not None
    assert losses.drop_interval[0] < 0 < losses.drop_interval[1]  # four images prove nothing
    assert losses.agreement == 0.75
    assert losses.flips == {label: int(label == "angry") for label in LABELS}
    assert losses.recall_loss_points == {"angry": 50.0, "disgust": 0.0, "fear": 0.0}
    assert losses.max_difference == pytest.approx(0.65, abs=1e-6)
    assert losses.kl_divergence == pytest.approx((0.7 - 0.05) * np.log(0.7 / 0.05) / 4, rel=1e-5)


def test_losses_without_labels_are_about_agreement_alone() -> None:
    probabilities = one_hot([1, 2])
    losses = measure_losses(probabilities, probabilities, make_images([UNKNOWN, UNKNOWN]), HEAD)
    assert (losses.accuracy, losses.drop_points, losses.calibration_error) == ({}, None, None)
    assert (losses.agreement, losses.kl_divergence, losses.overall_accuracy) == (1, 0, None)


def test_one_split_is_its_own_total() -> None:
    truth = Truth(np.array([0, 0]), one_hot([0, 0]))
    assert accuracies(one_hot([0, 1]), truth, np.array(["calibration"] * 2)) == {"calibration": 0.5}


def make_losses(flipped: int) -> Losses:
    labels = [0] * 100
    file = one_hot([1] * flipped + [0] * (100 - flipped))
    return measure_losses(one_hot(labels), file, make_images(labels), HEAD)


def make_proof(**flipped: int) -> Proof:
    """A file of which so many of 100 labels flipped in each runtime."""
    losses = {runtime: {"label": make_losses(count)} for runtime, count in flipped.items()}
    return Proof("int8", 1, 1, GraphSummary(1, {}), next(iter(flipped)), dict.fromkeys(flipped, 1.0), losses)


def test_the_gate_lets_a_good_file_pass_and_names_what_a_bad_one_lost() -> None:
    config = ConvertConfig(Path("model.keras"), max_drop=2, min_agreement=0.97)
    check_gate({"int8": make_proof(litert=2)}, config)
    lost = r"no file was kept.* drops 4\.00 points of label in litert; int8 agrees on 0\.9600 of label in litert"
    with pytest.raises(GateError, match=lost):
        check_gate({"int8": make_proof(litert=4)}, config)


def test_the_gate_looks_at_every_runtime() -> None:
    with pytest.raises(GateError, match=r"agrees on 0\.2000 of label in tflite$"):
        check_gate({"int8": make_proof(litert=0, tflite=80)}, ConvertConfig(Path("model.keras")))


def test_the_gate_looks_at_every_head() -> None:
    proof = make_proof(litert=0)
    lost = {"litert": {**proof.losses, "people": make_losses(1)}}
    with pytest.raises(GateError, match=r"Received: int8 drops 1\.00 points of people in litert$"):
        check_gate({"int8": dataclasses.replace(proof, losses_by_runtime=lost)}, ConvertConfig(Path("model.keras")))


def test_each_runtime_is_measured_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [0] * 4
    answers = {"litert": [0, 0, 0, 0], "tflite": [0, 0, 1, 1]}
    monkeypatch.setattr(verify, "installed_runtimes", lambda: tuple(answers))
    monkeypatch.setattr(
        verify,
        "run_probe",
        lambda files, _f, runtime, _d: {v: Probed({"label": one_hot(answers[runtime])}, 1.0) for v in files},
    )
    files = {"float32": ROOT / "edge/models/emotion_int8.tflite"}
    proof = prove(files, {"label": one_hot(labels)}, make_images(labels), INFO, tmp_path)["float32"]
    found = {runtime: losses["label"] for runtime, losses in proof.losses_by_runtime.items()}
    assert {runtime: (lost.drop_points, lost.agreement) for runtime, lost in found.items()} == {
        "litert": (0, 1),
        "tflite": (50, 0.5),
    }
    assert proof.losses["label"].drop_points == 0


def test_files_are_written_whole(tmp_path: Path) -> None:
    write_all({tmp_path / "new" / "a": b"1", tmp_path / "b": b"2"})
    assert (tmp_path / "new" / "a").read_bytes() == b"1"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b", "new"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from convert.write import write_all
from edge.errors import ModelError

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
folder = Path(sys.argv[1])
try:
    write_all({folder / "a": b"new", folder / "b": bytes(20_000)})
except ModelError as error:
    print(error)
"""
"""Its kernel refuses bytes beyond 10 kB a file, as a full disk does. In a process of its own: pytest's output may be a
file too."""


def test_a_full_disk_leaves_the_old_files_and_no_part_of_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    done = run_python("-c", FULL_DISK, str(tmp_path))
    assert "Expected room" in done.stdout, done.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a": b"old"}


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ModelError, match="Received: "):
        write_all({tmp_path / "taken" / "a": b"1"})


def test_the_bundled_network_reads_as_a_graph() -> None:
    graph = read_tflite(ROOT / "edge/models/emotion_int8.tflite")
    assert graph.inputs[0].shape == (1, 48, 48, 1)
    assert graph.outputs[0].shape == (1, 7)
    assert 1_000_000 < graph.multiply_adds < 200_000_000
    assert not [operator.name for operator in graph.operators if operator.name.startswith("BUILTIN")]


def test_damaged_graphs_are_refused_and_never_crash() -> None:
    content = (ROOT / "edge/models/emotion_int8.tflite").read_bytes()
    for length in (0, 3, 8, 40, 400, 4_000):
        with pytest.raises(ModelError):
            read_tflite(content[:length])
    with pytest.raises(ModelError):
        read_tflite(b"\xff\xff\xff\xffTFL3" + bytes(100))
