"""The app, with and without a browser."""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from streamlit.testing.v1 import AppTest

from app.sessions import registry
from edge.config import DEVICE_FILE_VARIABLE
from edge.sources import DemoSource
from tests.app.chromium import CHROMIUM, FLAGS
from tests.app.page import new_tab
from tests.app.server import AppServer, first_in_line
from tests.rigs.clips import write_mjpeg
from tests.rigs.faults import build_virtual_camera


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AppTest` puts the page's script in place of `__main__`, which processes that start later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app, on a machine with one webcam; at the end its log must be clean."""
    folder = tmp_path_factory.mktemp("app")
    camera = {
        "LD_PRELOAD": str(build_virtual_camera(folder)),
        "VCAM_FILE": str(write_mjpeg(folder / "clip.mjpeg", 60)),
    }
    with AppServer(folder, camera) as running:
        yield running
    assert not re.search(r"Traceback|Exception|ERROR|terminate called", running.log), running.log


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium with a fake camera that shows the demo's face."""
    face = _write_y4m(tmp_path_factory.mktemp("browser") / "face.y4m", 30)
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, f"--use-file-for-fake-video-capture={face}"]
    with contextlib.ExitStack() as stack:
        with first_in_line():
            playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Any) -> Any:
    """A browser that has the page's scripts already."""
    return browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera"])


@pytest.fixture
def page(server: AppServer, context: Any) -> Iterator[Any]:
    """A new tab with the app, as a browser sees it that was never here."""
    from tests.app.browser import open_tab, stop

    context.clear_cookies()
    page = open_tab(context, server)
    yield page
    if page.get_by_role("button", name="Stop", exact=True).is_visible():
        stop(page)  # else its camera stays on for two minutes
    page.close()


@pytest.fixture
def device_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this device's defaults are looked for: not there, whatever the developer has at home."""
    monkeypatch.setenv(DEVICE_FILE_VARIABLE, str(tmp_path / "device.json"))
    return tmp_path / "device.json"


@pytest.fixture
def script(device_file: Path) -> Iterator[AppTest]:
    """The page as a new tab sees it, without a browser; its worker ends with the test."""
    yield new_tab()
    registry().shut_down()


def _write_y4m(path: Path, count: int) -> Path:
    demo = DemoSource()
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F15:1 Ip A1:1 C420jpeg\n")
        for index in range(count):
            file.write(b"FRAME\n" + cv2.cvtColor(demo.image(2 * index), cv2.COLOR_BGR2YUV_I420).tobytes())
    return path
