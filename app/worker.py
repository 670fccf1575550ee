"""Runs edge's engine behind the page, in a thread of its own that reruns of the page don't touch.

    Engine -> Monitor for the pages
           -> one image for each tab, drawn as that tab wants it

The options of the analysis (`config`) belong to the worker and all its tabs; those of drawing belong to each tab.
"""

import itertools
import logging
import threading
import time
from dataclasses import replace

from app.health import Trouble, trouble_of
from app.monitor import Monitor
from app.rendering import RenderOptions, shown
from app.slot import ImageSlot
from edge.config import EdgeConfig
from edge.engine import Engine, Processed
from edge.errors import EmotionError
from edge.image_watch import ImageWatch
from edge.names import camera_name
from edge.reader import Opener
from edge.results import CameraState, CameraStatus, Frame, FrameResult

PREDECESSOR_S = 10.0
"""The longest wait until the last worker of the same source has released its camera."""
FROZEN_S, DARK_S = 1.5, 1.5
"""A user who watches is told after this time; the engine, which must not raise false alarms, waits longer."""

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Worker:
    """A source that is shown live.

    Usage:
        worker = Worker(EdgeConfig(source="demo"))
        slot = worker.show("a tab", RenderOptions(blur=True))
        worker.start()
        worker.change(detector="haar")
        worker.stop()
        worker.join(5)
    """

    def __init__(self, config: EdgeConfig, opener: Opener | None = None, predecessor: "Worker | None" = None) -> None:
        self.number = next(_numbers)
        self.source = str(config.source)
        self.config = config
        self.changes = 0
        """How often the configuration was changed: a tab with older widgets then updates them."""
        self.monitor = Monitor()
        self.error: Exception | None = None
        """Why the worker failed."""
        self.ended = False
        """Whether the source has come to its end."""
        self.refused: EmotionError | None = None
        """Why the last change of options was refused."""
        self.status = CameraStatus.now(camera_name(self.source), CameraState.OPENING)
        """The camera's state."""
        self.dropped = 0
        """How many frames newer ones overwrote before they were processed."""
        self.last: Processed | None = None
        """The newest frame and its result."""
        self._watch = ImageWatch(FROZEN_S, DARK_S)
        self._views: dict[str, tuple[RenderOptions, ImageSlot]] = {}
        self._lock = threading.Lock()
        self._opener = opener
        self._predecessor = predecessor
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker {self.number}", daemon=True)

    @property
    def running(self) -> bool:
        """Whether the worker runs, and was not told to stop."""
        return self._thread.is_alive() and not self._stop.is_set()

    @property
    def trouble(self) -> Trouble | None:
        """Why the shown image is not what the camera sees now; None if it is."""
        return trouble_of(self.status, self._watch, self.last)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def change(self, **options: object) -> None:
        """Change these options of the configuration from the next frame on; the camera stays open."""
        self.refused = None
        self.config = replace(self.config, **options)  # type: ignore[arg-type]
        self.changes += 1

    def show(self, tab: str, rendering: RenderOptions) -> ImageSlot:
        """Draw for this tab with these options, the newest image at once; the slot holds what is drawn."""
        with self._lock:
            _, slot = self._views.get(tab, (None, None))
            slot = slot or ImageSlot()
            self._views[tab] = rendering, slot
            if self._stop.is_set():
                slot.close()
            elif self.last:
                slot.put(self.image(rendering))
        return slot

    def image(self, rendering: RenderOptions) -> bytes:
        """The newest image as a JPEG; empty before the first."""
        last = self.last
        return shown(last.frame.image, last.result, rendering) if last else b""

    def hide(self, tab: str) -> None:
        """Stop drawing for this tab."""
        with self._lock:
            _, slot = self._views.pop(tab, (None, None))
        if slot:
            slot.close()

    def stop(self) -> None:
        """Tell the worker to end; does not wait."""
        self._stop.set()
        self._close_views()

    def join(self, timeout_s: float) -> bool:
        """Wait until the camera is released; return whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _close_views(self) -> None:
        with self._lock:
            for _, slot in self._views.values():
                slot.close()

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
            self._close_views()

    def _work(self) -> None:
        engine = Engine(self.config, opener=self._opener, thin_files=True)
        try:
            for event in engine.events(self._stop):
                self._follow(engine)
                if isinstance(event, CameraStatus):
                    self.status = event
                elif event is not None:
                    self._take(*event)
                    self.dropped = engine.counts()["dropped"]
        finally:
            engine.close(PREDECESSOR_S)  # a camera that hangs keeps its device until the call returns

    def _follow(self, engine: Engine) -> None:
        """Let the engine use the chosen configuration; if it fails, it is refused and the old one stays."""
        config = self.config
        if config is engine.config:
            return
        try:
            engine.change(config)
        except EmotionError as error:
            self.refused = error
            if self.config is config:
                self.config = engine.config
                self.changes += 1

    def _take(self, frame: Frame, result: FrameResult) -> None:
        started_s = time.monotonic()
        if frame.is_live:
            self._watch.see(frame.image, frame.captured_monotonic_s)
        with self._lock:
            self.last = Processed(frame, result)
            self._draw()
        self.monitor.add(result, (time.monotonic() - started_s) * 1000)

    def _draw(self) -> None:
        """Draw the image for each watching tab; tabs with the same options share one."""
        looking = [(rendering, slot) for rendering, slot in self._views.values() if slot.viewers]
        jpegs = {rendering: self.image(rendering) for rendering in {how for how, _ in looking}}
        for rendering, slot in looking:
            slot.put(jpegs[rendering])
