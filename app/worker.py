"""What runs behind the page: edge's engine in a thread of its own, which no rerun touches.

Engine -> image for the streams, Monitor for the pages
"""

import itertools
import logging
import threading
import time
from dataclasses import replace
from typing import Protocol

from app.monitor import Monitor
from app.rendering import RenderOptions, shown
from app.slot import ImageSlot
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import EmotionError
from edge.names import camera_name
from edge.results import CameraState, CameraStatus, Frame, FrameResult

PREDECESSOR_S = 10.0
"""Longest wait until the last worker of the same source has freed its camera."""

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Worker:
    """One source, shown live.

    Usage:
        worker = Worker(EdgeConfig(source="demo"), RenderOptions())
        worker.start()
        worker.change(EdgeConfig(source="demo", detector="haar"), RenderOptions(blur=True))
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
        self.status = CameraStatus.now(camera_name(self.source), CameraState.OPENING)
        """How the camera is."""
        self.dropped = 0
        """Frames that were overwritten by newer ones before they were taken."""
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
        engine = Engine(self.config, thin_files=True)
        try:
            for event in engine.events(self._stop):
                follow(engine, self)
                if isinstance(event, CameraStatus):
                    self.status = event
                elif event is not None:
                    self._show(*event)
                    self.dropped = engine.counts()["dropped"]
        finally:
            engine.close(PREDECESSOR_S)  # a camera that hangs keeps its device until the call returns

    def _show(self, frame: Frame, result: FrameResult) -> None:
        started_s = time.monotonic()
        self.images.put(shown(frame.image, result, self.rendering))
        self.monitor.add(result, (time.monotonic() - started_s) * 1000)


class Chosen(Protocol):
    """What a page chose, in a thread of its own."""

    config: EdgeConfig
    refused: EmotionError | None


def follow(engine: Engine, chosen: Chosen) -> None:
    """Let the engine use the chosen configuration; one that can't be had is refused and the old one stays."""
    config = chosen.config
    if config is engine.config:
        return
    try:
        engine.change(config)
    except EmotionError as error:
        chosen.refused = error
        if chosen.config is config:
            chosen.config = engine.config
