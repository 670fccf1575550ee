"""The page without a browser, through Streamlit's own AppTest."""

import time
from pathlib import Path

import cv2
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import live_state
from app.sessions import Session, registry
from edge.sources import DemoSource

PAGE = str(Path(__file__).parents[2] / "app" / "page.py")
FACE = cv2.imencode(".jpg", DemoSource().image(0))[1].tobytes()


def new_tab() -> AppTest:
    st.cache_resource.clear()  # all AppTests are one tab to Streamlit, and a tab remembers its choices
    return AppTest.from_file(PAGE, default_timeout=30).run()


def tab() -> Session:
    """The one tab: all AppTests are one to Streamlit."""
    return next(iter(registry()._sessions.values()), Session())


def html_of(page: AppTest) -> str:
    """What the page shows, and what its live pane asks for."""
    elements = [element.value for element in page.markdown] + [element.proto.body for element in page.get("html")]
    panes = [element.proto.json for element in page.get("bidi_component")]
    return " ".join([*elements, *panes, live_state.state(tab()).html])


def until(page: AppTest, text: str, seconds: float = 60) -> AppTest:
    """Rerun the page until it shows `text`."""
    deadline_s = time.monotonic() + seconds
    while text not in html_of(page) + " ".join(error.value for error in page.error):
        assert time.monotonic() < deadline_s, f"{text!r} not in {html_of(page)!r}"
        time.sleep(0.3)  # as a browser asks
        page.run()
    assert not page.exception
    return page


def start_demo(page: AppTest) -> None:
    page.button(key="second").click().run()
    until(page, "person-1")


def upload(page: AppTest, *files: tuple[str, bytes, str]) -> None:
    page.file_uploader(key="upload").set_value(list(files)).run()


def clip(path: Path, count: int) -> tuple[str, bytes, str]:
    """A video of the demo to upload."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, DemoSource.size)
    for index in range(count):
        writer.write(DemoSource().image(index))
    writer.release()
    return path.name, path.read_bytes(), "video/x-msvideo"


def downloads_of(page: AppTest) -> set[str]:
    return {element.proto.label for element in page.get("download_button")}
