"""The page's widgets and messages, through Streamlit's own AppTest; what needs a browser is in test_browser.py."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import controls, live, live_state, model_page
from app.reports import Bundled
from app.sessions import Session, registry
from edge.config import DEVICE_FILE_VARIABLE
from edge.errors import ModelError, StuckThreadError
from edge.interpreter import installed_runtimes
from edge.model_info import LABELS, Head, ModelInfo
from edge.sources import DemoSource

PAGE = str(Path(__file__).parents[2] / "app" / "page.py")


@pytest.fixture
def device_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this device's defaults are looked for: not there, whatever the developer has at home."""
    monkeypatch.setenv(DEVICE_FILE_VARIABLE, str(tmp_path / "device.json"))
    return tmp_path / "device.json"


def new_tab() -> AppTest:
    st.cache_resource.clear()  # all AppTests are one tab to Streamlit, and a tab remembers its choices
    return AppTest.from_file(PAGE, default_timeout=30).run()


@pytest.fixture
def page(device_file: Path) -> Iterator[AppTest]:
    """The page as a new tab sees it; its worker ends with the test."""
    yield new_tab()
    registry().shut_down()


def tab() -> Session:
    """The one tab: all AppTests are one to Streamlit."""
    return next(iter(registry()._sessions.values()), Session())


def html_of(page: AppTest) -> str:
    """What the page shows, and what its live pane asks for."""
    elements = [element.value for element in page.markdown] + [element.proto.body for element in page.get("html")]
    panes = [element.proto.json for element in page.get("bidi_component")]
    return " ".join([*elements, *panes, live_state.state(tab()).html])


def until(page: AppTest, text: str, seconds: float = 15) -> AppTest:
    """Rerun the page until it shows `text`."""
    deadline_s = time.monotonic() + seconds
    while text not in html_of(page) + " ".join(error.value for error in page.error):
        assert time.monotonic() < deadline_s, f"{text!r} not in {html_of(page)!r}"
        time.sleep(0.1)
        page.run()
    assert not page.exception
    return page


def test_the_first_look_says_what_it_is_and_a_click_shows_a_face(page: AppTest) -> None:
    for words in ("tells which emotion most people", "no picture leaves it", "not what somebody feels", "<img"):
        assert words in html_of(page)
    assert [button.label for button in page.button[:2]] == ["See yourself", "Show the demo"]
    start_demo(page)
    for words in ("live-image", "of 10 people would say", "certainty", "not what somebody feels", "health"):
        assert words in html_of(page)
    page.button(key="run").click().run()
    assert "tells which emotion most people" in html_of(page)
    assert registry().workers() == []


def start_demo(page: AppTest) -> None:
    page.button(key="second").click().run()
    until(page, "person-1")


def test_nothing_on_the_page_is_timed_by_streamlit() -> None:
    """A fragment that runs by itself races with the page's script; what moves is the pane's."""
    texts = [path.read_text() for path in Path(PAGE).parent.glob("*.py")]
    assert not [text for text in texts if "run_every" in text or "st.fragment" in text]


def test_a_missing_camera_says_what_helps(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"97": "unplugged a moment ago"})
    page.selectbox(key="kind").set_value("webcam").run()
    page.button(key="run").click().run()
    until(page, "No camera at index 97")
    start_demo(page)
    assert page.selectbox(key="kind").value == "demo"


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
    page.selectbox(key="kind").set_value("address").run()
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
    assert page.selectbox(key="model").value == "int8"
    assert page.selectbox(key="detector").value == "haar"


def test_damaged_defaults_of_this_device_say_what_helps(page: AppTest, device_file: Path) -> None:
    device_file.write_text("{")
    page = new_tab()
    assert "run it again, or remove the file" in page.warning[0].value
    start_demo(page)


@pytest.mark.parametrize("camera", ["../../etc/passwd", "/dev/sda", "/dev/video0/../sda", "0.mp4", "https://x"])
def test_a_camera_is_no_file(page: AppTest, camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {camera: "typed"})
    page.selectbox(key="kind").set_value("webcam").run()
    page.button(key="run").click().run()
    assert "Expected a camera's index" in page.error[0].value
    assert registry().workers() == []


def test_one_camera_has_one_name(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"/dev/video97": "typed"})
    page.selectbox(key="kind").set_value("webcam").run()
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
    assert page.selectbox(key="kind").options == list(controls.KINDS.values())


FACE = cv2.imencode(".jpg", DemoSource().image(0))[1].tobytes()


def upload(page: AppTest, *files: tuple[str, bytes, str]) -> None:
    page.file_uploader(key="upload").set_value(list(files)).run()


