"""The page's widgets and messages, through Streamlit's own AppTest; what needs a browser is in test_browser.py."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import controls, live, model_page
from app.rendering import RenderOptions
from app.reports import Bundled
from app.sessions import registry
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
    return AppTest.from_file(PAGE, default_timeout=30).run()


@pytest.fixture
def page(device_file: Path) -> Iterator[AppTest]:
    """The page as a new tab sees it; its worker ends with the test."""
    yield new_tab()
    registry().shut_down()
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
    until(page, "No camera at index 97")
    page.button(key="try_demo").click().run()
    assert page.selectbox(key="kind").value == "demo"
    until(page, "Face 1 ·")


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
    page.button(key="start").click().run()
    until(page, message)


def test_controls_build_the_config_of_the_running_worker(page: AppTest) -> None:
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    chosen = {"detector": "haar", "model": "float16", "runtime": installed_runtimes()[0], "rotate": 180}
    slid = {"detect_every": 5, "smoothing_s": 0.5, "threshold": 0.2, "fps": 10.0}
    for name, text in chosen.items():
        page.selectbox(key=name).set_value(text)
    for name, number in slid.items():
        page.slider(key=name).set_value(number)
    for name in ("mirror", "blur", "inline"):
        page.toggle(key=name).set_value(True)
    page.run()
    (worker,) = registry().workers()
    config = asdict(worker.config)
    assert {name: config[name] for name in (*chosen, *slid)} == {**chosen, **slid}
    assert worker.rendering == RenderOptions(blur=True)
    assert worker.config.mirror
    assert worker.config.source == "demo"


def test_the_controls_begin_with_what_is_best_on_this_device(page: AppTest, device_file: Path) -> None:
    tuned = {"detector": "haar", "model": "float16", "runtime": installed_runtimes()[-1], "threads": 2}
    device_file.write_text(json.dumps({"options": tuned}))
    page = new_tab()
    page.button(key="start").click().run()
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
    page.button(key="start").click().run()
    until(page, "Face 1 ·")


@pytest.mark.parametrize("camera", ["../../etc/passwd", "/dev/sda", "/dev/video0/../sda", "0.mp4", "https://x"])
def test_a_camera_is_no_file(page: AppTest, camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {camera: "typed"})
    page.selectbox(key="kind").set_value("webcam").run()
    page.button(key="start").click().run()
    assert "Expected a camera's index" in page.error[0].value
    assert registry().workers() == []


def test_one_camera_has_one_name(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "webcams", lambda: {"/dev/video97": "typed"})
    page.selectbox(key="kind").set_value("webcam").run()
    page.button(key="start").click().run()
    until(page, "No camera at index 97")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("no contract"), "choose another one in the sidebar"),
        (StuckThreadError("Expected camera 0 to answer"), "Expected camera 0 to answer"),
        (KeyError("x"), "the server's log"),
    ],
)
def test_errors_are_explained(error: Exception, words: str) -> None:
    assert words in live.explain(error, "demo")


def test_every_control_has_a_line_of_help(page: AppTest) -> None:
    widgets = [*page.selectbox, *page.slider, *page.toggle]
    assert len(widgets) >= 10
    assert [widget.label for widget in widgets if not widget.help] == []


def test_sources_are_named(page: AppTest) -> None:
    assert page.selectbox(key="kind").options == list(controls.KINDS.values())


FACE = cv2.imencode(".jpg", DemoSource().image(0))[1].tobytes()


def test_an_uploaded_image_gives_its_faces_at_once(page: AppTest) -> None:
    page.selectbox(key="kind").set_value("file").run()
    page.file_uploader(key="upload").set_value(("face.jpg", FACE, "image/jpeg")).run()
    assert "Face 1 ·" in html_of(page)
    assert downloads_of(page) == {"Image", "CSV", "JSON Lines"}


@pytest.mark.parametrize("name", ["junk.png", "junk.mp4"])
def test_a_junk_upload_gives_a_message(page: AppTest, name: str) -> None:
    page.selectbox(key="kind").set_value("file").run()
    page.file_uploader(key="upload").set_value((name, b"junk", "application/octet-stream")).run()
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
    page.file_uploader(key="upload").set_value(clip(tmp_path / "talk.avi", 3)).run()
    page.selectbox(key="kind").set_value("demo").run()
    page.selectbox(key="kind").set_value("file").run()
    until(page, "3 images, a face in 3")
    page.toggle(key="blur").set_value(True).run()
    page.button(key="again").click().run()
    until(page, "3 images, a face in 3")
    assert downloads_of(page) == {"Video", "CSV", "JSON Lines", "Chart"}
    page.file_uploader(key="upload").set_value(clip(tmp_path / "next.avi", 2)).run()
    until(page, "2 images, a face in 2")
    page.file_uploader(key="upload").set_value(("face.jpg", FACE, "image/jpeg")).run()
    assert downloads_of(page) == {"Image", "CSV", "JSON Lines"}
    page.file_uploader(key="upload").clear().run()
    assert "Choose a file" in html_of(page)


def test_a_snapshot_gives_its_faces(page: AppTest) -> None:
    page.selectbox(key="kind").set_value("snapshot").run()
    page.camera_input(key="snapshot").set_value(("snapshot.jpg", FACE, "image/jpeg")).run()
    assert "Face 1 ·" in html_of(page)


def test_the_browser_s_camera_names_its_extra(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit_webrtc", None)
    page.selectbox(key="kind").set_value("browser").run()
    assert "[webrtc]" in page.info[0].value


def test_another_source_ends_the_browser_s_camera(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    playing = SimpleNamespace(state=SimpleNamespace(playing=True))
    library = SimpleNamespace(WebRtcMode=SimpleNamespace(SENDRECV=None), webrtc_streamer=lambda *_, **__: playing)
    monkeypatch.setitem(sys.modules, "streamlit_webrtc", library)  # its libsrtp crashes in a process with so much else
    page.selectbox(key="kind").set_value("browser").run()
    assert not page.button(key="record_start").disabled
    page.selectbox(key="kind").set_value("demo").run()
    assert "Nothing is running" in html_of(page)
    assert [button.label for button in page.button] == ["Start demo", "Stop"]


def test_a_file_ends_the_live_view(page: AppTest) -> None:
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    page.selectbox(key="kind").set_value("file").run()
    assert registry().workers() == []
    assert not page.exception


def test_a_setting_that_can_t_be_had_is_refused_and_the_old_one_goes_on(page: AppTest) -> None:
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    (worker,) = registry().workers()
    worker.change(replace(worker.config, model="missing.tflite"), worker.rendering)
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
    page.button(key="start").click().run()
    until(page, "Face 1 ·")
    page.button(key="record_start").click().run()
    time.sleep(0.5)
    page.button(key="record_stop").click().run()
    assert not page.exception
    assert downloads_of(page) == {"CSV", "JSON Lines"}


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
