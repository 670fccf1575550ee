"""The controls: widgets to edge's own `EdgeConfig`, which checks what they say.

Widgets keep their values in `st.session_state` under these keys; callbacks read them there, because in a
storm of reruns callbacks always run and scripts seldom.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields

import streamlit as st

from app.cameras import webcams
from app.rendering import RenderOptions
from edge.address import redact
from edge.config import DETECTORS, SCORES, VARIANTS, EdgeConfig, device_defaults
from edge.errors import ConfigError
from edge.interpreter import installed_runtimes
from edge.model_info import LABEL, PEOPLE

KINDS = {
    "demo": "Demo",
    "webcam": "Webcam",
    "address": "Network camera",
    "file": "Image or video file",
    "browser": "Browser's camera",
    "snapshot": "Snapshot",
}
"""What the user can choose as a source; `LIVE_KINDS` run in a worker."""
LIVE_KINDS = ("demo", "webcam", "address")
_TUNED = ("detector", "model", "runtime", "threads")
"""The options that `python -m edge.tune` chooses; threads has no widget."""
_SCORES_TEXT = {PEOPLE: "what people would say", LABEL: "FER-2013's own label"}
_HELP = {option.name: option.metadata.get("help", "") for option in fields(EdgeConfig)}
_DEFAULT = EdgeConfig()


@dataclass(frozen=True)
class Settings:
    """Everything that the widgets say."""

    kind: str
    config: EdgeConfig
    rendering: RenderOptions


def settings() -> Settings:
    """The widgets' values as `EdgeConfig` and `RenderOptions`.

    Raises:
        ConfigError: a value is outside its range.
    """
    state = st.session_state
    options = {name: state[name] for name in _HELP if name in state}
    kind = state.get("kind", default_kind())
    return Settings(
        kind,
        EdgeConfig(**options, source=_source(kind)),
        RenderOptions(blur=state.get("blur", False)),
    )


def adopt(config: EdgeConfig, rendering: RenderOptions) -> None:
    """Set the widgets to what a shared worker runs with; only inside a callback."""
    analysis = ("detector", "model", "scores", "runtime", "detect_every", "smoothing_s", "threshold")
    for name in (*analysis, "fps", "rotate", "mirror"):
        st.session_state[name] = getattr(config, name)
    st.session_state.blur = rendering.blur


def keep() -> None:
    """Keep the source's widgets' values while another page, or another source, is shown."""
    for name in ("kind", "camera", "address"):
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]


def default_kind() -> str:
    """The webcam where there is one, else the demo: one click shows something."""
    return "webcam" if webcams() else "demo"


def _source(kind: str) -> str:
    """The source's name; a page must not open just any file of the server."""
    if kind == "webcam":
        camera = str(st.session_state.get("camera") or "0").split(" ")[0]
        camera = camera.removeprefix("/dev/video")  # one camera has one name, so that tabs share it
        return _checked(camera, r"[0-9]+", "a camera's index, or /dev/video and a number")
    if kind == "address":
        address = str(st.session_state.get("address") or "").strip()
        return _checked(address, r"(rtsps?|https?)://.+", "an address that begins with rtsp://, http:// or https://")
    return "demo"


def _checked(text: str, pattern: str, expected: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ConfigError(f"Expected {expected}. Received: {redact(text) or 'nothing'}")
    return text


def source_picker(on_change: Callable[[], None]) -> str:
    """The source's widgets; returns the chosen kind."""
    st.session_state.setdefault("kind", default_kind())
    kind: str = st.selectbox(
        "Source",
        list(KINDS),
        format_func=KINDS.__getitem__,
        key="kind",
        on_change=on_change,
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


def sidebar(on_change: Callable[[], None]) -> None:
    """The sidebar's widgets; `on_change` is called as a callback after each change."""
    with st.sidebar:
        _analysis(on_change)
        _image(on_change)


def _analysis(on_change: Callable[[], None]) -> None:
    st.subheader("Analysis", divider="gray")
    _take_device_defaults()
    st.selectbox(
        "Face detector",
        [name for name in DETECTORS if name != "yunet"],  # its model file is not bundled
        help="auto takes the one that sees best; haar is the classic cascade.",
        key="detector",
        on_change=on_change,
    )
    st.selectbox("Model", bundled_models(), help=_MODEL_HELP, key="model", on_change=on_change)
    st.selectbox(
        "Scores",
        SCORES,
        format_func=_SCORES_TEXT.__getitem__,
        help=_HELP["scores"],
        key="scores",
        on_change=on_change,
    )
    st.selectbox("Runtime", ["auto", *installed_runtimes()], help=_HELP["runtime"], key="runtime", on_change=on_change)
    _slider("Detect every N frames", "detect_every", 1, 15, 1, on_change)
    _slider("Frames per second", "fps", 1.0, 30.0, 1.0, on_change, "%.0f")
    _slider("Smoothing", "smoothing_s", 0.0, 2.0, 0.1, on_change, "%.1f s")
    _slider("Threshold", "threshold", 0.0, 0.95, 0.05, on_change)


def _image(on_change: Callable[[], None]) -> None:
    st.subheader("Image", divider="gray")
    st.selectbox(
        "Turn the camera's image",
        (0, 90, 180, 270),
        format_func="{}°".format,
        help="Clockwise, for a camera that hangs upside down or on its side.",
        key="rotate",
        on_change=on_change,
    )
    st.toggle("Mirror", key="mirror", on_change=on_change, help="The camera's image as a mirror shows it.")
    st.toggle(
        "Privacy blur",
        key="blur",
        on_change=on_change,
        help="Faces are pixelated in the shown image and in what you download; their scores are kept.",
    )
    st.toggle(
        "Compatible video",
        key="inline",
        help="For a proxy that holds video streams back: images take the page's own connection, 10 per second.",
    )


def _take_device_defaults() -> None:
    """Begin with what `edge.tune` chose for this device; Streamlit resets a widget that does not offer it."""
    try:
        tuned = device_defaults()
    except ConfigError as error:
        st.warning(str(error))
        return
    for name in _TUNED:
        st.session_state.setdefault(name, tuned.get(name, getattr(_DEFAULT, name)))


_SOURCE_HELP = """Where images come from.

- Demo: a portrait that moves, built in
- Webcam: a camera of the machine that runs this app
- Network camera: RTSP, or MJPEG over HTTP
- Browser's camera and Snapshot: the camera in front of you, if this app runs on another machine
"""
_MODEL_HELP = """int8 is the smallest file, and the fastest in LiteRT; float16 is the closest to the trained network,
and faster than int8 in tflite-runtime on a PC. `python -m edge.tune` measures which is best here."""


def bundled_models() -> list[str]:
    """The variants whose file is there; int8, whose absence edge explains, if none is."""
    return [name for name in VARIANTS if EdgeConfig(model=name).model_path.is_file()] or ["int8"]


def _slider(
    label: str, name: str, low: float, high: float, step: float, on_change: Callable[[], None], form: str | None = None
) -> None:
    st.session_state.setdefault(name, getattr(_DEFAULT, name))
    text = _HELP[name][0].upper() + _HELP[name][1:] + "."
    st.slider(label, low, high, step=step, format=form, key=name, on_change=on_change, help=text)
