"""The pipeline on pictures of one's own, here the demo's: any uint8 array (height, width, 3), blue first."""

import time

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import Frame
from edge.sources import DemoSource

pipeline, camera = Pipeline(EdgeConfig(detect_every=1)), DemoSource()
for index in range(5):
    frame = Frame(camera.read(), index, captured_at_s=time.monotonic(), captured_at=time.time(), source="mine")
    for person in pipeline.process(frame).people:
        print(person.track_id, person.box, person.emotion, f"{person.confidence:.0%}")
