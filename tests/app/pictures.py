"""Pictures of the app, from a real Chromium: those of the documentation, or of every page and state, to look at.

python -m tests.app.pictures                                     app/first_look.jpg and docs/images/app*.png
python -m tests.app.pictures --all /tmp/pictures                 three sizes, light and dark, of everything
python -m tests.app.pictures --all /tmp/pictures --walks files   of photos and videos only
"""

import argparse
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
from PIL import Image
from playwright.sync_api import sync_playwright

from app.rendering import RenderOptions, render
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.results import Frame
from edge.sources import PORTRAIT
from tests.app.browser import open_tab, start
from tests.app.chromium import CHROMIUM, FLAGS
from tests.app.server import AppServer
from tests.app.walks import WALKS
from tests.rigs.faults import ROOT

SIZES = ((390, 844), (1280, 800), (1920, 1080))
SCHEMES = ("light", "dark")
MAIN = "document.querySelector('[data-testid=stMain]')"
SETTLE_MS = 700


@contextmanager
def app() -> Iterator[Any]:
    """A tab with the app."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AppServer(Path(folder), {}) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield open_tab(browser.new_context(permissions=["camera"], device_scale_factor=1), server)
        browser.close()


def whole(page: Any) -> Image.Image:
    """The page from top to bottom, as one scrolls through it."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLE_MS)
    size = page.viewport_size
    picture = Image.new("RGB", (size["width"], page.evaluate(f"{MAIN}.scrollHeight")))
    for top in range(0, picture.height, size["height"]):
        page.evaluate(f"{MAIN}.scrollTo(0, {top})")
        page.wait_for_timeout(100)
        picture.paste(Image.open(io.BytesIO(page.screenshot())), (0, round(page.evaluate(f"{MAIN}.scrollTop"))))
    page.evaluate(f"{MAIN}.scrollTo(0, 0)")
    return picture


def take_all(folder: Path, walks: list[str]) -> None:
    """Write every state in all sizes, side by side."""
    for name in walks:
        with app() as page, tempfile.TemporaryDirectory() as uploads:
            for state in WALKS[name](page, Path(uploads)):
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    _beside(page).save(folder / f"{state}-{scheme}.png")
                print(state, flush=True)


def _beside(page: Any) -> Image.Image:
    pictures = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        pictures.append(whole(page))
    sheet = Image.new("RGB", (sum(one.width + 20 for one in pictures), max(one.height for one in pictures)), "gray")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + 20
    return sheet


def first_look() -> Image.Image:
    """The demo's portrait with what is told of it."""
    image = cv2.resize(cv2.imread(str(PORTRAIT)), (720, 720), interpolation=cv2.INTER_CUBIC)
    result = Engine(EdgeConfig()).push(Frame.now(image, 0, "portrait", is_still=True))
    assert result is not None
    drawn = render(image, result, RenderOptions())[:480]
    return Image.fromarray(cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB))


def take_for_the_docs() -> None:
    """Write the pictures that the repository shows."""
    first_look().save(ROOT / "app" / "first_look.jpg", quality=85)
    images = ROOT / "docs" / "images"
    with app() as page:
        page.set_viewport_size({"width": 1280, "height": 800})
        whole(page).save(images / "app_first_look.png", optimize=True)
        start(page)
        page.wait_for_timeout(30_000)  # the last minute is half full
        whole(page).save(images / "app.png", optimize=True)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=str(images / "app_phone.png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="DIR", help="write pictures of everything into this folder")
    parser.add_argument("--walks", nargs="+", choices=WALKS, default=list(WALKS), help="with --all: which")
    arguments = parser.parse_args()
    if arguments.all is None:
        take_for_the_docs()
        return
    arguments.all.mkdir(parents=True, exist_ok=True)
    take_all(arguments.all, arguments.walks)


if __name__ == "__main__":
    main()
