"""The live view: start and stop, the pane that updates itself, and the record below it."""

import streamlit as st

from app import cards, controls, live_state, record_view
from app.browser_camera import NAME as BROWSER
from app.options import ANALYSIS
from app.pane import Said, pane
from app.sessions import Session, registry, session
from app.worker import Worker
from edge.address import redact
from edge.errors import ConfigError, EmotionError, ModelError, SourceError

REFUSALS = {
    "NotAllowedError": "The browser may not use the camera: allow it beside the page's address, and start again.",
    "NotFoundError": "The browser finds no camera: choose another source, or try the demo.",
    "NotReadableError": "Another program has the camera: close it there, and start again.",
    "TypeError": "Browsers give their camera only to https:// and to localhost: see “On your phone” below.",
}
"""The browser's errors when its camera can't be opened, in words for the user."""


def start() -> None:
    """Start to watch the chosen source (a callback)."""
    tab = session()
    st.session_state.problem = None
    try:
        chosen = controls.settings(tab)
    except ConfigError as error:
        st.session_state.problem = error
        return
    begin = registry().start_browser_camera if chosen.config.source == BROWSER else registry().start
    begin(tab, chosen.config, chosen.rendering)


def stop() -> None:
    """Stop watching (a callback)."""
    registry().stop(session())


def apply(name: str) -> None:
    """Apply a changed option to the running worker, or to this tab's picture (a callback)."""
    tab = session()
    try:
        chosen = controls.settings(tab)
        tab.look(chosen.rendering)
        if tab.worker and name in ANALYSIS:
            tab.worker.change(**{name: st.session_state[name]})
            tab.seen_changes = tab.worker.number, tab.worker.changes
    except ConfigError as error:
        if tab.worker:
            tab.worker.refused = error


def switch() -> None:
    """Switch to the newly chosen source if one was running (a callback)."""
    worker = session().worker
    was_running = worker is not None and worker.running
    stop()
    st.session_state.problem = None
    if was_running and st.session_state.kind in ("demo", "webcam"):
        start()


def try_demo() -> None:
    """Choose and start the demo (a callback)."""
    stop()
    controls.choose("demo")
    start()


def is_on(tab: Session) -> bool:
    """Whether a source runs, or waits for the browser's permission."""
    return tab.camera is not None or bool(tab.worker and tab.worker.running)


def buttons(tab: Session, kind: str) -> None:
    """Show Start and Demo, or Stop and Record in the same places, so that the keyboard's focus stays."""
    if is_on(tab):
        st.button("Stop", type="primary", icon=":material/stop:", on_click=stop, key="run")
        record_view.button(tab)
        return
    label = {"demo": "Start demo", "address": "Start camera"}.get(kind, "See yourself")
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=start, key="run")
    if kind != "demo":
        st.button("Show the demo", icon=":material/face:", on_click=try_demo, key="second")


def show(tab: Session) -> None:
    """Show the view of a live source."""
    worker = tab.worker
    if is_on(tab):
        _warn(worker)
        base = live_state.base()
        pane(
            "live",
            live_state.state(tab),
            f"{base}/state/{tab.token}",
            f"{base}/camera/{tab.token}" if tab.camera else "",
            lambda said: _hear(tab, said),
        )
    elif problem := st.session_state.get("problem") or (worker.error if worker else None):
        st.error(explain(problem, worker.source if worker else ""), icon=":material/videocam_off:")
    elif worker and worker.ended:
        st.info("The source has ended: start it again, or choose another one.")
    record_view.show(tab)


def _warn(worker: Worker | None) -> None:
    if worker and worker.refused:
        st.warning(explain(worker.refused, worker.source))


def _hear(tab: Session, said: Said) -> None:
    """Handle a name or color that the user chose, or a failure of the browser's camera (a callback)."""
    if said.what == "camera":
        stop()
        st.session_state.problem = ConfigError(REFUSALS.get(said.value, REFUSALS["NotFoundError"]))
    elif cards.apply(tab.people, said.what, said.value):
        tab.rename()


def explain(error: Exception, source: str) -> str:
    """Explain what went wrong and what helps, in words for the user."""
    if isinstance(error, SourceError) and source.isdigit():
        return f"No camera at index {source}, or another program has it: choose another source, or try the demo."
    if isinstance(error, SourceError) and "://" in source:
        return f"Nothing comes from {redact(source)}: check address, network and password, or try the demo."
    if isinstance(error, ModelError):
        return f"The model can't be used: choose another one in the options. ({error})"
    if isinstance(error, EmotionError):
        return str(error)
    return f"Something unexpected went wrong; the server's log has the details. ({type(error).__name__})"
