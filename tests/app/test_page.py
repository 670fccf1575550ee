"""The page's widgets and messages, through Streamlit's own AppTest; what needs a browser is in test_browser.py."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import controls
from app.sessions import hub

PAGE = str(Path(__file__).parents[2] / "app" / "page.py")


@pytest.fixture
def page() -> Iterator[AppTest]:
    """The page as a new tab sees it; its worker ends with the test."""
    yield AppTest.from_file(PAGE, default_timeout=30).run()
    hub().shut_down()
    st.cache_resource.clear()  # all AppTests are one tab to Streamlit


def html_of(page: AppTest) -> str:
    elements = [element.value for element in page.markdown] + [element.proto.body for element in page.get("html")]
    return " ".join(elements)


def until(page: AppTest, text: str, seconds: float = 15) -> AppTest:
    """Rerun the page until it shows `text`."""
    deadline_s = time.monotonic() + seconds
    while text not in html_of(page) + " ".join(error.value for error in page.error):
        assert time.monotonic() < deadline_s, f"{text!r} not in {html_of(page)!r}"
        time.sleep(0.1)
        page.run()
    assert not page.exception
    return page


def test_a_click_shows_a_face_and_stop_ends_it(page: AppTest) -> None:
    assert "Nothing is running" in html_of(page)
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    until(page, "online")
    assert "data:image/jpeg;base64," in html_of(page)
    page.button(key="stop").click().run()
    assert "Nothing is running" in html_of(page)
    assert page.button(key="stop").disabled
    assert not page.button(key="start").disabled


def test_a_missing_camera_says_what_helps(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"97": "unplugged a moment ago"})
    page.selectbox(key="kind").set_value("webcam").run()
    page.button(key="start").click().run()
    until(page, "No camera at 97")
    page.button(key="try_demo").click().run()
    assert page.selectbox(key="kind").value == "demo"
    until(page, "Face 1 ·")


@pytest.mark.parametrize("address", ["", "rtsp://127.0.0.1:9/none"])
def test_a_wrong_address_says_what_helps(page: AppTest, address: str) -> None:
    page.selectbox(key="kind").set_value("address").run()
    page.text_input(key="address").set_value(address).run()
    page.button(key="start").click().run()
    until(page, "Nothing comes from this address" if address else "name one or more sources")


def test_controls_build_the_config_of_the_running_worker(page: AppTest) -> None:
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    page.selectbox(key="detector").set_value("haar").run()
    page.slider(key="fps").set_value(10.0).run()
    page.toggle(key="blur").set_value(True).run()
    (worker,) = hub().workers()
    assert (worker.config.detector, worker.config.fps, worker.look.blur) == ("haar", 10.0, True)
    assert worker.config.source == "demo"


def test_every_control_has_a_line_of_help(page: AppTest) -> None:
    widgets = [*page.selectbox, *page.slider, *page.toggle]
    assert len(widgets) >= 10
    assert [widget.label for widget in widgets if not widget.help] == []


def test_sources_are_named(page: AppTest) -> None:
    assert page.selectbox(key="kind").options == list(controls.KINDS.values())


def test_recording_keeps_results_and_offers_them(page: AppTest) -> None:
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    page.button(key="record_start").click().run()
    time.sleep(0.5)
    page.button(key="record_stop").click().run()
    assert not page.exception
    assert {element.proto.label for element in page.get("download_button")} == {"CSV", "JSON Lines"}
