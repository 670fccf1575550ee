"""The main loop: cameras -> rate limiter -> Pipeline.process -> results. `Engine` is the entry point of the library."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from edge.camera import Camera, visit
from edge.capture import REMEDY
from edge.config import CAMERA_OPTIONS, EdgeConfig
from edge.detectors import Detector, create_detector
from edge.errors import SourceError, StuckThreadError
from edge.governor import Governor, Intervals, fixed_intervals, frame_rate
from edge.names import camera_name
from edge.pipeline import Classifier, Pipeline, create_classifier
from edge.preprocess import checked_frame
from edge.rate_limiter import RateLimiter
from edge.reader import Opener
from edge.results import CameraStatus, Frame, FrameResult
from edge.runtimes import choose_runtime

STOP_S = 1.0
"""How long `close` waits, all together, for threads that a stalled camera holds in a call."""
UNUSED_S = 600.0
"""A source that `push` named is forgotten after so long without a frame."""
DETECTOR_OPTIONS = ("runtime", "threads", "delegate", "detector", "detector_model", "min_face")
CLASSIFIER_OPTIONS = ("runtime", "threads", "delegate", "model", "scores")
"""Options that load the network again when they change."""
OPENING_OPTIONS = (*CAMERA_OPTIONS, "camera_options")
"""Options that open the cameras again when they change."""
LOOP_OPTIONS = ("source", "fps", "cpu_budget", "max_age_ms", *CAMERA_OPTIONS)
"""If only these options change, a pipeline is kept, with the identities of its faces."""
CAMERA_COUNTS = ("dropped", "skipped", "failed", "reconnects")

_log = logging.getLogger(__name__)
Network = TypeVar("Network")


class Processed(NamedTuple):
    """A frame with its result."""

    frame: Frame
    result: FrameResult


Event: TypeAlias = "Processed | CameraStatus | None"


class Engine:
    """Cameras, networks, rates and budget behind one iterator.

    Usage:
        with Engine(EdgeConfig(source="demo")) as engine:
            for frame, result in engine.results():
                print(result.faces)

    You may pass your own detector, classifier and function that opens a source. `push` takes frames of your own instead
    of a camera's. Only one thread at a time may use an engine.

    Raises:
        EmotionError: from `events`, `results`, `push` and `change`: a source, a model or an option has failed.
    """

    def __init__(
        self,
        config: EdgeConfig,
        detector: Detector | None = None,
        classifier: Classifier | None = None,
        opener: Opener | None = None,
        thin_files: bool = False,
    ) -> None:
        self.config = config
        self._detector: _Kept[Detector] = _Kept(detector, create_detector, DETECTOR_OPTIONS)
        self._classifier: _Kept[Classifier] = _Kept(classifier, create_classifier, CLASSIFIER_OPTIONS)
        self._opener = opener
        self._thin_files = thin_files
        """Whether `EdgeConfig.fps` also limits files and the demo, as a viewer wants it."""
        self._cameras: list[Camera] = []
        self._wake = threading.Condition()
        self._pipelines: dict[str, Pipeline] = {}
        self._limiters: dict[str, RateLimiter] = {}
        self._governor, self._intervals = _rates(config)
        self._used_s: dict[str, float] = {}
        self._earlier: Counter[str] = Counter()
        """What the pipelines counted that are forgotten."""

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, timeout_s: float = STOP_S) -> None:
        """Stop all cameras; one that hangs inside a call is logged, and frees its device when the call returns."""
        _stop(self._cameras, timeout_s)

    def results(self, stop: threading.Event | None = None, seconds: float | None = None) -> Iterator[Processed]:
        """Yield every processed frame, until all sources have ended, `stop` is set or `seconds` are over."""
        return (event for event in self.events(stop, seconds) if isinstance(event, Processed))

    def events(self, stop: threading.Event | None = None, seconds: float | None = None) -> Iterator[Event]:
        """Yield what `results` does, each change of a camera's state, and None at least every tenth of a second."""
        self._open_cameras()
        for camera in self._cameras:
            self._pipeline(camera.name)  # the networks load while the cameras open
        told: dict[str, CameraStatus] = {}
        for camera, frame in visit(self._cameras, stop, seconds):
            yield None
            if camera.status is not told.get(camera.name):
                told[camera.name] = camera.status
                yield camera.status
            self._fail_if_all_are_absent()
            if frame is not None and (result := self.push(frame)) is not None:
                yield Processed(frame, result)

    def push(self, frame: Frame) -> FrameResult | None:
        """Process a frame of your own; None if it comes too soon for the rate.

        Frames of one `source` form a series. It is forgotten if no frame comes for ten minutes and others begin.

        Raises:
            SourceError: the frame's image is none: uint8, (height, width, 3) in BGR, or (height, width) in gray.
        """
        frame = checked_frame(frame)
        limiter, pipeline = self._limiter(frame.source), self._pipeline(frame.source)
        if (frame.is_live or self._thin_files) and not limiter.takes(frame.captured_monotonic_s):
            return None
        result = pipeline.process(frame, self._intervals)
        if self._governor:
            self._intervals = self._governor.update(result.age_ms)
        limiter.fps = frame_rate(self._intervals_of(frame.source), pipeline.idle)
        return result

    def change(self, config: EdgeConfig) -> None:
        """Use other options from the next frame on; only what they affect is loaded or opened again.

        Raises:
            EmotionError: the new options fail; the old ones stay in force.
        """
        if not _same(config, self.config, set(vars(config)) - set(LOOP_OPTIONS)):
            self._pipelines = {name: self._new_pipeline(name, config) for name in self._pipelines}
        keep_open, self.config = _same(config, self.config, OPENING_OPTIONS), config
        self._governor, self._intervals = _rates(config)
        for name, limiter in self._limiters.items():
            limiter.fps = self._intervals_of(name).fps
        if self._cameras:
            self._replace_cameras(keep_open)

    @property
    def statuses(self) -> list[CameraStatus]:
        """The state of each camera now."""
        return [camera.status for camera in self._cameras]

    @property
    def setup(self) -> str:
        """The detector, the model and the runtime in words."""
        detector = self._detector.get(self.config)
        name = getattr(detector, "name", type(detector).__name__)
        return f"detector {name}, model {self.config.model_path.name}, runtime {choose_runtime(self.config.runtime)}"

    def counts(self) -> dict[str, int]:
        """What cameras and pipelines have counted so far, by the field names of `Summary`."""
        cameras, pipelines = self.camera_counts().values(), self._pipelines.values()
        return {
            **{name: sum(counted[name] for counted in cameras) for name in CAMERA_COUNTS},
            "detections": self._earlier["detections"] + sum(pipeline.detections for pipeline in pipelines),
            "classifications": self._earlier["classifications"] + sum(one.classifications for one in pipelines),
        }

    def camera_counts(self) -> dict[str, dict[str, int]]:
        """What each camera has counted, by its name."""
        return {camera.name: {name: getattr(camera, name) for name in CAMERA_COUNTS} for camera in self._cameras}

    def _open_cameras(self) -> None:
        """Start a camera for each source that has none."""
        sources, running = self.config.sources, {camera.name for camera in self._cameras}
        for source in sources:
            if (name := camera_name(source)) not in running:
                camera = Camera(source, self.config.of(name), self._wake, len(sources) == 1, self._opener)
                self._limiters[camera.name] = camera.limiter
                self._cameras.append(camera)
                camera.start()

    def _replace_cameras(self, keep_open: bool) -> None:
        names = self.config.cameras
        gone = [camera for camera in self._cameras if not (keep_open and camera.name in names)]
        _stop(gone, STOP_S)
        for camera in gone:
            self._cameras.remove(camera)
            self._pipelines.pop(camera.name, None)
            self._used_s.pop(camera.name, None)
        self._open_cameras()

    def _limiter(self, source: str) -> RateLimiter:
        return self._limiters.setdefault(source, RateLimiter(self._intervals_of(source).fps))

    def _pipeline(self, source: str) -> Pipeline:
        if source not in self._pipelines:
            self._forget_unused()
            self._pipelines[source] = self._new_pipeline(source, self.config)
        self._used_s[source] = time.monotonic()
        return self._pipelines[source]

    def _forget_unused(self) -> None:
        """Forget sources without a camera of which no frame has come for long."""
        cameras, now_s = {camera.name for camera in self._cameras}, time.monotonic()
        for source in [name for name, used_s in self._used_s.items() if now_s - used_s > UNUSED_S]:
            if source not in cameras:
                pipeline = self._pipelines.pop(source)
                self._earlier["detections"] += pipeline.detections
                self._earlier["classifications"] += pipeline.classifications
                self._limiters.pop(source, None)
                del self._used_s[source]

    def _new_pipeline(self, source: str, config: EdgeConfig) -> Pipeline:
        """A new pipeline; all pipelines share one detector and one classifier."""
        return Pipeline(config.of(source), self._detector.get(config), self._classifier.get(config))

    def _intervals_of(self, source: str) -> Intervals:
        """The intervals of all cameras, except that this one may have its own frame rate; a budget may lower it."""
        own_fps = self.config.camera_options.get(source, {}).get("fps")
        if own_fps is None:
            return self._intervals
        fps = min(own_fps or math.inf, self._intervals.fps) if self._governor else own_fps
        return self._intervals._replace(fps=fps)

    def _fail_if_all_are_absent(self) -> None:
        if all(camera.absent for camera in self._cameras):
            names = ", ".join(camera.name for camera in self._cameras)
            raise SourceError(f"Expected a source that opens; {REMEDY}. Received: none of {names}")


