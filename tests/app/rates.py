"""How fluent, fresh and quick the app is here: images per second, their age, how soon Stop and a fault are answered.

python -m tests.app.rates --times 5
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import expect, sync_playwright

from tests.app.browser import WAIT_MS, choose, open_tab, start, stop, watch
from tests.app.chromium import CHROMIUM, FLAGS
from tests.app.server import AppServer, ClockCamera, first_in_line

FAULTS = {"frozen": "The picture is frozen", "dark": "black", "silent": "No picture for", "killed": "No picture for"}


def measure(times: int) -> Iterator[str]:
    """What was measured, in words."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AppServer(Path(folder), {}) as server,
        first_in_line(),
        sync_playwright() as playwright,
    ):
        page = open_tab(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_context(), server)
        start(page)
        yield f"images per second: {_ordered([watch(page, 10)['perSecond'] for _ in range(times)])}"
        waits_s = [stop(page)]
        for _ in range(times - 1):
            start(page, "Start demo")
            waits_s.append(stop(page))
        yield f"seconds until Stop is answered: {_ordered(waits_s, 2)}"
        with ClockCamera() as camera:
            choose(page, "Source", "address")
            page.get_by_role("textbox", name="Address").fill(camera.url)
            page.get_by_role("textbox", name="Address").press("Enter")
            start(page, "Start camera")
            ages_ms = [float(np.percentile(watch(page, 10)["ages"], 95)) for _ in range(times)]
            yield f"95th percentile of the age in milliseconds: {_ordered(ages_ms, 0)}"
            for fault, words in FAULTS.items():
                yield f"seconds until {fault} is told: {seconds_until_told(page, camera, fault, words):.1f}"
            stop(page)


def seconds_until_told(page: Any, camera: ClockCamera, fault: str, words: str) -> float:
    """Give the camera a fault and take it away again; the seconds until the page says so."""
    veil = page.locator(".veil:not(.silent)")
    camera.fault = fault
    began_s = time.monotonic()
    expect(veil.get_by_text(words)).to_be_visible(timeout=WAIT_MS)
    told_s = time.monotonic() - began_s
    camera.fault = ""
    expect(veil).to_be_hidden(timeout=WAIT_MS)
    return told_s


def _ordered(values: list[float], digits: int = 1) -> str:
    return ", ".join(f"{value:.{digits}f}" for value in sorted(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="measure each so often (default: %(default)s)")
    for line in measure(parser.parse_args().times):
        print(line, flush=True)


if __name__ == "__main__":
    main()
