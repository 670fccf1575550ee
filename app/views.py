"""The emotions page: the source's toolbar, then the view that belongs to it."""

import streamlit as st

from app import controls, live, uploads, webrtc
from app.sessions import session


def show() -> None:
    """The page."""
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="toolbar")
    with bar:
        kind = controls.source_picker(on_change=live.switch)
        if kind in controls.LIVE_KINDS:
            live.buttons(session(), kind)
    if kind in controls.LIVE_KINDS:
        live.show(session(), kind)
    elif kind == "file":
        uploads.show_file()
    elif kind == "snapshot":
        uploads.show_snapshot()
    else:
        webrtc.show()
