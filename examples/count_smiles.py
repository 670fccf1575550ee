"""A sink of one's own: count how often each person begins to smile. python examples/count_smiles.py [SOURCE]."""

import sys

from edge.config import EdgeConfig
from edge.results import Frame, FrameResult
from edge.run import Limits, run


class SmileCounter:
    def __init__(self) -> None:
        self.count, self.smiling = 0, set[int]()

    def write(self, frame: Frame, result: FrameResult) -> None:
        now = {face.track_id for face in result.faces if face.emotion == "happy"}
        self.count += len(now - self.smiling)
        self.smiling = now

    def close(self) -> None:
        print(self.count, "smiles")


counter = SmileCounter()
run(EdgeConfig(source=(sys.argv[1:] or ["demo"])[0]), [counter], limits=Limits(max_frames=60))
counter.close()
