"""The page's widgets and messages, through Streamlit's own AppTest; what needs a browser is in test_browser.py."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import controls, live, model_page
from app.reports import Bundled
from app.sessions import registry
from edge.errors import ModelError, StuckThreadError
from edge.model_info import LABELS, Head, ModelInfo
from edge.runtimes import installed_runtimes
from tests.app.page import FACE, PAGE, downloads_of, html_of, new_tab, start_demo, tab, until


@pytest.fixture
def page(script: AppTest) -> AppTest:
    """The page as a new tab sees it."""
    return script


def test_the_first_look_says_what_it_is_and_a_click_shows_a_face(page: AppTest) -> None:
    for words in (
        "tells which emotion most people would see",
        "8 of 10 people would say happy",
        "for 88 of 100 faces",
        "not what somebody feels",
        "Pictures stay on the computer that runs this app",
        "<img",
    ):
        assert words in html_of(page)
    assert [button.label for button in page.button[:2]] == ["See yourself", "Show the demo"]
    start_demo(page)
    for words in ("live-image", "of 10 people would say", "certainty", "not what somebody feels", "health"):
        assert words in html_of(page)
    page.button(key="run").click().run()
    assert "tells which emotion most people" in html_of(page)
    assert registry().workers() == []


@pytest.mark.parametrize(("is_here", "kind"), [(True, "webcam"), (False, "browser")])
def test_see_yourself_means_the_camera_before_the_user(
    device_file: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool, kind: str
) -> None:
    """A phone that opens the page of a laptop must not get the laptop's webcam."""
    monkeypatch.setattr(controls, "webcams", lambda: {"0": "the laptop's"})
    monkeypatch.setattr(controls, "_is_here", lambda: is_here)
    assert new_tab().selectbox(key="source 0").value == kind


def test_nothing_on_the_page_is_timed_by_streamlit() -> None:
    """A fragment that runs by itself races with the page's script; what moves is the pane's."""
    texts = [path.read_text() for path in Path(PAGE).parent.glob("*.py")]
    assert not [text for text in texts if "run_every" in text or "st.fragment" in text]


def test_a_missing_camera_says_what_helps(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"97": "unplugged a moment ago"})
    page.selectbox(key="source 0").set_value("webcam").run()
    page.button(key="run").click().run()
    until(page, "No camera at index 97")
    start_demo(page)
    assert page.selectbox(key="source 1").value == "demo"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "begins with rtsp://"),
        ("/etc/passwd", "begins with rtsp://"),
        ("file:///etc/passwd", "begins with rtsp://"),
        ("rtsp://user:secret@127.0.0.1:9/none", "Nothing comes from rtsp://127.0.0.1:9/none"),
    ],
)
def test_a_wrong_address_says_what_helps(page: AppTest, address: str, message: str) -> None:
    page.selectbox(key="source 0").set_value("address").run()
    page.text_input(key="address").set_value(address).run()
    page.button(key="run").click().run()
    until(page, message)


def test_controls_build_the_config_of_the_running_worker(page: AppTest) -> None:
    start_demo(page)
    chosen = {"detector": "haar", "model": "float16", "runtime": installed_runtimes()[0]}
    slid = {"detect_every": 5, "fps": 10.0}
    worded = {"smoothing_s": 1.0, "threshold": 0.35, "min_face": 80, "rotate": 180}
    for name, text in chosen.items():
        page.selectbox(key=name).set_value(text)
    for name, number in slid.items():
        page.slider(key=name).set_value(number)
    for name, number in worded.items():
        page.select_slider(key=name).set_value(number)
    for name in ("mirror", "blur", "inline"):
        page.toggle(key=name).set_value(True)
    page.run()
    (worker,) = registry().workers()
    config = asdict(worker.config)
    assert {name: config[name] for name in (*chosen, *slid, *worded)} == {**chosen, **slid, **worded}
    assert (tab().rendering.blur, tab().rendering.mirror) == (True, True)
    assert not worker.config.mirror, "what is drawn is this tab's alone"
    assert "data-poll" in html_of(page)
    assert "It may miss somebody" in page.caption[0].value


def test_the_widgets_show_what_really_runs(page: AppTest) -> None:
    start_demo(page)
    page.toggle(key="blur").set_value(True).run()
    (worker,) = registry().workers()
    worker.change(threshold=0.7, detect_every=9)  # in another tab
    page.run()
    assert page.select_slider(key="threshold").value == 0.7
    page.slider(key="fps").set_value(5.0).run()
    assert (worker.config.detect_every, worker.config.threshold, worker.config.fps) == (9, 0.7, 5.0)
    assert tab().rendering.blur


def test_the_controls_begin_with_what_is_best_on_this_device(page: AppTest, device_file: Path) -> None:
    tuned = {"detector": "haar", "model": "float16", "runtime": installed_runtimes()[-1], "threads": 2}
    device_file.write_text(json.dumps({"options": tuned}))
    page = new_tab()
    page.button(key="second").click().run()
    (worker,) = registry().workers()
    assert asdict(worker.config) | tuned == asdict(worker.config)
    page.selectbox(key="model").set_value("int8").run()
    assert worker.config.model == "int8"
    assert not page.warning


