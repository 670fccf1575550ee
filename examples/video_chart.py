"""Draw a video's result as a chart (pip install matplotlib): python examples/video_chart.py VIDEO CHART.png."""

import sys
from itertools import islice

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from edge import EdgeConfig, Engine

video, chart = (*sys.argv[1:], "demo", "chart.png")[:2] if len(sys.argv) < 3 else sys.argv[1:3]
seconds, valence = [], []
with Engine(EdgeConfig(source=video, playback="fast")) as engine:
    for frame, result in islice(engine.results(), 300):
        if result.faces:
            seconds.append(frame.time_s)
            valence.append(result.faces[0].valence)
pyplot.plot(seconds, valence)
pyplot.xlabel("seconds")
pyplot.ylabel("unpleasant to pleasant")
pyplot.savefig(chart)
print(f"{len(seconds)} frames with a face: {chart}")
