"""Every page and state of the app, one after the other: for the eye (`pictures.py`) and for axe-core.

for state in live(page, folder):
    page.screenshot(...)
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import expect

from edge.results import BgrImage
from edge.sources import PORTRAIT, DemoSource
from tests.app.browser import WAIT_MS, choose, recorded, start, stop, wait_until
from tests.app.rates import FAULTS
from tests.app.server import ClockCamera

Walk = Callable[[Any, Path], Iterator[str]]
WIDE = (1280, 720)


def live(page: Any, _: Path) -> Iterator[str]:
    """From the first look to a record; the page of the model."""
    yield "first look"
    page.get_by_text("On your phone").click()
    expect(page.get_by_text("make phone")).to_be_visible(timeout=WAIT_MS)
    yield "phone"
    page.get_by_text("On your phone").click()
    start(page)
    yield "demo"
    page.get_by_role("button", name="Record results").click()
    wait_until(lambda: recorded(page) > 3)
    page.locator(".health summary").click()
    yield "recording"
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("heading", name="Record")).to_be_visible(timeout=WAIT_MS)
    yield "record"
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_text("How far should it see?")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("For experts").click()
    expect(page.get_by_text("Compatible video")).to_be_visible(timeout=WAIT_MS)
    yield "options"
    page.keyboard.press("Escape")
    stop(page)
    yield "stopped"
    page.get_by_role("link", name="How right is it").click()
    expect(page.get_by_text("Limits of use")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Confusions")).to_be_visible(timeout=WAIT_MS)
    yield "model"
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("button", name="Start demo")).to_be_visible(timeout=WAIT_MS)


def cameras(page: Any, _: Path) -> Iterator[str]:
    """Of several people, of nobody, frozen, dark, dead, and one that is not there."""
    with ClockCamera([group(5, moment) for moment in range(30)]) as camera:
        choose(page, "Source", "address")
        _type_address(page, camera.url)
        start(page, "Start camera")
        expect(page.locator(".person")).to_have_count(5, timeout=WAIT_MS)
        yield "people"
        for fault, words in FAULTS.items():
            camera.fault = fault
            expect(page.locator(".veil:not(.silent)").get_by_text(words)).to_be_visible(timeout=WAIT_MS)
            yield fault
            camera.fault = ""
            expect(page.locator(".veil:not(.silent)")).to_be_hidden(timeout=WAIT_MS)
        stop(page)
    with ClockCamera([_noise(moment, (480, 640, 3)) + np.uint8(120) for moment in range(30)]) as camera:
        _type_address(page, camera.url)
        page.get_by_role("button", name="Start camera").click()
        expect(page.locator(".nobody")).to_be_visible(timeout=WAIT_MS)
        yield "nobody"
        stop(page)
    _type_address(page, "rtsp://127.0.0.1:9/none")
    page.get_by_role("button", name="Start camera").click()
    expect(page.get_by_text("Nothing comes from")).to_be_visible(timeout=WAIT_MS)
    yield "no camera"


def files(page: Any, folder: Path) -> Iterator[str]:
    """Photos, a video, a file that is none, a snapshot."""
    choose(page, "Source", "file")
    upload = page.locator("input[type=file]")
    expect(page.get_by_text("Choose files")).to_be_visible(timeout=WAIT_MS)
    yield "no file"
    upload.set_input_files(_photos(folder))
    expect(page.get_by_text("4 photos, 8 faces")).to_be_visible(timeout=2 * WAIT_MS)
    page.wait_for_function("[...document.querySelectorAll('.photos img')].slice(0, 2).every(one => one.naturalWidth)")
    yield "photos"
    for form in ("faces", "table"):
        page.get_by_text(form, exact=True).first.click()
        expect(page.locator(f".{form}" if form == "faces" else "table.facts")).to_be_visible(timeout=WAIT_MS)
        yield form
    choose(page, "Source", "demo")
    choose(page, "Source", "file")
    page.locator("input[type=file]").set_input_files(write_two_people(folder / "talk.avi"))
    expect(page.get_by_text("2 people")).to_be_visible(timeout=2 * WAIT_MS)
    page.wait_for_function("document.querySelector('video')?.videoWidth === 640")
    yield "video"
    (folder / "junk.png").write_bytes(b"junk")
    choose(page, "Source", "demo")
    choose(page, "Source", "file")
    page.locator("input[type=file]").set_input_files(folder / "junk.png")
    expect(page.get_by_text("junk.png can't be read")).to_be_visible(timeout=WAIT_MS)
    yield "no photo"
    choose(page, "Source", "snapshot")
    expect(page.get_by_role("button", name="Take photo")).to_be_enabled(timeout=WAIT_MS)  # its camera runs
    yield "snapshot"


WALKS: dict[str, Walk] = {"live": live, "cameras": cameras, "files": files}


def _type_address(page: Any, url: str) -> None:
    address = page.get_by_role("textbox", name="Address")
    address.fill(url)
    address.press("Enter")


def group(count: int, moment: int = 0) -> BgrImage:
    """A wide image with the demo's face so many times, in rows; it trembles a little."""
    image = _noise(moment, (WIDE[1], WIDE[0], 3)) + np.uint8(90)
    columns, side = (2, 330) if count < 3 else (3, 250)
    face = cv2.resize(cv2.imread(str(PORTRAIT)), (side, side))
    for number in range(count):
        x = 60 + number % columns * (WIDE[0] - 60) // columns + int(6 * np.sin(moment / 5 + number))
        y = 50 + number // columns * (side + 40)
        image[y : y + side, x : x + side] = face[:, :: -1 if number % 2 else 1]
    return image


def _noise(moment: int, shape: tuple[int, ...]) -> BgrImage:
    return np.random.default_rng(moment).integers(0, 9, shape, dtype=np.uint8)


def _photos(folder: Path) -> list[Path]:
    images = {
        "sea.png": group(2),
        "family.png": group(5),
        "portrait.png": DemoSource().image(0),
        "nobody.png": np.full((480, 640, 3), 120, np.uint8),
    }
    for name, image in images.items():
        cv2.imwrite(str(folder / name), image)
    return [folder / name for name in images]


def write_two_people(path: Path) -> Path:
    """A film of four seconds: nobody, one person, both, the second one alone, both."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, DemoSource.size)
    face = cv2.resize(cv2.imread(str(PORTRAIT)), (240, 240))
    for index in range(40):
        image = np.full((480, 640, 3), 90, np.uint8)
        image += np.random.default_rng(index).integers(0, 6, image.shape, dtype=np.uint8)
        if 10 <= index < 20 or index >= 30:
            image[120:360, 30:270] = face
        if index >= 15:
            image[120:360, 360:600] = face[:, ::-1]
        writer.write(image)
    writer.release()
    return path
