"""The script that Streamlit runs for each tab, from top to bottom: choices first, then the chosen view."""

from pathlib import Path

import streamlit as st

from app import controls, model_page, views
from app.pane import State, pane
from app.sessions import ADDRESS_KEY, session

HERE = Path(__file__).parent
st.set_page_config(views.TITLE, HERE / "icon.svg", layout="wide")
st.html(HERE / "style.css")
emotions = st.Page(views.show, title=views.TITLE, default=True)
model = st.Page(model_page.show, title="How right is it?", url_path="model")
page = st.navigation([emotions, model], position="hidden")  # links at the top would be the keyboard's first stops
tab = session()
controls.restore(tab)
st.html(f'<h1 class="title">{page.title}</h1>')
if page is emotions:
    st.html(f'<p class="subtitle">{views.SUBTITLE}</p>')
if page is model:
    st.page_link(emotions, label="Back to the emotions", icon=":material/arrow_back:")
pane("page", State("", ""))  # loads the script that keeps the keyboard's focus
page.run()
if page is emotions:
    st.page_link(model, label="How right is it, and what is it not for?", icon=":material/info:")
controls.remember(tab)
if st.query_params.get(ADDRESS_KEY) != tab.name:
    st.query_params[ADDRESS_KEY] = tab.name
