"""The runtime for the device: frames in, faces and their emotions out. NumPy, OpenCV and a TFLite runtime only."""

__version__ = "0.1.0"
