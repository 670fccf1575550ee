"""`python -m convert` on small trained networks: what it writes, that it repeats, and that it refuses cleanly."""

import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert import convert as conversion
from convert.config import VARIANTS, ConvertConfig
from convert.inspect import inspect_file, split_contract
from convert.tflite_file import read_tflite
from edge.errors import ModelError, SinkError
from edge.interpreter import EmotionClassifier, load_interpreter
from edge.model_info import LABELS, Head, ModelInfo, network_sha256, read_model_info, write_model_info
from edge.runtimes import installed_runtimes
from tests.convert.networks import make_gratings, people_say
from tests.convert.workshop import Workshop, convert_here, run_convert
from tests.processes import ROOT, run_python


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("runtime", installed_runtimes())
def test_every_variant_classifies_in_every_runtime(workshop: Workshop, variant: str, runtime: str) -> None:
    classifier = EmotionClassifier(workshop.files / f"original_{variant}.tflite", runtime)
    images, labels = make_gratings(70, seed=9)
    probabilities = classifier.predict(images[..., None])
    assert (probabilities.argmax(1) == labels).mean() > 0.9
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=0.02)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_contract_says_what_the_file_is(workshop: Workshop, variant: str) -> None:
    info = read_model_info(workshop.files / f"original_{variant}.tflite")
    assert info.variant == variant
    assert info.labels == LABELS
    assert info.dataset == "gratings"
    assert info.keras_sha256 == network_sha256(workshop.keras("original"))
    assert set(info.heads[0].accuracy["FER-2013 label"]) == {"PublicTest", "PrivateTest", "all test"}
    assert info.heads[0].accuracy["FER-2013 label"]["all test"] > 0.9
    assert info.conversion["agreement"]["label"] >= 0.97
    assert set(info.versions) >= {"tensorflow", "keras"}


def test_the_graph_is_small_and_static(workshop: Workshop) -> None:
    graph = read_tflite(workshop.files / "original_float32.tflite")
    names = [operator.name for operator in graph.operators]
    assert "MUL" not in names  # no BatchNorm's scale, no Rescaling
    assert "SHAPE" not in names
    assert names[-1] == "SOFTMAX"
    expected = 48 * 48 * 9 * (6 + 36) + 16 * 16 * 9 * (48 + 64) + 25 * 8 * 24 + 24 * 7
    assert graph.multiply_adds == expected


@pytest.mark.parametrize("network", ["original", "residual"])
def test_int8_takes_camera_bytes_and_ends_in_float_logits_and_softmax(workshop: Workshop, network: str) -> None:
    graph = read_tflite(workshop.files / f"{network}_int8.tflite")
    assert (graph.inputs[0].type, graph.inputs[0].scales, graph.inputs[0].zero_points) == ("uint8", (1.0,), (0,))
    heads = 1 if network == "original" else 2
    names = [operator.name for operator in graph.operators]
    assert (names.count("SOFTMAX"), names[-1]) == (heads, "SOFTMAX")
    assert [output.type for output in graph.outputs] == ["float32"] * heads
    weights = [operator.inputs[1] for operator in graph.operators if operator.multiply_adds]
    assert {one.type for one in weights[:-heads]} == {"int8"}
    assert [(one.type, one.shape[0]) for one in weights[-heads:]] == [("float32", 7)] * heads


def test_a_network_trained_in_bfloat16_converts(workshop: Workshop) -> None:
    agreement = read_model_info(workshop.files / "residual_int8.tflite").conversion["agreement"]
    assert set(agreement) == {"people", "label"}
    assert min(agreement.values()) > 0.8


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_each_head_answers_by_its_name(workshop: Workshop, runtime: str) -> None:
    images, labels = make_gratings(70, seed=9)
    file = workshop.files / "residual_int8.tflite"
    for head, right in (("people", people_say(labels)), ("label", labels)):
        answers = EmotionClassifier(file, runtime, scores=head).predict(images[..., None]).argmax(1)
        assert (answers == right).mean() > 0.8, head


def test_each_head_is_proved_against_its_own_truth(workshop: Workshop) -> None:
    faces, label = read_model_info(workshop.files / "residual_int8.tflite").heads
    assert (faces.name, label.name) == ("people", "label")
    assert set(faces.accuracy) == {"FER+ majority", "clear majority"}
    assert set(label.accuracy) == {"FER-2013 label"}
    assert faces.accuracy["clear majority"]["all test"] > 0.8
    assert label.accuracy["FER-2013 label"]["all test"] > 0.8


def test_a_contract_whose_heads_are_not_the_outputs_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "other.tflite"
    for heads in ((Head("people"), Head("mine")), (Head("people"),), (Head("people"), Head("label"), Head("third"))):
        file.write_bytes(split_contract(workshop.files / "residual_int8.tflite"))
        write_model_info(file, ModelInfo("other", heads=heads))
        with pytest.raises(ModelError, match=r"Expected the outputs .* Received: \['label', 'people'\]"):
            EmotionClassifier(file)


