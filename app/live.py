"""The live view: a worker's stream, the faces' scores, the last minute, a line of health, and the record."""

import base64
import html
import time

import streamlit as st

from app import charts, controls, record_view
from app.monitor import Monitor
from app.sessions import Session, registry, session
from app.video_stream import address
from app.worker import Worker
from edge.address import redact
from edge.errors import ConfigError, EmotionError, ModelError, SourceError

PANEL_EVERY_S = 0.4
INLINE_EVERY_S = 0.1
ALT = "The live image, with a box, a label and a confidence at each face"
CAMERA_COLORS = {"online": "#009E73", "opening": "#E69F00"}
"""Camera state to the color of its dot; any other is vermillion."""


def start() -> None:
    """Watch the chosen source (a callback)."""
    try:
        chosen = controls.settings()
        worker = registry().start(session(), chosen.config, chosen.rendering)
    except ConfigError as error:
        st.session_state.problem = error
        return
    st.session_state.problem = None
    controls.adopt(worker.config, worker.rendering)


def stop() -> None:
    """Watch nothing (a callback)."""
    registry().stop(session())


def apply() -> None:
    """Hand changed settings to the running worker (a callback)."""
    worker = session().worker
    if worker is None:
        return
    try:
        chosen = controls.settings()
        worker.change(chosen.config, chosen.rendering)
    except ConfigError as error:
        worker.refused = error


def switch() -> None:
    """Another source was chosen (a callback): go on with it if one was running."""
    worker = session().worker
    was_running = worker is not None and worker.running
    stop()
    st.session_state.problem = None
    if was_running and st.session_state.kind in ("demo", "webcam"):
        start()


def try_demo() -> None:
    """Choose and start the demo (a callback)."""
    st.session_state.kind = "demo"
    start()


def buttons(tab: Session, kind: str) -> None:
    """Start and Stop."""
    running = bool(tab.worker and tab.worker.running)
    label = "Start demo" if kind == "demo" else "Start camera"
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=start, disabled=running, key="start")
    st.button("Stop", icon=":material/stop:", on_click=stop, disabled=not running, key="stop")


def show(tab: Session, kind: str) -> None:
    """The view of a source that a worker runs."""
    view, facts = st.columns([3, 2], gap="large")
    worker = tab.worker
    if worker and worker.running:
        with view:
            _image(tab, worker)
            _health_line(worker)
        with facts:
            panel()
        minute()
    else:
        with view:
            _stage(kind, st.session_state.get("problem") or (worker.error if worker else None), worker)
    record_view.show(tab)


def _image(tab: Session, worker: Worker) -> None:
    if registry().streams and not st.session_state.get("inline"):
        st.html(f'<img class="live-image" alt="{ALT}" src="{address(tab, worker)}">')
    else:
        _inline_image()


@st.fragment(run_every=INLINE_EVERY_S)
def _inline_image() -> None:
    """The fallback, where a proxy holds streams back: the newest image through the page's own connection."""
    worker = session().worker
    jpeg = base64.b64encode(worker.images.newest()).decode() if worker else ""
    source = f"data:image/jpeg;base64,{jpeg}" if jpeg else "data:,"
    st.html(f'<img class="live-image" alt="{ALT}" src="{source}">')


@st.fragment(run_every=PANEL_EVERY_S)
def _health_line(worker: Worker) -> None:
    if not worker.running:
        st.rerun()  # it ended by itself: show why
    if worker.refused:
        st.warning(explain(worker.refused, worker.source))
    watchers = registry().watchers(worker)
    line = health_html(worker.monitor, worker.status.state.value, worker.dropped, watchers)
    st.markdown(line, unsafe_allow_html=True)


def health_html(monitor: Monitor, state: str, dropped: int, watchers: int = 1) -> str:
    """The line of health."""
    health = monitor.health()
    dot = CAMERA_COLORS.get(state, "#D55E00")
    parts = [
        f'<span class="dot" style="background:{dot}"></span>{html.escape(state)}',
        f"<b>{health.per_second:.1f}</b> images/s",
        f"age <b>{health.age_ms:.0f}</b> ms",
        *(f"{name} {milliseconds:.1f} ms" for name, milliseconds in health.stages_ms),
        f"dropped {dropped}",
    ]
    if watchers > 1:
        parts.append(f"shared by {watchers} tabs")
    return '<div class="health">' + "".join(f"<span>{part}</span>" for part in parts) + "</div>"


@st.fragment(run_every=PANEL_EVERY_S)
def panel() -> None:
    """The faces of the newest result: bars, and valence and arousal of the largest."""
    monitor = session().monitor
    latest = monitor.latest if monitor else None
    faces, head = (latest.faces, latest.scores) if latest else ((), "")
    if not faces:
        st.markdown('<div class="face-title">No face in the image</div>', unsafe_allow_html=True)
        st.caption("Look towards the camera, with light from the front and the whole face in the image.")
        return
    largest = sorted(faces, key=lambda face: face.box.width * face.box.height, reverse=True)
    st.markdown("".join(charts.bars(face, head) for face in largest[:3]), unsafe_allow_html=True)
    if len(largest) > 3:
        st.caption(f"and {len(largest) - 3} more")
    first = largest[0]
    st.markdown(charts.circumplex(first.valence, first.arousal, first.emotion), unsafe_allow_html=True)


@st.fragment(run_every=1.0)
def minute() -> None:
    """The largest face over the last minute."""
    monitor = session().monitor
    samples = monitor.timeline() if monitor else []
    st.markdown("##### Last minute")
    st.markdown(charts.timeline(samples, time.monotonic()), unsafe_allow_html=True)


def _stage(kind: str, error: Exception | None, worker: Worker | None) -> None:
    if error:
        st.error(explain(error, worker.source if worker else ""), icon=":material/videocam_off:")
        if kind != "demo":
            st.button("Try the demo", on_click=try_demo, icon=":material/play_arrow:", key="try_demo")
        return
    title, text = "Nothing is running", "Press Start. Images stay on this machine."
    if worker and worker.ended:
        title, text = "The source has ended", "Start it again, or choose another one."
    st.html(f'<div class="stage"><strong>{title}</strong><span>{text}</span></div>')


def explain(error: Exception, source: str) -> str:
    """What went wrong and what helps, in words for the user."""
    if isinstance(error, SourceError) and source.isdigit():
        return f"No camera at index {source}, or another program has it: choose another source, or try the demo."
    if isinstance(error, SourceError) and "://" in source:
        return f"Nothing comes from {redact(source)}: check address, network and password, or try the demo."
    if isinstance(error, ModelError):
        return f"The model can't be used: choose another one in the sidebar. ({error})"
    if isinstance(error, EmotionError):
        return str(error)
    return f"Something unexpected went wrong; the server's log has the details. ({type(error).__name__})"
