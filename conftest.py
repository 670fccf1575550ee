"""For every test: a device that nobody has tuned, the TFLite runtimes before TensorFlow, which they break, and order.

`make test` runs several at a time (pytest-xdist). A file's tests stay together, since they share fixtures; those of
`convert` share networks. Those of training and conversion come first, since they take longest. Tests marked `alone`
measure time: they come last, and nothing runs beside them.
"""

import fcntl
import importlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.runtimes import RUNTIMES, installed_runtimes

for _name in [name for name in os.environ if name.startswith("EMOTION_EDGE_")]:
    del os.environ[_name]
os.environ["EMOTION_EDGE_DEVICE"] = os.devnull  # the developer's own tune file and variables change no test
if "PYTEST_XDIST_WORKER" in os.environ:  # several tests run at once: more threads would only wait for each other
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

for _runtime in installed_runtimes():
    importlib.import_module(RUNTIMES[_runtime])

# Whoever starts the tests under nohup ignores SIGHUP, and so would every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

LONGEST = ("convert", "train")


@pytest.hookimpl(wrapper=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Say which tests share a process, and put the longest first and those that run alone last."""
    items.sort(key=lambda item: (_is_alone(item), item.path.parent.name not in LONGEST))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("alone" if _is_alone(item) else _room(item.path)))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hold a lock meanwhile: shared, or for oneself."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    with Path(tempfile.gettempdir(), f"emotion-edge-{run or os.getpid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if _is_alone(item) else fcntl.LOCK_SH)
        return (yield)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _room(file: Path) -> str:
    return "convert" if file.parent.name == "convert" else f"{file.parent.name}/{file.name}"
