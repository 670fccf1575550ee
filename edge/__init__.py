"""The runtime for the device: frames in, faces and their emotions out. NumPy, OpenCV and a TFLite runtime only.

    from edge import EdgeConfig, Engine

    with Engine(EdgeConfig(source="demo")) as engine:
        for frame, result in engine.results():
            print(result.faces)

The public names are below; docs/library.md explains them. Each is imported when it is first used, so that
`import edge` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.capture import Source
    from edge.config import EdgeConfig
    from edge.detectors import Detector
    from edge.engine import Engine, Processed
    from edge.errors import (
        ConfigError,
        DataError,
        EmotionError,
        ModelError,
        SinkError,
        SourceError,
        StuckThreadError,
    )
    from edge.pipeline import Classifier, Pipeline
    from edge.reader import Opener
    from edge.results import (
        Box,
        CameraState,
        CameraStatus,
        Detection,
        EmotionScores,
        Face,
        Frame,
        FrameResult,
        Point,
    )
    from edge.sinks import Sink
    from edge.sources import open_source

__version__ = "0.2.0"
__all__ = [
    "Box",
    "CameraState",
    "CameraStatus",
    "Classifier",
    "ConfigError",
    "DataError",
    "Detection",
    "Detector",
    "EdgeConfig",
    "EmotionError",
    "EmotionScores",
    "Engine",
    "Face",
    "Frame",
    "FrameResult",
    "ModelError",
    "Opener",
    "Pipeline",
    "Point",
    "Processed",
    "Sink",
    "SinkError",
    "Source",
    "SourceError",
    "StuckThreadError",
    "__version__",
    "open_source",
]
_MODULES = ("results", "errors", "config", "sources", "sinks", "detectors", "pipeline", "reader", "engine")
"""The modules that are searched for a public name, those that load fast first."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"edge.{module}")).get(name)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module 'edge' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
