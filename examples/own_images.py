"""The pipeline on images of one's own, here the demo's: any uint8 array (height, width, 3), blue first."""

import time

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import Frame
from edge.sources import DemoSource

pipeline, camera = Pipeline(EdgeConfig(detect_every=1)), DemoSource()
for index in range(5):
    frame = Frame(camera.read(), index, captured_monotonic_s=time.monotonic(), captured_at=time.time(), source="mine")
    for face in pipeline.process(frame).faces:
        print(face.track_id, face.box, face.emotion, f"{face.confidence:.0%}")
