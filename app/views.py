"""The emotions page: the source's toolbar, then the view that belongs to it."""

import streamlit as st

from app import controls, live
from app.sessions import session


def show() -> None:
    """The page."""
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="toolbar")
    with bar:
        kind = controls.source_picker(on_change=live.switch)
        live.buttons(session(), kind)
    live.show(session(), kind)
