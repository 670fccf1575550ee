"""The session record on the page: start and stop, chart, downloads."""

import html
from collections.abc import Callable, Mapping

import streamlit as st

from app import cards, charts, report
from app.moments import Timeline
from app.pane import Said, State, pane
from app.people import People
from app.session_log import About, Record
from app.sessions import Session, session
from edge.errors import SinkError


def button(tab: Session) -> None:
    """Show the button that starts and stops recording."""
    if tab.recording:
        st.button("Stop recording", icon=":material/stop_circle:", on_click=_stop, key="second")
        return
    st.button(
        "Record results",
        icon=":material/radio_button_checked:",
        on_click=_start,
        disabled=tab.monitor is None,
        key="second",
    )


def show(tab: Session) -> None:
    """Show the section below the live view."""
    if problem := st.session_state.get("record_problem"):
        st.error(problem)
    if tab.record and tab.record.frames and not tab.recording and tab.about:
        st.html("<h2>Record</h2>")
        chart("record chart", tab.record.timeline(), tab.recorded_people, tab.rename)
        with st.container(horizontal=True, key="downloads"):
            downloads(tab.record, tab.recorded_people, tab.about)


def chart(key: str, timeline: Timeline, people: People, on_change: Callable[[], None]) -> None:
    """Show everybody over time, with fields for names and colors."""
    pane(key, State("", charts.over_time(timeline, people)), on_said=lambda said: _hear(people, said, on_change))


def _hear(people: People, said: Said, on_change: Callable[[], None]) -> None:
    if cards.apply(people, said.what, said.value):
        on_change()


def downloads(record: Record, people: People, about: About, pictures: Mapping[int, bytes] | None = None) -> None:
    """Show download buttons for the record's formats; each file is made at a click."""
    stem = report.stem(about["source"], record.begun_at)
    _button("CSV", lambda: record.csv(about), f"{stem}.csv", "text/csv", ":material/table:")
    _button("JSON Lines", lambda: record.jsonl(about), f"{stem}.jsonl", "application/jsonl", ":material/data_object:")
    timeline = record.timeline()
    if not timeline.people:
        return
    svg = report.chart_file(timeline, people, f"{about['source']}, {about['begin']}")
    _button("Chart (SVG)", lambda: svg, f"{stem}.svg", "image/svg+xml", ":material/show_chart:")
    png = f'<a class="png" href="#" data-png="{html.escape(svg, quote=True)}" data-name="{stem}.png">Chart (PNG)</a>'
    pane("png", State("", png))
    _button(
        "Report", lambda: report.page(timeline, people, about), f"{stem}.html", "text/html", ":material/description:"
    )
    if pictures:
        _button(
            "Report with pictures",
            lambda: report.page(timeline, people, about, pictures),
            f"{stem}-pictures.html",
            "text/html",
            ":material/portrait:",
        )


def _button(label: str, data: Callable[[], str], name: str, mime: str, icon: str) -> None:
    st.download_button(label, data, name, mime, key=f"{label} {name}", on_click="ignore", icon=icon)


def _start() -> None:
    st.session_state.record_problem = None
    try:
        session().start_recording()
    except SinkError as error:
        st.session_state.record_problem = str(error)


def _stop() -> None:
    session().stop_recording()
