"""The choices of a tab: widget values become edge's own `EdgeConfig`, which checks them.

    widgets -> st.session_state -> settings() -> EdgeConfig, RenderOptions
    Session.chosen keeps them while the tab is reloaded, or shows another page

Callbacks read `st.session_state`: when reruns come fast, Streamlit always runs callbacks, but may not finish scripts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.browser_camera import NAME as BROWSER
from app.cameras import webcams
from app.options import ANALYSIS, DRAWING
from app.phone import network_address
from app.rendering import RenderOptions
from app.sessions import Session
from edge.address import redact
from edge.config import EdgeConfig
from edge.errors import ConfigError

KINDS = {
    "webcam": "Webcam",
    "browser": "This browser's camera",
    "demo": "Demo",
    "file": "Photos or a video",
    "address": "Network camera",
    "snapshot": "Snapshot",
}
"""The kinds of sources that a user can choose; `LIVE_KINDS` run in a worker."""
LIVE_KINDS = ("demo", "webcam", "address", "browser")
_KEPT = ("kind", "camera", "address", *ANALYSIS, *DRAWING)


@dataclass(frozen=True)
class Settings:
    """The values of all widgets."""

    kind: str
    config: EdgeConfig
    rendering: RenderOptions


def settings(session: Session | None = None) -> Settings:
    """The widgets' values as `EdgeConfig` and `RenderOptions`.

    Raises:
        ConfigError: a value is outside its range.
    """
    state = st.session_state
    options = {name: state[name] for name in ANALYSIS if name in state}
    kind = state.get("kind", default_kind())
    names = session.people.chosen if session else ()
    return Settings(
        kind,
        EdgeConfig(**options, source=_source(kind)),
        RenderOptions(state.get("blur", False), state.get("mirror", False), names),
    )


def restore(session: Session) -> None:
    """Restore this tab's choices after a reload, and its worker's real options; call it before any widget."""
    for name in _KEPT:
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]  # Streamlit forgets widgets that are not shown
        elif name in session.chosen:
            st.session_state[name] = session.chosen[name]
    worker = session.worker
    if worker and session.seen_changes != (worker.number, worker.changes):
        session.seen_changes = worker.number, worker.changes
        for name in ANALYSIS:
            st.session_state[name] = getattr(worker.config, name)


def remember(session: Session) -> None:
    """Save the values of the widgets; call it after all of them."""
    session.chosen.update({name: st.session_state[name] for name in _KEPT if name in st.session_state})


def default_kind() -> str:
    """This machine's webcam if the user sits at it, else the browser's camera: one click shows the user."""
    return "webcam" if _is_here() and webcams() else "browser"


def _is_here() -> bool:
    """Whether the browser runs on this machine."""
    return st.context.ip_address is None or st.context.ip_address == network_address()


def _source(kind: str) -> str:
    """The source's name for the engine; checked, since a user must not open any file of the server."""
    if kind == "webcam":
        camera = str(st.session_state.get("camera") or "0").split(" ")[0]
        camera = camera.removeprefix("/dev/video")  # the same name for the same camera, so that tabs share it
        return _checked(camera, r"[0-9]+", "a camera's index, or /dev/video and a number")
    if kind == "address":
        address = str(st.session_state.get("address") or "").strip()
        return _checked(address, r"(rtsps?|https?)://.+", "an address that begins with rtsp://, http:// or https://")
    return BROWSER if kind == "browser" else "demo"


def _checked(text: str, pattern: str, expected: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ConfigError(f"Expected {expected}. Received: {redact(text) or 'nothing'}")
    return text


def source_picker(on_change: Callable[[], None]) -> str:
    """Show the widgets that choose a source; return the chosen kind."""
    kind: str = st.session_state.setdefault("kind", default_kind())
    key = _picker_key()

    def take() -> None:
        if key == _picker_key():  # Streamlit calls back for a widget that was replaced a moment ago, too
            st.session_state.kind = st.session_state[key]
            on_change()

    kinds = list(KINDS)
    st.selectbox(
        "Source",
        kinds,
        kinds.index(kind),
        format_func=KINDS.__getitem__,
        key=key,
        on_change=take,
        help=_SOURCE_HELP,
    )
    if kind == "webcam":
        _camera_picker(on_change)
    elif kind == "address":
        st.text_input(
            "Address",
            key="address",
            placeholder="rtsp://user:password@192.168.1.20:554/stream",
            help="RTSP, or MJPEG over HTTP. The password is neither shown nor logged.",
        )
    return kind


def _picker_key() -> str:
    return f"source {st.session_state.get('times_chosen', 0)}"


def choose(kind: str) -> None:
    """Choose a source for the user with a new widget: a late click on the old one could undo the choice."""
    st.session_state.kind = kind
    st.session_state.times_chosen = st.session_state.get("times_chosen", 0) + 1


def _camera_picker(on_change: Callable[[], None]) -> None:
    found = [f"{index} ({name})" for index, name in webcams().items()]
    st.selectbox(
        "Camera",
        found or ["0", "1"],
        key="camera",
        on_change=on_change,
        accept_new_options=True,
        help="The cameras that were found; type an index or /dev/video… for another one.",
    )


_SOURCE_HELP = """Where pictures come from.

- Webcam: a camera of the machine that runs this app
- This browser's camera: the one in front of you, if this app runs on another machine, or on your phone
- Demo: a portrait that moves, built in
- Photos or a video: files of yours
- Network camera: RTSP, or MJPEG over HTTP
- Snapshot: one picture of the browser's camera
"""
