"""The demo in two tabs for a long time: how much the server's memory grows.

python -m tests.app.soak --minutes 30
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from tests.app.chromium import CHROMIUM, FLAGS
from tests.app.server import AppServer

WARM_UP_S = 60
"""Everything has been loaded and allocated once."""


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def start_tab(context: BrowserContext, server: AppServer) -> None:
    """A tab that watches the demo."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(server.url)
    page.get_by_role("button", name="Show the demo").click()
    page.get_by_text("people would say").first.wait_for()


def measure(minutes: float) -> Iterator[float]:
    """Megabytes after the warm-up, then every minute."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AppServer(Path(folder), {}) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(2):
            start_tab(browser.new_context(), server)
        time.sleep(WARM_UP_S)
        for _ in range(round(minutes) + 1):
            yield rss_mb(server.process.pid)
            time.sleep(60)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    sizes: list[float] = []
    for size in measure(parser.parse_args().minutes):
        sizes.append(size)
        print(f"minute {len(sizes) - 1}: {size:.1f} MB, {size - sizes[0]:+.1f}", flush=True)


if __name__ == "__main__":
    main()
