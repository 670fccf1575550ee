"""The engine behind the page: edge's camera and pipeline in a thread of their own, which no rerun touches.

Camera -> Pipeline.process -> image for the streams, Monitor for the pages
"""

import itertools
import logging
import threading
import time
from dataclasses import replace

from app.monitor import Monitor
from app.rendering import RenderOptions, shown
from app.slot import ImageSlot
from edge.camera import Camera, iter_frames
from edge.config import EdgeConfig
from edge.errors import EmotionError
from edge.pipeline import Pipeline
from edge.results import Frame

PREDECESSOR_S = 10.0
"""Longest wait until the last worker of the same source has freed its camera."""

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Worker:
    """One source, shown live.

    Usage:
        worker = Worker(EdgeConfig(source="demo"), RenderOptions())
        worker.start()
        worker.change(EdgeConfig(source="demo", detector="haar"), RenderOptions(mirror=True))
        worker.stop()
        worker.join(5)
    """

    def __init__(self, config: EdgeConfig, rendering: RenderOptions, predecessor: "Worker | None" = None) -> None:
        self.number = next(_numbers)
        self.source = str(config.source)
        self.config, self.rendering = config, rendering
        self.images, self.monitor = ImageSlot(), Monitor()
        self.error: Exception | None = None
        """Why it failed."""
        self.ended = False
        """Whether its source came to an end."""
        self.refused: EmotionError | None = None
        """Why the last change was not made."""
        self.camera: Camera | None = None
        self._predecessor = predecessor
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker {self.number}", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it works and was not told to stop."""
        return self._thread.is_alive() and not self._stop.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def change(self, config: EdgeConfig, rendering: RenderOptions) -> None:
        """New settings from the next frame on; the camera stays open."""
        self.refused = None
        self.config, self.rendering = replace(config, source=self.source), rendering

    def stop(self) -> None:
        """Tell it to end; does not wait."""
        self._stop.set()
        self.images.close()

    def join(self, timeout_s: float) -> bool:
        """Wait until the camera is free; whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            if self._predecessor is not None:
                self._predecessor.join(PREDECESSOR_S)
                self._predecessor = None
            if not self._stop.is_set():
                self._work()
            self.ended = not self._stop.is_set()
        except EmotionError as error:
            self.error = error
            _log.warning("%s", error)
        except Exception as error:  # the thread's boundary: the page shows it, the log has its traceback
            self.error = error
            _log.exception("worker of %s", self.source)
        finally:
            self.images.close()

    def _work(self) -> None:
        pipeline, limiter = Pipeline(self.config), RateLimiter()
        self.camera = Camera(self.source, self.config)
        self.camera.start()
        try:
            for frame in iter_frames([self.camera], self._stop):
                self.camera.fps = self.config.fps
                if not limiter.takes(frame.captured_monotonic_s, self.config.fps):
                    continue
                if pipeline.config is not self.config:
                    pipeline = self._changed(pipeline)
                self._process(pipeline, frame)
        finally:
            self.camera.stop(PREDECESSOR_S)  # one that hangs keeps its device until the call returns

    def _changed(self, pipeline: Pipeline) -> Pipeline:
        """A pipeline with the new settings, or the old one if they can't be had; what needn't be loaded is kept."""
        config = self.config
        keeps_runtime = _same(config, pipeline.config, "runtime", "threads")
        keeps_model = keeps_runtime and _same(config, pipeline.config, "model")
        keeps_detector = keeps_runtime and _same(config, pipeline.config, "detector", "detector_model")
        try:
            return Pipeline(
                config, pipeline.detector if keeps_detector else None, pipeline.classifier if keeps_model else None
            )
        except EmotionError as error:
            self.refused, self.config = error, pipeline.config
            return pipeline

    def _process(self, pipeline: Pipeline, frame: Frame) -> None:
        result = pipeline.process(frame)
        started_s = time.monotonic()
        self.images.put(shown(frame.image, result, self.rendering))
        self.monitor.add(result, (time.monotonic() - started_s) * 1000)


class RateLimiter:
    """Thins frames to a target rate, at steady distances: the camera does so for live sources, this for the demo."""

    def __init__(self) -> None:
        self._due_s = 0.0

    def takes(self, captured_monotonic_s: float, fps: float) -> bool:
        """Whether the frame captured then is due at `fps` (0: every frame is)."""
        if not fps:
            return True
        period_s = 1 / fps
        if captured_monotonic_s < self._due_s - period_s / 4:  # a little early is in time: cameras jitter
            return False
        self._due_s = max(self._due_s, captured_monotonic_s - period_s) + period_s
        return True


def _same(one: EdgeConfig, other: EdgeConfig, *names: str) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)
