"""The emotions page: what this is, the source's toolbar, then the view that belongs to it."""

import base64
from pathlib import Path

import streamlit as st

from app import cards, controls, live, options, phone, uploads
from app.sessions import session

PICTURE = Path(__file__).with_name("first_look.jpg")
TITLE = "What would people say of this face?"
SENTENCE = (
    "Emotion Edge finds the faces in front of a camera, in photos and in videos, and tells which emotion most people "
    "would see in each. It works on this machine: no picture leaves it."
)


def show() -> None:
    """The page."""
    tab = session()
    with st.container(horizontal=True, vertical_alignment="bottom", key="toolbar"):
        buttons = st.container(horizontal=True, key="buttons", width="content")
        kind = controls.source_picker(on_change=live.switch)
        with st.popover("Options", icon=":material/tune:"):
            options.show(live.apply)
    is_live = kind in controls.LIVE_KINDS
    if is_live:
        with buttons:
            live.buttons(tab, kind)
    if is_live:
        live.show(tab)
    elif kind == "file":
        uploads.show_file()
    else:
        uploads.show_snapshot()
    if not live.is_on(tab) and is_live:
        st.html(cards.limits()) if tab.record else _first_look()
    phone.show()


def _first_look() -> None:
    picture = base64.b64encode(PICTURE.read_bytes()).decode()
    st.html(
        f'<div class="first"><div><p class="lead">{SENTENCE}</p>{cards.limits()}</div>'
        f'<img alt="A woman smiles; a box around her face says happy" src="data:image/jpeg;base64,{picture}"></div>'
    )
