"""A rewritten TFLite file gives the same answers, and tflite-runtime uses memory twice."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from convert.reuse_memory import main, reuse_memory
from convert.tflite_file import count_operators, read_tflite
from edge.detectors import BACK, SHORT_RANGE
from edge.interpreter import MODELS, invoke, load_interpreter
from tests.processes import run_python

MEASURE = """
import sys
from pathlib import Path
from edge.interpreter import load_interpreter
import numpy as np

def anonymous_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

load_interpreter(sys.argv[2], "tflite").invoke()  # what the runtime itself needs
before = anonymous_kb()
interpreter = load_interpreter(sys.argv[1], "tflite")
interpreter.invoke()
print(anonymous_kb() - before)
"""


def megabytes(file: Path) -> float:
    """What a new process needs for the network in tflite-runtime, beyond the mapped file."""
    run = run_python("-c", MEASURE, str(file), str(MODELS / SHORT_RANGE), timeout_s=60)
    assert run.returncode == 0, run.stderr
    return int(run.stdout) / 1000


def answers(file: Path, runtime: str) -> list[np.ndarray]:
    interpreter = load_interpreter(file, runtime)
    given = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).uniform(-1, 1, given["shape"]).astype(np.float32)
    return invoke(interpreter, given["index"], image, [one["index"] for one in interpreter.get_output_details()])


@pytest.mark.parametrize("runtime", ["litert", "tflite"])
def test_the_answers_stay_the_same_bit_by_bit(runtime: str, tmp_path: Path) -> None:
    package = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}[runtime]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} has no wheel for this Python")
    before, after = MODELS / SHORT_RANGE, tmp_path / "after.tflite"
    assert main([str(before), "--out", str(after)]) == 0
    operators = [count_operators(read_tflite(file)) for file in (before, after)]
    assert {**operators[1], "RELU (version 1)": 17} == operators[0]
    for one, other in zip(answers(before, runtime), answers(after, runtime), strict=True):
        assert np.array_equal(one, other)


def test_the_bundled_far_detector_is_rewritten() -> None:
    content = (MODELS / BACK).read_bytes()
    assert reuse_memory(content) == content


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime ends with Python 3.11")
def test_tflite_runtime_needs_half_of_the_memory_for_a_chain_of_equal_layers(tmp_path: Path) -> None:
    import tensorflow as tf
    from keras import layers

    network = tf.keras.Sequential([layers.Input((128, 128, 16), batch_size=1)])
    for _ in range(12):
        network.add(layers.Conv2D(16, 1, activation="relu"))
    plain, rewritten = tmp_path / "plain.tflite", tmp_path / "rewritten.tflite"
    plain.write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    assert main([str(plain), "--out", str(rewritten)]) == 0
    assert megabytes(rewritten) < megabytes(plain) / 2
    assert megabytes(MODELS / BACK) < 17  # 25 before it was rewritten


@pytest.mark.parametrize("content", [b"", b"TFL3", b"no network" * 100])
def test_another_file_is_one_line(content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.tflite").write_bytes(content)
    assert main([str(tmp_path / "x.tflite"), "--out", str(tmp_path / "y.tflite")]) == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "y.tflite").exists()


def test_a_contract_is_not_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([str(MODELS / "emotion_float16.tflite"), "--out", str(tmp_path / "y.tflite")]) == 1
    assert "contract" in capfd.readouterr().err
    assert not (tmp_path / "y.tflite").exists()
