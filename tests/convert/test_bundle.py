"""The deployment bundle: complete, the same for the same input, and refused when the network is not one."""

import hashlib
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from convert.bundle import main, write_bundle
from edge.config import EdgeConfig
from edge.errors import ModelError
from tests.processes import run_python

MODEL = EdgeConfig(model="int8").model_path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the network in edge/, as the command line makes it."""
    out = tmp_path_factory.mktemp("bundle") / "bundle.tar.gz"
    run = run_python("-m", "convert.bundle", str(out))
    assert run.returncode == 0, run.stderr
    return out


@pytest.fixture(scope="module")
def unpacked(bundle: Path) -> Path:
    """The folder in the bundle."""
    subprocess.run(["tar", "xzf", bundle], cwd=bundle.parent, check=True)  # as README says
    return next(path for path in bundle.parent.iterdir() if path.is_dir())


def test_the_sums_hold_for_every_file(unpacked: Path) -> None:
    lines = [line.split("  ") for line in (unpacked / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in unpacked.iterdir()}

    assert sums == {name: digest for name, digest in files.items() if name not in ("SHA256SUMS", "emotion-edge.toml")}
    assert {"install.sh", "emotion.tflite", "emotion-edge.toml", "emotion-edge.service", "LICENSE"} <= set(files)


def test_the_installer_refuses_a_damaged_bundle(unpacked: Path) -> None:
    (unpacked / "emotion.tflite").write_bytes(MODEL.read_bytes()[:-1])

    run = subprocess.run(["sh", "install.sh"], cwd=unpacked, capture_output=True, text=True)

    (unpacked / "emotion.tflite").write_bytes(MODEL.read_bytes())
    assert run.returncode == 1
    assert "Received: damaged ones" in run.stderr


def test_the_wheel_holds_the_edge_folder_alone(unpacked: Path) -> None:
    wheel = zipfile.ZipFile(next(unpacked.glob("*.whl")))

    metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    required = [line for line in wheel.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    assert {name.split("/")[0] for name in wheel.namelist()} == {"edge", metadata.split("/")[0]}
    assert "edge/models/emotion_int8.tflite" in wheel.namelist()
    assert any("opencv-python-headless" in line for line in required)
    assert not re.search("tensorflow|keras|streamlit|opencv-python=", "".join(required))


def test_the_same_input_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "again.tar.gz", MODEL)

    assert (tmp_path / "again.tar.gz").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize("names", [["m.tflite"], ["out.zip", "m.tflite"], ["link.tar.gz", "m.tflite"], ["m.tgz"] * 2])
def test_out_is_an_archive_and_no_file_that_goes_in(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(MODEL.read_bytes())
    Path("m.tgz").write_bytes(MODEL.read_bytes())
    Path("link.tar.gz").symlink_to("m.tflite")

    with pytest.raises(SystemExit) as ended:
        main(names)

    assert ended.value.code == 2
    assert f"Received: {names[0]}" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"m.tflite", "m.tgz", "link.tar.gz"}
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {MODEL.read_bytes()}


def test_a_file_that_is_no_network_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_text("not a model")

    with pytest.raises(ModelError, match="Received"):
        write_bundle(tmp_path / "out.tar.gz", tmp_path / "model.tflite")

    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
