"""The health of a live source in words for the user: what is wrong with the shown image, and the status line."""

import html
import time
from typing import NamedTuple

from app.monitor import Monitor
from edge.engine import Processed
from edge.image_watch import ImageWatch
from edge.results import CameraState, CameraStatus

SILENT_S = 1.5
"""An image older than this is reported as old."""
GREEN, YELLOW, RED = "#00845F", "#B06F00", "#C8400A"


class Trouble(NamedTuple):
    """Why the shown image is not what the camera sees now."""

    word: str
    """A word for the status line."""
    title: str
    advice: str


def trouble_of(status: CameraStatus, watch: ImageWatch, last: Processed | None) -> Trouble | None:
    """What is wrong, judged from the camera's state and its last image; None if nothing is."""
    now_s = time.monotonic()
    shown_s = last.frame.captured_monotonic_s if last else status.since_monotonic_s
    since = f"{now_s - shown_s:.0f} s"
    state = status.state if status.state.is_fault else watch.state
    is_silent = last is not None and now_s - shown_s > SILENT_S
    if state is CameraState.FROZEN:
        return Trouble("frozen", "The picture is frozen", "The camera gives the same picture again and again.")
    if state.is_fault and state is not CameraState.DARK:
        return Trouble("gone", f"No picture for {since}", "The camera does not answer; the app keeps trying.")
    if is_silent:
        return Trouble("silent", f"No picture for {since}", "The camera gives nothing new.")
    if state is CameraState.DARK:
        return Trouble("dark", "The picture is black", "Is the lens covered, or the light off?")
    return None


def line(monitor: Monitor, state: CameraState, trouble: Trouble | None, dropped: int, watchers: int = 1) -> str:
    """The status line: a dot and a word, with rates and times to unfold."""
    color, word = _word(state, trouble)
    shared = f" · shared by {watchers} tabs" if watchers > 1 else ""
    return (
        f'<details class="health"><summary><span class="dot" style="background:{color}"></span>{word}{shared}'
        f'<span class="more">details</span></summary><div>{_details(monitor, dropped)}</div></details>'
    )


def _word(state: CameraState, trouble: Trouble | None) -> tuple[str, str]:
    if trouble:
        return RED, trouble.word
    return (YELLOW, "starting") if state is CameraState.OPENING else (GREEN, "live")


def _details(monitor: Monitor, dropped: int) -> str:
    health = monitor.health()
    parts = [
        f"<b>{health.per_second:.1f}</b> images/s",
        f"age <b>{health.age_ms:.0f}</b> ms",
        *(f"{html.escape(name)} {milliseconds:.1f} ms" for name, milliseconds in health.stages_ms),
        f"dropped {dropped}",
    ]
    return " ".join(f"<span>{part}</span>" for part in parts)
