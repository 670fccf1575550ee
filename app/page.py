"""The page that Streamlit runs for each tab, from top to bottom: controls, then the chosen view."""

from pathlib import Path

import streamlit as st

from app import controls, live, model_page, views

HERE = Path(__file__).parent
st.set_page_config("Facial emotions at the edge", HERE / "icon.svg", layout="wide")
st.html(HERE / "style.css")
page = st.navigation(
    [
        st.Page(views.show, title="Emotions", icon=":material/mood:", default=True),
        st.Page(model_page.show, title="Model", icon=":material/fact_check:", url_path="model"),
    ],
    position="top",
)
controls.keep()
controls.sidebar(on_change=live.apply)
page.run()
