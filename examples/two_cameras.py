"""Two cameras in one process, with a note if one is lost: python examples/two_cameras.py 0 rtsp://host/stream."""

import sys

from edge import CameraStatus, EdgeConfig, Engine, Processed
from edge.sources import PORTRAIT

sources = tuple(sys.argv[1:3]) or ("demo", str(PORTRAIT))
with Engine(EdgeConfig(source=sources)) as engine:
    for event in engine.events(seconds=3):
        if isinstance(event, CameraStatus):
            print(event.name, "is", event.state.value, event.reason)
        elif isinstance(event, Processed) and event.frame.index % 30 == 0:
            print(event.result.source, [face.emotion for face in event.result.faces])
