"""A pipeline in a process that was forked, as web servers and multiprocessing do: its own threads, and never a hang."""

import sys

import pytest

from edge.runtimes import installed_runtimes
from tests.processes import run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork there")

BEGIN = """
import multiprocessing, os, sys
from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import Frame
from edge.sources import DemoSource
pipeline = Pipeline(EdgeConfig(threads=2, runtime={runtime!r}))
def faces(index):
    return len(pipeline.process(Frame.now(DemoSource().image(index), index)).faces)
assert faces(0) == 1
"""
FORK = """
child = os.fork()
if child == 0:
    assert faces(1) == 1
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert faces(2) == 1
"""
POOL = """
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(faces, range(4)) == [1] * 4
assert faces(5) == 1
"""


@pytest.mark.parametrize("fork", [FORK, POOL], ids=["fork", "pool"])
@pytest.mark.parametrize("runtime", installed_runtimes())
def test_a_pipeline_works_after_a_fork(runtime: str, fork: str) -> None:
    ended = run_python("-c", BEGIN.format(runtime=runtime) + fork, timeout_s=60)
    assert ended.returncode == 0, ended.stderr
