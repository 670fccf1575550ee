"""The session record on the page: start and stop, downloads, summary."""

import streamlit as st

from app import charts
from app.session_log import MOST_FRAMES, Record
from app.sessions import Session, session
from edge.errors import SinkError


def show(tab: Session) -> None:
    """The section under the live view."""
    watching = tab.monitor is not None and (tab.worker is None or tab.worker.running)
    if not (watching or tab.record):
        return
    st.markdown("##### Record")
    with st.container(horizontal=True, vertical_alignment="center", key="record"):
        if tab.recording:
            st.button("Stop recording", icon=":material/stop_circle:", on_click=_stop, key="record_stop")
            _counter()
        else:
            st.button(
                "Record results",
                icon=":material/radio_button_checked:",
                on_click=_start,
                disabled=not watching,
                key="record_start",
                help="Keeps results, never images, until another record, a closed tab or two minutes offline.",
            )
            if tab.record and tab.record.frames:
                downloads(tab.record, "emotions")
    if tab.record and tab.record.frames and not tab.recording:
        st.markdown(charts.summary(tab.record.samples()), unsafe_allow_html=True)


def downloads(record: Record, stem: str) -> None:
    """Buttons for the record's two forms, which are made at a click."""
    st.download_button(
        "CSV", record.csv, f"{stem}.csv", "text/csv", key="csv", on_click="ignore", icon=":material/table:"
    )
    st.download_button(
        "JSON Lines",
        record.jsonl,
        f"{stem}.jsonl",
        "application/jsonl",
        key="jsonl",
        on_click="ignore",
        icon=":material/data_object:",
    )


@st.fragment(run_every=1.0)
def _counter() -> None:
    record = session().record
    if record:
        text = f"{record.frames} results, {record.faces} faces"
        if record.lost:
            st.warning(f"The server's disk is full: {record.lost} results are not in the record.")
        st.caption(f"{text}: full" if record.full else text, help=f"A record ends at {MOST_FRAMES:,} results.")


def _start() -> None:
    try:
        session().start_recording()
    except SinkError as error:
        st.error(str(error))


def _stop() -> None:
    session().stop_recording()
