"""The app for the laptop: a user interface for edge's own engine. Imports edge and Streamlit, no TensorFlow."""