def test_outputs_are_the_same_without_the_contract(workshop: Workshop, tmp_path: Path) -> None:
    file = workshop.files / "original_int8.tflite"
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(split_contract(file))
    assert not zipfile.is_zipfile(bare)
    image = make_gratings(1, seed=4)[0][..., None]
    outputs = []
    for path in (file, bare):
        interpreter = load_interpreter(path)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes())
    assert outputs[0] == outputs[1]


def test_the_report_has_figures_for_every_variant(workshop: Workshop) -> None:
    report = json.loads((workshop.files / "original_conversion.json").read_text())
    assert set(report["variants"]) == set(VARIANTS)
    assert report["proved_on"] == "70 test images"
    assert len(set(report["calibration"]["indices"])) == 70
    int8 = report["variants"]["int8"]
    assert int8["size_bytes"] == (workshop.files / "original_int8.tflite").stat().st_size
    runtime = installed_runtimes()[0]
    assert set(int8["losses_by_runtime"][runtime]["label"]["flips"]) == set(LABELS)
    assert report["variants"]["float32"]["losses_by_runtime"][runtime]["label"]["max_difference"] < 1e-4
    assert report["variants"]["float32"]["latency_ratio"][installed_runtimes()[0]] == 1
    assert set(int8["losses_by_runtime"]) == set(installed_runtimes())


def test_the_report_is_also_a_table_and_an_image(workshop: Workshop) -> None:
    markdown = (workshop.files / "original_conversion.md").read_text()
    assert all(f"| {variant} " in markdown for variant in VARIANTS)
    assert all(f"| {runtime} " in markdown for runtime in installed_runtimes())
    assert (workshop.files / "original_conversion.png").read_bytes().startswith(b"\x89PNG")


def test_stdout_has_a_line_a_file(workshop: Workshop) -> None:
    lines = workshop.outputs["original"].splitlines()
    assert [line.split()[0] for line in lines] == list(VARIANTS)
    assert all("agrees with Keras on" in line and line.endswith(".tflite") for line in lines)


def test_half_of_the_pruned_weights_are_zero(workshop: Workshop) -> None:
    assert read_model_info(workshop.files / "residual_int8.tflite").conversion["sparsity"] == 0.5
    report = json.loads((workshop.files / "residual_conversion.json").read_text())
    assert report["variants"]["int8"]["gzip_bytes"] < report["variants"]["int8"]["size_bytes"]


def test_nothing_else_is_left_behind(workshop: Workshop) -> None:
    names = {file.name for file in workshop.files.iterdir()}
    reports = {f"{network}_conversion.{kind}" for network in ("original", "residual") for kind in ("json", "md", "png")}
    assert names == {f"original_{variant}.tflite" for variant in VARIANTS} | {"residual_int8.tflite"} | reports


def test_two_conversions_are_byte_identical(workshop: Workshop, tmp_path: Path) -> None:
    done = run_convert(
        workshop.keras("original"), "--data", workshop.dataset, "--samples", 70, "--out", tmp_path, "--int8"
    )
    assert done.returncode == 0, done.stderr
    name = "original_int8.tflite"
    assert (tmp_path / name).read_bytes() == (workshop.files / name).read_bytes()


def test_without_test_images_the_proof_says_so_and_a_strict_gate_keeps_no_file(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))
    images = workshop.dataset / "test"
    done = run_convert(
        workshop.keras("original"), "--samples-from", images, "--samples", 70, "--int8", "--out", tmp_path,
        "--int8-output", "uint8", "--max-drop", 0, "--min-agreement", 1,
    )  # fmt: skip
    assert "the proof is on the 70 calibration images" in done.stderr
    kept = [file.name for file in tmp_path.iterdir() if file.suffix == ".tflite"]
    assert kept == (["original_int8.tflite"] if done.returncode == 0 else [])
    if kept:
        assert set(read_model_info(tmp_path / kept[0]).heads[0].accuracy["folder name"]) == {"calibration"}
        assert read_tflite(tmp_path / kept[0]).outputs[0].type == "uint8"


