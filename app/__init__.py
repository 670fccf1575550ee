"""The app for the laptop: edge's own pipeline with a face. Imports edge and Streamlit, no TensorFlow."""
