"""The real app in a real Chromium: videos, photos, records and what is downloaded; a reload loses nothing."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from edge.model_info import LABELS
from edge.sources import DemoSource
from tests.app.browser import WAIT_MS, choose, download_csv, recorded, start, wait_until
from tests.app.chromium import CHROMIUM
from tests.app.walks import write_two_people

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


def test_a_reload_and_a_look_at_another_page_lose_nothing(page: Any, tmp_path: Path) -> None:
    choose(page, "Source", "file")
    page.locator("input[type=file]").set_input_files(_write_clip(tmp_path / "clip.avi", 150))
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="How right is it").click()
    expect(page.get_by_text("Limits of use")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("link", name="How right is it")).to_be_visible(timeout=WAIT_MS)
    page.reload()
    expect(page.get_by_text("150 images, a face in 150")).to_be_visible(timeout=2 * WAIT_MS)
    choose(page, "Source", "demo")
    start(page, "Start demo")
    page.get_by_role("button", name="Record results").click()
    wait_until(lambda: recorded(page) > 3)
    name = page.get_by_label("Name of person 1")
    name.fill("Anna")
    name.press("Enter")
    before = recorded(page)
    page.reload()
    wait_until(lambda: recorded(page) > before)
    expect(page.get_by_label("Name of person 1")).to_have_value("Anna")
    page.get_by_role("link", name="How right is it").click()
    expect(page.get_by_text("Limits of use")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="Back").click()
    wait_until(lambda: recorded(page) > before + 1)
    page.get_by_role("button", name="Stop recording").click()
    rows = download_csv(page)
    assert len(rows) > before
    for row in rows:
        assert row["emotion"] in (*LABELS, "uncertain")
        assert sum(float(row[label]) for label in LABELS) == pytest.approx(1, abs=0.01)
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_text("Chart (PNG)").click()
    assert re.fullmatch(r"demo_[\d-]+_[\d-]+\.png", download.value.suggested_filename)
    assert cv2.imread(str(download.value.path())).shape[1] == 2080


def test_a_video_s_chart_shows_the_csv_s_numbers(page: Any, tmp_path: Path) -> None:
    clip = write_two_people(tmp_path / "clip.avi")
    choose(page, "Source", "file")
    page.locator("input[type=file]").set_input_files(clip)
    expect(page.get_by_text("2 people")).to_be_visible(timeout=2 * WAIT_MS)
    rows = download_csv(page)
    lines = page.locator("svg.lines polyline").evaluate_all(
        "lines => lines.map(line => [line.dataset.person, line.dataset.of, line.getAttribute('points')])"
    )
    drawn = {
        (who, label, round(float(x) / 1000 * 4.0, 2)): 1 - float(y) / 100
        for who, label, points in lines
        for x, y in (point.split(",") for point in points.split())
    }
    told = {
        (row["track_id"], label, round(float(row["position_s"]), 2)): row[label] for row in rows for label in LABELS
    }
    assert drawn.keys() == told.keys()
    assert all(drawn[key] == pytest.approx(float(told[key]), abs=1e-3) for key in told)
    times = {who: sorted({at_s for other, _, at_s in drawn if other == who}) for who in ("1", "2")}
    assert 1.0 <= times["1"][0] < 2.0, "time is the player's, not the first face's"
    assert max(np.diff(times["1"])) > 0.8, "a gap is a gap"
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_role("button", name="Video", exact=True).click()
    assert _frames_of(download.value.path()) == 40
    page.wait_for_function("document.querySelector('video').videoWidth === 640")


def test_many_photos_are_analyzed_and_shown(page: Any, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), DemoSource().image(0))
    choose(page, "Source", "file")
    page.locator("input[type=file]").set_input_files([tmp_path / "a.png", tmp_path / "b.png"])
    expect(page.get_by_text("2 photos, 2 faces")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_function("document.querySelector('.photos img')?.naturalWidth === 640")
    assert [row["file"] for row in download_csv(page)] == ["a.png", "b.png"]


def _write_clip(path: Path, count: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, DemoSource.size)
    demo = DemoSource()
    for index in range(count):
        writer.write(demo.image(index))
    writer.release()
    return path


def _frames_of(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count
