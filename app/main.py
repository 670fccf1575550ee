"""The entry: `streamlit run app/main.py` serves the page and, on the same port, images and results."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:  # Streamlit puts app/ on the path, not the project's root
    sys.path.insert(0, ROOT)

from app.routes import lifespan, middleware, routes  # noqa: E402

app = st.App(Path(__file__).with_name("page.py"), routes=routes(), middleware=middleware(), lifespan=lifespan)
