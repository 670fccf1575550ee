"""The demo in two tabs for a long time: how much the server's memory grows, and how many images each tab shows.

python -m tests.app.soak --minutes 30
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from tests.app.browser import watch
from tests.app.chromium import CHROMIUM, FLAGS
from tests.app.server import AppServer

WARM_UP_S = 60
"""Everything has been loaded and allocated once."""
WATCH_S = 5
"""So long each tab is looked at, every minute."""


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def start_tab(context: BrowserContext, server: AppServer) -> Any:
    """A tab that watches the demo."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(server.url)
    page.get_by_role("button", name="Show the demo").click()
    page.locator(".live .person").first.wait_for()
    return page


def measure(minutes: float) -> Iterator[tuple[float, list[float]]]:
    """Megabytes, and images per second in each tab: after the warm-up, then every minute."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AppServer(Path(folder), {}) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tabs = [start_tab(browser.new_context(), server) for _ in range(2)]
        time.sleep(WARM_UP_S)
        for _ in range(round(minutes) + 1):
            begun_s = time.monotonic()
            yield rss_mb(server.process.pid), [watch(tab, WATCH_S)["perSecond"] for tab in tabs]
            time.sleep(max(0.0, begun_s + 60 - time.monotonic()))
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    sizes: list[float] = []
    for size, rates in measure(parser.parse_args().minutes):
        sizes.append(size)
        shown = " and ".join(f"{rate:.1f}" for rate in rates)
        print(f"minute {len(sizes) - 1}: {size:.1f} MB, {size - sizes[0]:+.1f}; {shown} images per second", flush=True)


if __name__ == "__main__":
    main()