def test_a_default_of_this_device_that_can_t_be_had_is_passed_over(page: AppTest, device_file: Path) -> None:
    device_file.write_text(json.dumps({"options": {"model": "a model of yesterday", "detector": "haar"}}))
    page = new_tab()
    assert page.selectbox(key="model").value == "auto"
    assert page.selectbox(key="detector").value == "haar"


def test_damaged_defaults_of_this_device_say_what_helps(page: AppTest, device_file: Path) -> None:
    device_file.write_text("{")
    page = new_tab()
    assert "run it again, or remove the file" in page.warning[0].value
    start_demo(page)


@pytest.mark.parametrize("camera", ["../../etc/passwd", "/dev/sda", "/dev/video0/../sda", "0.mp4", "https://x"])
def test_a_camera_is_no_file(page: AppTest, camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {camera: "typed"})
    page.selectbox(key="source 0").set_value("webcam").run()
    page.button(key="run").click().run()
    assert "Expected a camera's index" in page.error[0].value
    assert registry().workers() == []


def test_one_camera_has_one_name(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"/dev/video97": "typed"})
    page.selectbox(key="source 0").set_value("webcam").run()
    page.button(key="run").click().run()
    until(page, "No camera at index 97")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("no contract"), "choose another one in the options"),
        (StuckThreadError("Expected camera 0 to answer"), "Expected camera 0 to answer"),
        (KeyError("x"), "the server's log"),
    ],
)
def test_errors_are_explained(error: Exception, words: str) -> None:
    assert words in live.explain(error, "demo")


def test_every_control_has_a_line_of_help(page: AppTest) -> None:
    widgets = [*page.selectbox, *page.slider, *page.select_slider, *page.toggle]
    assert len(widgets) >= 10
    assert [widget.label for widget in widgets if not widget.help] == []


def test_sources_are_named(page: AppTest) -> None:
    assert page.selectbox(key="source 0").options == list(controls.KINDS.values())


def test_the_browser_s_camera_waits_for_its_first_image_and_ends_with_another_source(page: AppTest) -> None:
    page.selectbox(key="source 0").set_value("browser").run()
    page.button(key="run").click().run()
    until(page, "Waiting for your camera")
    registry().put_image(tab(), FACE)
    until(page, "live-image")
    page.selectbox(key="source 0").set_value("file").run()
    assert registry().workers() == []


def test_a_file_ends_the_live_view(page: AppTest) -> None:
    start_demo(page)
    page.selectbox(key="source 1").set_value("file").run()
    assert registry().workers() == []
    assert not page.exception


def test_a_setting_that_can_t_be_had_is_refused_and_the_old_one_goes_on(page: AppTest) -> None:
    start_demo(page)
    (worker,) = registry().workers()
    worker.change(model="missing.tflite")
    until_warned(page, "missing.tflite")
    assert worker.running
    assert worker.config.model != "missing.tflite"


def until_warned(page: AppTest, text: str) -> None:
    deadline_s = time.monotonic() + 15
    while not any(text in warning.value for warning in page.warning):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
        page.run()


def test_recording_keeps_results_and_offers_them(page: AppTest) -> None:
    start_demo(page)
    page.button(key="second").click().run()
    until(page, "results, ")
    time.sleep(0.5)
    page.button(key="second").click().run()
    assert not page.exception
    assert downloads_of(page) == {"CSV", "JSON Lines", "Chart (SVG)", "Report"}
    page.button(key="run").click().run()
    assert downloads_of(page) == {"CSV", "JSON Lines", "Chart (SVG)", "Report"}


def test_the_model_page_shows_contract_recall_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    info = ModelInfo("tiny", heads=(Head(accuracy={"label": {"PrivateTest": 0.7123}}),), keras_sha256="abc")
    matrix = [[10 if row == column else 1 for column in range(7)] for row in range(7)]
    score = {"count": 112, "recall": dict.fromkeys(LABELS, 0.625), "confusion": matrix}
    monkeypatch.setattr(model_page, "bundled", lambda: [Bundled("int8", info, 123_456)])
    monkeypatch.setattr(model_page, "training_scores", lambda _: {"label": {"label": {"PrivateTest": score}}})
    monkeypatch.setattr(model_page, "conversion_losses", lambda _: {"int8": {"label": {"agreement": 0.99}}})
    page = AppTest.from_string("from app.model_page import show\nshow()", default_timeout=30).run()
    text = html_of(page)
    assert not page.exception
    for part in ("tiny", "123,456", "71.23%", "99.00%", "62.5%", "prohibited"):
        assert part in text


def test_the_model_page_without_a_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_page, "bundled", list)
    page = AppTest.from_string("from app.model_page import show\nshow()", default_timeout=30).run()
    assert "python -m train" in page.warning[0].value
