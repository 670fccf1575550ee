"""The front door: every public name is there, is the real one, and costs nothing until it is asked for."""

import importlib

import pytest

import edge
from tests.processes import run_python


@pytest.mark.parametrize("name", sorted(set(edge.__all__) - {"__version__", "Opener"}))
def test_a_public_name_is_the_one_of_its_module(name: str) -> None:
    found = getattr(edge, name)
    assert getattr(importlib.import_module(found.__module__), name) is found
    assert found.__module__.startswith("edge.")
    assert found.__doc__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'edge' has no attribute 'engines'"):
        edge.engines  # noqa: B018
    assert set(dir(edge)) == set(edge.__all__)


def test_importing_the_package_loads_neither_opencv_nor_numpy() -> None:
    program = "import sys, edge; print(sorted({'cv2', 'numpy', 'edge.engine'} & set(sys.modules)), edge.EdgeConfig)"
    ended = run_python("-c", program)
    assert ended.stdout == "[] <class 'edge.config.EdgeConfig'>\n"
