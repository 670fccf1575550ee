"""The widgets for options, in plain words and in groups; those for experts are folded away.

Widgets keep their values in `st.session_state` under the names of `EdgeConfig`'s fields.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields

import streamlit as st

from edge.config import DETECTORS, SCORES, VARIANTS, EdgeConfig, device_defaults
from edge.errors import ConfigError
from edge.model_info import LABEL, PEOPLE
from edge.runtimes import installed_runtimes

OnChange = Callable[[str], None]
"""A callback that gets the option's name after each change."""

FAR: dict[float, str] = {80: "near", 40: "a room", 24: "a hall"}
QUICK: dict[float, str] = {0.1: "at once", 0.3: "quickly", 1.0: "calmly"}
SURE: dict[float, str] = {0.35: "a guess", 0.5: "half of them", 0.7: "most of them"}
_SCORES_TEXT = {PEOPLE: "what people would say", LABEL: "FER-2013's own label"}
_TUNED = ("detector", "model", "runtime", "threads")
"""The options that `python -m edge.tune` chooses; threads has no widget."""
_HELP = {option.name: option.metadata.get("help", "") for option in fields(EdgeConfig)}
_DEFAULT = EdgeConfig()
ANALYSIS = (
    "min_face", "smoothing_s", "threshold", "rotate", "detector", "model", "scores", "runtime", "threads",
    "detect_every", "fps",
)  # fmt: skip
"""Options of a worker, and so of all tabs that watch it."""
DRAWING = ("blur", "mirror", "inline")
"""Options of a single tab."""


def show(on_change: OnChange) -> None:
    """Show all widgets; `on_change` is called with the name of a changed option."""
    _take_device_defaults()
    _privacy(on_change)
    _plain(on_change)
    with st.expander("For experts", icon=":material/tune:"):
        _expert(on_change)


def _privacy(on_change: OnChange) -> None:
    st.toggle(
        "Hide faces",
        key="blur",
        on_change=on_change,
        args=("blur",),
        help="Faces are pixelated in this tab's picture and in what you download; their scores are kept.",
    )
    st.caption("It may miss somebody: who is turned away, covered, small or new in the picture can stay visible.")
    st.toggle(
        "Mirror",
        key="mirror",
        on_change=on_change,
        args=("mirror",),
        help="Left and right as in a mirror, in this tab.",
    )


def _plain(on_change: OnChange) -> None:
    _words("How far should it see?", "min_face", FAR, on_change, "Small faces take longer to find.")
    _words(
        "How quickly may the label change?",
        "smoothing_s",
        QUICK,
        on_change,
        "Calmly is surer, at once follows a smile.",
    )
    _words(
        "How many must agree?", "threshold", SURE, on_change, "If fewer people would say so, it says uncertain instead."
    )
    _words(
        "How is the camera mounted?",
        "rotate",
        {0: "upright", 90: "on its left", 180: "upside down", 270: "on its right"},
        on_change,
        "Its picture is turned clockwise, for all tabs.",
    )


def _words(label: str, name: str, words: Mapping[float, str], on_change: OnChange, text: str) -> None:
    """Show a choice among a few words; a value without a word is shown as a number."""
    value = st.session_state.setdefault(name, getattr(_DEFAULT, name))
    values = sorted({*words, value}, reverse=name == "min_face")  # from the first look to the widest
    st.select_slider(
        label,
        values,
        format_func=lambda number: words.get(number, f"{number:g}"),
        key=name,
        on_change=on_change,
        args=(name,),
        help=text,
    )


def _expert(on_change: OnChange) -> None:
    detectors = [name for name in DETECTORS if name != "yunet"]  # its model file is not bundled
    _pick("Face detector", "detector", detectors, on_change, "auto takes the one that sees best; haar is the classic.")
    _pick("Model", "model", bundled_models(), on_change, _MODEL_HELP)
    _pick("Scores", "scores", SCORES, on_change, _HELP["scores"])
    _pick("Runtime", "runtime", ["auto", *installed_runtimes()], on_change, _HELP["runtime"])
    _slider("Detect every N frames", "detect_every", 1, 15, on_change)
    _slider("Frames per second", "fps", 1.0, 30.0, on_change)
    st.toggle(
        "Compatible video",
        key="inline",
        on_change=on_change,
        args=("inline",),
        help="For a proxy that holds video streams back: images are asked for one by one, about 10 per second.",
    )


def _pick(label: str, name: str, values: "list[str] | tuple[str, ...]", on_change: OnChange, text: str) -> None:
    st.selectbox(
        label,
        values,
        format_func=lambda value: _SCORES_TEXT.get(value, value),
        help=text,
        key=name,
        on_change=on_change,
        args=(name,),
    )


def _slider(label: str, name: str, low: float, high: float, on_change: OnChange) -> None:
    st.session_state.setdefault(name, getattr(_DEFAULT, name))
    text = _HELP[name][0].upper() + _HELP[name][1:] + "."
    st.slider(label, low, high, step=type(low)(1), key=name, on_change=on_change, args=(name,), help=text)


def _take_device_defaults() -> None:
    """Start with the options that `edge.tune` chose for this device, if their widgets offer them."""
    try:
        tuned = device_defaults()
    except ConfigError as error:
        st.warning(str(error))
        return
    for name in _TUNED:
        st.session_state.setdefault(name, tuned.get(name, getattr(_DEFAULT, name)))


_MODEL_HELP = """int8 is the smallest file; float16 is the closest to the trained network. auto takes the faster one:
float16 for tflite-runtime on a PC, else int8. `python -m edge.tune` measures which is best here."""


def bundled_models() -> list[str]:
    """`auto`, and the variants with a bundled file."""
    return ["auto", *(name for name in VARIANTS if EdgeConfig(model=name).model_path.is_file())]
