"""The real app in a real Chromium: every page and state can be read by everybody, on a phone and on a desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from tests.app.browser import open_tab
from tests.app.chromium import CHROMIUM
from tests.app.server import AppServer
from tests.app.walks import WALKS, Walk

AXE_JS = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "desk": (1920, 1080)}
OUTSIDE_JS = """() => {
  const inside = (box) => box.right <= innerWidth + 1 && box.left >= -1;
  const scrolls = (node) => node && (getComputedStyle(node).overflowX !== "visible" || scrolls(node.parentElement));
  return [...document.querySelectorAll("[data-testid=stMain] *")]
    .filter((node) => node.checkVisibility() && node.innerText && !node.closest(".scroll, .speaker"))
    .filter((node) => !inside(node.getBoundingClientRect()) || clipped(node))
    .map((node) => node.outerHTML.slice(0, 160));
  function clipped(node) {
    const style = getComputedStyle(node);
    return style.overflowX === "hidden" && style.textOverflow === "ellipsis" && node.scrollWidth > node.clientWidth + 1;
  }
}"""
"""What is wider than the page, and words that end in three dots."""

SETTLED_JS = """(scheme) => getComputedStyle(document.querySelector(".stApp")).colorScheme === scheme
  && !document.getAnimations().some((one) => one instanceof CSSTransition && one.playState === "running")"""
"""Whether the page has the colors of this scheme: in between, a button has the old text on the new ground."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def walker(server: AppServer, browser: Any) -> Iterator[Any]:
    """A tab of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["camera"])
    yield open_tab(context, server)
    context.close()


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
def test_everybody_can_read_every_state_in_light_and_dark(walk: Walk, walker: Any, tmp_path: Path) -> None:
    found: dict[str, list[str]] = {}
    seen = []
    for state in walk(walker, tmp_path):
        seen.append(state)
        found[state] = [*violations(walker), *outside(walker)]
    assert len(seen) >= 6
    assert not any(found.values()), {state: texts for state, texts in found.items() if texts}


def violations(page: Any) -> list[str]:
    """What axe-core finds that is serious or critical."""
    page.evaluate(AXE_JS)
    results = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(SETTLED_JS, arg=scheme)
        results += page.evaluate("axe.run()")["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in results
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def outside(page: Any) -> list[str]:
    """What does not fit, by the size of the screen."""
    found = []
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found += [f"{name}: {text}" for text in page.evaluate(OUTSIDE_JS)]
    page.set_viewport_size({"width": 1280, "height": 800})
    return found
