"""`make phone`, as a phone in the same network sees it: https with a certificate that nobody has signed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from app.phone import network_address
from tests.app.browser import WAIT_MS, assert_flows, result
from tests.app.chromium import CHROMIUM
from tests.rigs.faults import ROOT, free_port, wait_for_port

PHONE = {"width": 390, "height": 844}
ADDRESS = network_address()

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(not ADDRESS[0].isdigit() or ADDRESS.startswith("127."), reason="needs a network"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app behind `make phone`, in this environment instead of one of its own."""
    port, log = free_port(), tmp_path_factory.mktemp("phone") / "server.log"
    settings = [f"VENV={sys.prefix}", "-o", f"{sys.prefix}/app.done"]
    environment = {**os.environ, "STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_HEADLESS": "true"}
    with log.open("wb") as file:
        server = subprocess.Popen(
            ["make", "phone", *settings],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_port(port, 60)
        yield f"https://{ADDRESS}:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    """A phone whose user trusts the certificate and allows the camera."""
    context = browser.new_context(
        viewport=PHONE, is_mobile=True, has_touch=True, ignore_https_errors=True, permissions=["camera"]
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def test_a_phone_sees_its_own_camera(phone: Any, url: str) -> None:
    phone.goto(url)
    expect(phone.get_by_role("button", name="See yourself")).to_be_visible(timeout=WAIT_MS)
    assert phone.evaluate("isSecureContext")
    phone.get_by_role("button", name="See yourself").tap()
    expect(result(phone)).to_be_visible(timeout=WAIT_MS)
    assert_flows(phone)
    left, width = (phone.locator("img.live-image").bounding_box()[side] for side in ("x", "width"))
    assert 0 <= left <= left + width <= PHONE["width"]
    phone.get_by_role("button", name="Stop", exact=True).tap()
    expect(phone.get_by_role("button", name="See yourself")).to_be_visible(timeout=WAIT_MS)


def test_the_qr_code_is_this_address(phone: Any, url: str, tmp_path: Path) -> None:
    phone.goto(url)
    phone.get_by_text("On your phone").tap()
    expect(phone.get_by_text(url)).to_be_visible(timeout=WAIT_MS)
    picture = cv2.imdecode(np.frombuffer(phone.locator(".qr img").screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert cv2.QRCodeDetector().detectAndDecode(cv2.resize(picture, None, fx=3, fy=3))[0] == url
