"""The peers' process protocol, on the two that need no environment of their own."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import golden, models
from benchmarks.peers import environments
from benchmarks.peers.measure import PeerSpec, Worker, write_clip
from edge.interpreter import EmotionClassifier


@pytest.fixture
def _this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the peers' own environments with this one."""
    monkeypatch.setattr(environments, "python_of", lambda name: Path(sys.executable))


@pytest.mark.usefixtures("_this_environment")
def test_a_peer_finds_the_clips_face_and_classifies_what_it_is_given(tmp_path: Path) -> None:
    spec = PeerSpec("this project", "edge_pipeline", "edge", str(models.shipped()["int8"]))
    faces = golden.generated_faces(5)
    np.save(tmp_path / "faces.npy", faces[..., 0])
    with Worker(spec, write_clip(tmp_path / "clip.avi", frames=6), tmp_path / "log") as worker:
        assert len(worker.first) == 1
        assert worker.ask(frames=9)["with_faces"] == 9, "the clip starts anew at its end"
        assert worker.ask(faces=str(tmp_path / "faces.npy"), save=str(tmp_path / "scores.npy"))["seconds"] > 0
        assert worker.ask(memory=True)["peak_mb"] > 20
        assert worker.ask(heights=[40, 100], photos="") == {"recall": [1.0, 1.0]}
    expected = EmotionClassifier(models.shipped()["int8"], scores="label").predict(faces)
    assert np.allclose(np.load(tmp_path / "scores.npy"), expected)


@pytest.mark.usefixtures("_this_environment")
def test_a_peer_that_dies_says_why(tmp_path: Path) -> None:
    spec = PeerSpec("this project", "edge_pipeline", "edge", str(tmp_path / "missing.tflite"))
    with pytest.raises(RuntimeError, match=r"missing\.tflite"):
        Worker(spec, write_clip(tmp_path / "clip.avi", frames=2), tmp_path / "log")


def test_installed_size_counts_packages_and_not_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "edge" / "lib" / "python3.11" / "site-packages"
    for name, size in (("numpy/core.so", 2_000_000), ("numpy/__pycache__/core.pyc", 500), ("pip/pip.py", 9_000_000)):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_bytes(bytes(size))
    monkeypatch.setenv("PEERS", str(tmp_path))
    assert environments.installed_mb("edge") == 2.0
