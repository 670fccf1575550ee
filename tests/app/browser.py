"""What a user does in the page of the app, in a real Chromium."""

import csv
import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from app.controls import KINDS
from tests.app.cable import Cable
from tests.app.server import AppServer
from tests.rigs.clips import BITS, SIDE

WAIT_MS = 60_000
WATCH_S = 10
A_FACE = re.compile(r"people would (say|disagree)")
"""What is told of a face, where `result` shows it."""
WATCH_JS = (Path(__file__).parent / "watch.js").read_text()


def open_tab(context: Any, server: AppServer | Cable) -> Any:
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(server.url)
    expect(page.get_by_role("button", name="See yourself")).to_be_visible(timeout=WAIT_MS)
    return page


def choose(page: Any, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=KINDS.get(option, option), exact=True).click()


def result(page: Any) -> Any:
    """The first person of a running source; the first look has an example, too."""
    return page.locator(".live .person").get_by_text(A_FACE).first


def start(page: Any, button: str = "Show the demo") -> None:
    page.get_by_role("button", name=button).click()
    expect(result(page)).to_be_visible(timeout=WAIT_MS)


def start_source(page: Any, kind: str) -> None:
    choose(page, "Source", kind)
    start(page, "See yourself" if kind == "webcam" else "Start")


def stop(page: Any) -> float:
    """Press Stop; the seconds until the page says so."""
    started_s = time.monotonic()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("img.live-image").wait_for(state="detached")
    return time.monotonic() - started_s


def option(page: Any, name: str) -> None:
    """Click a switch among the options."""
    page.get_by_role("button", name="Options").click()
    page.get_by_text(name, exact=True).click()
    page.keyboard.press("Escape")


def recorded(page: Any) -> int:
    """The results in the running record."""
    return int(page.locator(".recording").inner_text(timeout=WAIT_MS).split()[0])


def watch(page: Any, seconds: float = WATCH_S) -> Any:
    return page.evaluate(WATCH_JS, [seconds, BITS, SIDE])


def assert_flows(page: Any) -> None:
    """New images appear, however slowly; a tab behind another one is not drawn."""
    page.bring_to_front()
    assert any(len(watch(page, 2)["ages"]) >= 3 for _ in range(5))


def wait_until(true: Any, most_s: float = 30) -> None:
    assert seconds_until(true, most_s) < most_s


def seconds_until(true: Any, most_s: float = 10) -> float:
    started_s = time.monotonic()
    while not true() and time.monotonic() - started_s < most_s:
        time.sleep(0.05)
    return time.monotonic() - started_s


def download_csv(page: Any) -> list[dict[str, str]]:
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))
