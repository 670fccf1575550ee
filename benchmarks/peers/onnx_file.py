"""The same network as an ONNX file, made from the float `.tflite` file with tf2onnx."""

import subprocess
import sys
from pathlib import Path


def onnx_of(model: str) -> Path:
    """The `.onnx` file beside a `.tflite` one, made if it is not there."""
    path = Path(model).with_suffix(".onnx")
    if not path.is_file():
        command = [sys.executable, "-m", "tf2onnx.convert", "--tflite", model, "--output", str(path), "--opset", "13"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path
