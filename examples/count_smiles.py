"""A custom sink that counts how often each person begins to smile: python examples/count_smiles.py [SOURCE]."""

import sys
from itertools import islice

from edge import EdgeConfig, Engine, Frame, FrameResult, Sink


class SmileCounter(Sink):
    def __init__(self) -> None:
        self.count, self.smiling = 0, set[int]()

    def write(self, frame: Frame, result: FrameResult) -> None:
        now = {face.track_id for face in result.faces if face.emotion == "happy"}
        self.count += len(now - self.smiling)
        self.smiling = now


source = sys.argv[1] if sys.argv[1:] else "demo"
counter = SmileCounter()
with Engine(EdgeConfig(source=source, playback="fast")) as engine:
    for frame, result in islice(engine.results(), 60 if source == "demo" else None):  # the demo has no end
        counter.write(frame, result)
print(counter.count, "smiles")
