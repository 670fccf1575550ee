"""The emotions page: what the app is, the toolbar for the source, then the source's view."""

import base64
import contextlib
from pathlib import Path

import streamlit as st

from app import cards, controls, live, options, phone, reports, uploads
from app.people import People
from app.sessions import session
from edge.errors import EmotionError
from edge.model_info import LABELS, PEOPLE
from edge.results import Box, EmotionScores, Face

PICTURE = Path(__file__).with_name("first_look.jpg")
TITLE = "Which emotion would people see in this face?"
SUBTITLE = "Not what somebody feels: don't decide about people with it."
SENTENCE = (
    "It finds the faces in a camera's picture, a photo or a video, and tells which emotion most people would see."
)
SURE = (
    "Each face gets a number, such as <b>8 of 10 people would say happy</b>. Where people would disagree it says "
    "<b>uncertain</b>."
)
NOT_FOR = "Not at work or in school, not for health, and not for the police."
PRIVATE = "Pictures stay on the computer that runs this app. The camera starts only when you click."
ALT = "A woman smiles; a box around her face says happy"
EXAMPLE = Face(
    track_id=1,
    box=Box(69, 69, 127, 127),
    emotion="happy",
    confidence=0.9957,
    scores=EmotionScores(LABELS, (0.0, 0.0001, 0.0, 0.9957, 0.0035, 0.0001, 0.0005)),
    quality=1.0,
    face_score=0.92,
    certainty=0.98,
)
"""The result for the picture that new users see: the demo's first result."""


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
    parts = (
        ("What does it show?", SENTENCE),
        ("How sure is it?", f"{SURE} {_tested()}"),
        ("What is it not for?", f"{cards.LIMITS} {NOT_FOR}"),
        ("Who sees it?", PRIVATE),
    )
    told = "".join(f"<dt>{title}</dt><dd>{text}</dd>" for title, text in parts)
    st.html(
        f'<div class="first"><dl>{told}</dl><figure><img alt="{ALT}" src="data:image/jpeg;base64,{picture}">'
        f"<figcaption>An example: what it says of this picture</figcaption>"
        f"{cards.card(EXAMPLE, PEOPLE, People(), most_bars=3, is_editable=False)}</figure></div>"
    )


def _tested() -> str:
    """A sentence on how accurate the bundled network is, from its own file."""
    with contextlib.suppress(EmotionError):
        right = next((reports.of_a_hundred(model.info) for model in reports.bundled()), None)
        if right is not None:
            return f"On test photos it agreed with most people for {right} of 100 faces."
    return ""
