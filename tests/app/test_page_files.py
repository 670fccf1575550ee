"""Photos, videos and snapshots on the page, through Streamlit's own AppTest."""

import re
from pathlib import Path

import cv2
import pytest
from streamlit.testing.v1 import AppTest

from edge.sources import DemoSource
from tests.app.page import FACE, clip, downloads_of, html_of, tab, until, upload


@pytest.fixture
def page(script: AppTest) -> AppTest:
    """The page as a new tab sees it."""
    return script


def test_many_photos_give_everybody_s_faces(page: AppTest) -> None:
    page.selectbox(key="source 0").set_value("file").run()
    upload(page, ("b.jpg", FACE, "image/jpeg"), ("a.jpg", FACE, "image/jpeg"), ("junk.png", b"junk", "image/png"))
    until(page, "2 photos, 2 faces")
    assert "junk.png can't be read" in page.error[0].value
    assert html_of(page).count('<article class="person">') == 2
    for form, words in (("faces", 'class="faces"'), ("table", "<table")):
        page.segmented_control(key="photo_form").set_value(form).run()
        assert words in html_of(page)
    assert html_of(page).index("b.jpg") < html_of(page).index("a.jpg")
    assert downloads_of(page) == {"CSV"}
    table = tab().photos.csv()
    assert [line.split(",")[5] for line in table.splitlines()] == ["file", "b.jpg", "a.jpg"]
    page.selectbox(key="source 0").set_value("demo").run()
    page.selectbox(key="source 0").set_value("file").run()
    assert "2 photos, 2 faces" in html_of(page)
    upload(page, ("face.jpg", FACE, "image/jpeg"))
    until(page, "1 photo, 1 face")
    assert downloads_of(page) == {"CSV", "Image"}


def test_faces_are_sorted_by_size(page: AppTest) -> None:
    small = cv2.imencode(".jpg", cv2.resize(DemoSource().image(0), None, fx=0.6, fy=0.6))[1].tobytes()
    page.selectbox(key="source 0").set_value("file").run()
    upload(page, ("small.jpg", small, "image/jpeg"), ("large.jpg", FACE, "image/jpeg"))
    until(page, "2 photos, 2 faces")
    page.segmented_control(key="photo_form").set_value("table").run()
    assert re.findall(r"<td>(\w+)\.jpg</td>", html_of(page)) == ["small", "large"]
    page.segmented_control(key="photo_sort").set_value("face size").run()
    assert re.findall(r"<td>(\w+)\.jpg</td>", html_of(page)) == ["large", "small"]


@pytest.mark.parametrize("name", ["junk.png", "junk.mp4"])
def test_a_junk_upload_gives_a_message(page: AppTest, name: str) -> None:
    page.selectbox(key="source 0").set_value("file").run()
    upload(page, (name, b"junk", "application/octet-stream"))
    until(page, f"{name} can't be read")


def test_a_video_s_result_stays_until_another_file_is_chosen(page: AppTest, tmp_path: Path) -> None:
    page.selectbox(key="source 0").set_value("file").run()
    upload(page, clip(tmp_path / "talk.avi", 3))
    page.selectbox(key="source 0").set_value("demo").run()
    page.selectbox(key="source 0").set_value("file").run()
    until(page, "3 images, a face in 3, 1 person")
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
    page.selectbox(key="source 0").set_value("snapshot").run()
    page.camera_input(key="snapshot").set_value(("snapshot.jpg", FACE, "image/jpeg")).run()
    until(page, "1 photo, 1 face")