class _Kept(Generic[Network]):
    """A network that the caller passed in, or one that is loaded again only when one of its options changes."""

    def __init__(
        self, given: Network | None, create: Callable[[EdgeConfig], Network], options: tuple[str, ...]
    ) -> None:
        self._network, self._is_given = given, given is not None
        self._create = create
        self._options = options
        self._values: tuple[Any, ...] = ()

    def get(self, config: EdgeConfig) -> Network:
        values = tuple(getattr(config, name) for name in self._options)
        if self._network is None or (not self._is_given and values != self._values):
            self._network, self._values = self._create(config), values
        return self._network


def _rates(config: EdgeConfig) -> tuple[Governor | None, Intervals]:
    governor = Governor(config) if config.cpu_budget else None
    return governor, governor.intervals if governor else fixed_intervals(config)


def _same(one: EdgeConfig, other: EdgeConfig, names: "tuple[str, ...] | set[str]") -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _stop(cameras: list[Camera], timeout_s: float) -> None:
    """Stop all cameras within `timeout_s` together; a stuck thread is no error, since it ends with the process."""
    deadline_s = time.monotonic() + timeout_s
    for camera in cameras:
        camera.tell_to_stop()
    for camera in cameras:
        try:
            camera.stop(max(0.0, deadline_s - time.monotonic()))
        except StuckThreadError as error:
            _log.warning("%s", error)
