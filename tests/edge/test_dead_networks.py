"""A network of NaN is refused by edge, before the first line, and named by inspect."""

from pathlib import Path

import numpy as np
import pytest

from convert.inspect import inspect_file
from convert.tflite_file import find_not_finite
from edge.config import EdgeConfig
from edge.errors import ModelError
from edge.interpreter import EmotionClassifier
from edge.runtimes import installed_runtimes
from tests.processes import run_python

FLOAT16 = EdgeConfig(model="float16").model_path


@pytest.fixture
def network_of_nan(tmp_path: Path) -> Path:
    """The bundled float16 file with NaN for a thousand weights in its middle."""
    content = bytearray(FLOAT16.read_bytes())
    middle = len(content) // 2 // 16 * 16
    content[middle : middle + 2000] = np.full(1000, np.nan, np.float16).tobytes()
    path = tmp_path / "nan.tflite"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_it_is_refused_when_it_is_loaded(network_of_nan: Path, runtime: str) -> None:
    with pytest.raises(ModelError, match=r"finite scores of .*nan\.tflite"):
        EmotionClassifier(network_of_nan, runtime).warm_up()


def test_edge_says_so_in_one_line_and_prints_no_json(network_of_nan: Path) -> None:
    run = run_python("-m", "edge.run", "--headless", "--source", "demo", "--model", str(network_of_nan))
    assert (run.returncode, run.stdout) == (1, "")
    assert len(run.stderr.splitlines()) == 1
    assert "NaN" in run.stderr


def test_inspect_names_the_weights(network_of_nan: Path) -> None:
    assert len(find_not_finite(network_of_nan)) >= 1
    failed = [check.name for check in inspect_file(network_of_nan).checks if not check.passed]
    assert "weights are finite" in failed
    assert {f"runs in {runtime}" for runtime in installed_runtimes()} <= set(failed)


def test_the_bundled_file_is_finite() -> None:
    assert find_not_finite(FLOAT16) == []