def test_what_images_without_labels_can_not_tell_is_not_in_the_contract(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))
    for index, image in enumerate(make_gratings(100, seed=5)[0]):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image)
    done = run_convert(
        workshop.keras("original"), "--samples-from", tmp_path, "--samples", 70, "--float16", "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    info = read_model_info(tmp_path / "original_float16.tflite")
    assert all(head.accuracy == {} for head in info.heads)
    assert set(info.conversion) == {"agreement", "graph_sha256", "proved_on"}
    assert info.conversion["proved_on"] == "the 30 images that did not calibrate (there are no test images)"
    assert inspect_file(tmp_path / "original_float16.tflite").passed
    report = tmp_path / "original_conversion.md"
    rows = [[cell.strip() for cell in line.split("|")] for line in report.read_text().splitlines()]
    losses = next(row for row in rows if row[1:3] == ["float16", "label"])
    assert losses[3:5] == ["-", "-"]  # accuracy and drop


def test_inspect_accepts_a_converted_file_and_refuses_a_changed_one(workshop: Workshop, tmp_path: Path) -> None:
    file = workshop.files / "original_int8.tflite"
    assert inspect_file(file).passed
    graph = bytearray(split_contract(file))
    info = read_model_info(file)
    weights = graph.rfind(bytes(16), 0, len(graph) // 2)
    graph[weights + 8] ^= 1
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(graph)
    write_model_info(changed, info)
    assert not next(check.passed for check in inspect_file(changed).checks)


def test_inspect_prints_the_contract_and_the_operators(workshop: Workshop) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convert.inspect", str(workshop.files / "original_int8.tflite")],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("CONV_2D", "angry", "scale 1, zero point 0", "multiply-adds"))


@pytest.mark.parametrize(("content", "expected"), [(b"text", "contract"), (b"", "contract"), (None, "nothing there")])
def test_a_wrong_keras_file_is_one_line(
    tmp_path: Path, content: bytes | None, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.keras"
    if content is not None:
        file.write_bytes(content)
    assert convert_here(file, "--out", tmp_path / "out") == 1
    said = capfd.readouterr().err
    assert len(said.splitlines()) == 1
    assert expected in said
    assert not (tmp_path / "out").exists()


def test_a_zip_that_is_no_network_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.keras"
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("config.json", "{}")
    write_model_info(file, ModelInfo("wrong"))
    assert convert_here(file, "--out", tmp_path / "out") == 1
    said = capfd.readouterr().err
    assert "Expected a Keras network" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_place_that_can_not_be_written_to_is_refused_before_tensorflow_starts(option: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    without_tensorflow = (
        "import sys; from convert.__main__ import main; sys.modules['tensorflow'] = None; sys.exit(main())"
    )
    done = run_python("-c", without_tensorflow, "model.keras", option, str(tmp_path / "taken" / "new"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert f"Expected a folder, or the name of a new one. Received: {tmp_path / 'taken' / 'new'}, a file" in done.stderr


def test_the_network_s_own_folder_is_checked_before_the_work(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise SinkError(f"Expected a folder. Received: {folder}")

    monkeypatch.setattr(conversion, "checked_folder", refuse)
    with pytest.raises(SinkError, match=str(workshop.folder)):
        conversion.convert(ConvertConfig(workshop.keras("original"), data=workshop.folder / "nothing"))


def test_without_images_it_is_one_line(workshop: Workshop, tmp_path: Path) -> None:
    done = run_convert(workshop.keras("original"), "--data", tmp_path / "nothing", "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "FER-2013" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line_and_leaves_no_file(workshop: Workshop, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "convert", str(workshop.keras("original")), "--data", str(workshop.dataset)]
    command += ["--samples", "70", "--int8", "--out", str(tmp_path / "out")]
    limited = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *command]  # no file beyond 16 blocks, as on a full disk
    done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Expected")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_killed_halfway_it_leaves_no_file(workshop: Workshop, tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "convert", str(workshop.keras("original")), "--data", str(workshop.dataset)]
    process = subprocess.Popen(
        [*command, "--samples", "70", "--out", str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Converting to float16"):
            break
    time.sleep(0.2)
    process.send_signal(how)
    rest = process.stderr.read()
    assert process.wait(timeout=120) == (130 if how == signal.SIGTERM else -signal.SIGKILL)
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_before_the_heads_goes_on_working(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "old.tflite"
    file.write_bytes(split_contract(workshop.files / "original_int8.tflite"))
    contract = {
        "name": "edge", "labels": LABELS, "input_size": [48, 48], "color": "gray", "crop_margin": 0.1,
        "interpolation": "area", "dataset": "FER-2013", "training_labels": "blend", "variant": "int8",
        "accuracy": {"PrivateTest": 0.703}, "keras_sha256": "", "conversion": {}, "versions": {}, "schema": 1,
    }  # fmt: skip
    with zipfile.ZipFile(file, "a") as members:
        members.writestr("labels.txt", "\n".join(LABELS) + "\n")
        members.writestr("model_info.json", json.dumps(contract))
    classifier = EmotionClassifier(file, scores="people")
    pictures, labels = make_gratings(70, seed=9)
    assert (classifier.predict(pictures[..., None]).argmax(1) == labels).mean() > 0.9
    assert (classifier.head.name, classifier.head.trained_on) == ("label", "blend")
    assert classifier.head.accuracy == {"label": {"PrivateTest": 0.703}}