def test_many_photos_give_everybody_s_faces(page: AppTest) -> None:
    page.selectbox(key="kind").set_value("file").run()
    upload(page, ("b.jpg", FACE, "image/jpeg"), ("a.jpg", FACE, "image/jpeg"), ("junk.png", b"junk", "image/png"))
    until(page, "2 photos, 2 faces")
    assert "junk.png can't be read" in page.error[0].value
    assert html_of(page).count('id="person-1"') == 2
    for form, words in (("faces", 'class="faces"'), ("table", "<table")):
        page.segmented_control(key="photo_form").set_value(form).run()
        assert words in html_of(page)
    assert html_of(page).index("b.jpg") < html_of(page).index("a.jpg")
    assert downloads_of(page) == {"CSV"}
    table = tab().photos.csv()
    assert [line.split(",")[5] for line in table.splitlines()] == ["file", "b.jpg", "a.jpg"]
    page.selectbox(key="kind").set_value("demo").run()
    page.selectbox(key="kind").set_value("file").run()
    assert "2 photos, 2 faces" in html_of(page)
    upload(page, ("face.jpg", FACE, "image/jpeg"))
    until(page, "1 photos, 1 faces")
    assert downloads_of(page) == {"CSV", "Image"}


@pytest.mark.parametrize("name", ["junk.png", "junk.mp4"])
def test_a_junk_upload_gives_a_message(page: AppTest, name: str) -> None:
    page.selectbox(key="kind").set_value("file").run()
    upload(page, (name, b"junk", "application/octet-stream"))
    until(page, f"{name} can't be read")


def clip(path: Path, count: int) -> tuple[str, bytes, str]:
    """A video of the demo to upload."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, DemoSource.size)
    for index in range(count):
        writer.write(DemoSource().image(index))
    writer.release()
    return path.name, path.read_bytes(), "video/x-msvideo"


def test_a_video_s_result_stays_until_another_file_is_chosen(page: AppTest, tmp_path: Path) -> None:
    page.selectbox(key="kind").set_value("file").run()
    upload(page, clip(tmp_path / "talk.avi", 3))
    page.selectbox(key="kind").set_value("demo").run()
    page.selectbox(key="kind").set_value("file").run()
    until(page, "3 images, a face in 3, 1 people")
    assert "not what somebody feels" in html_of(page)
    page.toggle(key="blur").set_value(True).run()
    tab().video.people.rename(1, "Anna")
    page.button(key="again").click().run()
    until(page, "3 images, a face in 3")
    assert "Anna" in html_of(page)
    assert tab().video.rendering.blur
    assert downloads_of(page) == {"Video", "CSV", "JSON Lines", "Chart (SVG)", "Report", "Report with pictures"}
    upload(page, clip(tmp_path / "next.avi", 2))
    until(page, "2 images, a face in 2")
    upload(page)
    assert "Choose files" in html_of(page)


def test_a_snapshot_gives_its_faces(page: AppTest) -> None:
    page.selectbox(key="kind").set_value("snapshot").run()
    page.camera_input(key="snapshot").set_value(("snapshot.jpg", FACE, "image/jpeg")).run()
    until(page, "1 photos, 1 faces")


def test_the_browser_s_camera_waits_for_its_first_image_and_ends_with_another_source(page: AppTest) -> None:
    page.selectbox(key="kind").set_value("browser").run()
    page.button(key="run").click().run()
    until(page, "Waiting for your camera")
    registry().put_image(tab(), FACE)
    until(page, "live-image")
    page.selectbox(key="kind").set_value("file").run()
    assert registry().workers() == []


def test_a_file_ends_the_live_view(page: AppTest) -> None:
    start_demo(page)
    page.selectbox(key="kind").set_value("file").run()
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


def downloads_of(page: AppTest) -> set[str]:
    return {element.proto.label for element in page.get("download_button")}


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
    proof = {"runtime": "tflite", "losses_by_runtime": {"tflite": {"label": {"agreement": 0.99}}}}
    monkeypatch.setattr(model_page, "conversion_variants", lambda _: {"int8": proof})
    page = AppTest.from_string("from app.model_page import show\nshow()", default_timeout=30).run()
    text = html_of(page)
    assert not page.exception
    for part in ("tiny", "123,456", "71.23%", "99.00%", "62.5%", "prohibited"):
        assert part in text


def test_the_model_page_without_a_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_page, "bundled", list)
    page = AppTest.from_string("from app.model_page import show\nshow()", default_timeout=30).run()
    assert "python -m train" in page.warning[0].value
