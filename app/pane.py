"""A part of the page that updates itself: a custom component, since timed reruns would race with the page's script.

pane.js -> GET address -> {"phase", "html", "say"}, several times per second
        -> a rerun of the page if the phase has changed, or the user has entered something in the pane
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

EVERY_MS = 300
FRAME = '<div class="pane"></div><div class="speaker" role="status" aria-live="polite"></div>'
_pane = st.components.v2.component(
    "emotions.pane", html=FRAME, js=Path(__file__).with_name("pane.js").read_text(), isolate_styles=False
)


class State(NamedTuple):
    """What a pane shows at a time."""

    phase: str
    """What the page's script depends on: if it changes, the script runs again."""
    html: str
    say: str = ""
    """A text for screen readers."""

    def as_dict(self) -> dict[str, str]:
        """For the browser."""
        return self._asdict()


class Said(NamedTuple):
    """What the user did in a pane."""

    what: str
    value: str


def pane(
    key: str, state: State, poll: str = "", capture: str = "", on_said: Callable[[Said], None] | None = None
) -> None:
    """Show a self-updating pane.

    Args:
        key: identifies the pane; with the same key its HTML nodes are kept.
        state: what it shows at first, and for good without `poll`.
        poll: the address that returns what it shows.
        capture: the address to send the images of the browser's camera to.
        on_said: called (as a callback) when the user has changed something in the pane.
    """
    data = {**state.as_dict(), "poll": poll, "capture": capture, "every_ms": EVERY_MS}

    def hear() -> None:
        said: Any = st.session_state[key].said
        if said and on_said:
            on_said(Said(str(said.get("what", "")), str(said.get("value", ""))))

    _pane(key=key, data=data, on_phase_change=lambda: None, on_said_change=hear)
