"""This project with the original system's detector, to show the gain without BlazeFace."""

from benchmarks.peers.edge_pipeline import EdgePeer


def create(model: str) -> EdgePeer:
    """A peer that runs a `.tflite` file with its contract."""
    return EdgePeer(model, detector="haar")
