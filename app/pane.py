"""A part of the page that moves by itself: a component of our own, since timed reruns race with the page's script.

pane.js -> GET address -> {"phase", "html", "say"}, some times per second
        -> a rerun of the page when the phase is another one, or the user has said something in it
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
    """What a pane shows at one moment."""

    phase: str
    """What the page's script depends on: another one makes it run again."""
    html: str
    say: str = ""
    """For screen readers."""

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
    """Show a pane.

    Args:
        key: the same one keeps its nodes.
        state: what it shows first, and for ever without `poll`.
        poll: the address that tells what it shows.
        capture: the address to which it sends the images of the browser's camera.
        on_said: called (as a callback) when the user has changed something in it.
    """
    data = {**state.as_dict(), "poll": poll, "capture": capture, "every_ms": EVERY_MS}

    def hear() -> None:
        said: Any = st.session_state[key].said
        if said and on_said:
            on_said(Said(str(said.get("what", "")), str(said.get("value", ""))))

    _pane(key=key, data=data, on_phase_change=lambda: None, on_said_change=hear)
