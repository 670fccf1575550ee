"""A run's figures for Prometheus: `--metrics 127.0.0.1:9100`; needs the extra `metrics`.

Counts that cameras and sinks keep themselves are read when Prometheus asks; figures of each frame are added up here.
"""

import importlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import cv2

from edge.annotate import draw, draw_words, hide_faces
from edge.device_health import temperature_c, throttling
from edge.engine import Engine
from edge.errors import SinkError
from edge.results import CameraState, CameraStatus, Frame, FrameResult, Timings
from edge.schema import count_emotions
from edge.sinks import Sink
from edge.status_page import Answer, Pages, StatusServer

STUCK_S = 5.0
"""A main loop that has not turned for so long hangs: it turns ten times per second, with or without frames."""
AGE_BUCKETS_S = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
STAGE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_COUNTS = {
    "dropped": ("frames_dropped", "Frames that newer ones replaced before they were processed"),
    "skipped": ("frames_skipped", "Frames that were passed over to keep to the rate"),
    "failed": ("items_failed", "Photos and spots of films that could not be read"),
    "reconnects": ("camera_reconnects", "Times that the camera was opened again"),
}
"""For each count of a camera, the metric's name and help text."""


class SnapshotOptions(NamedTuple):
    """Whether, and how, the cameras' images are served."""

    token: str = ""
    """The token that a request must show; without a token no images are served."""
    blur: bool = False


class MetricsSink:
    """Serves /metrics, /healthz and, with a token, /snapshot.jpg.

    Usage:
        MetricsSink("127.0.0.1:9100", engine, sinks)

    Raises:
        ConfigError: the address is not HOST:PORT.
        SinkError: it does not exist or is taken by another program, or the library is missing.
    """

    def __init__(
        self,
        address: str,
        engine: Engine,
        sinks: Sequence[Sink] = (),
        identity: Mapping[str, str] | None = None,
        snapshots: SnapshotOptions | None = None,
    ) -> None:
        library = _library()
        self._library, self._engine, self._device = library, engine, engine.config.device
        self._snapshots = snapshots or SnapshotOptions()
        self._turned_s: float | None = None
        self._last: dict[str, tuple[Frame, FrameResult]] = {}
        self._registry = library.CollectorRegistry()
        self._make_metrics(identity or {})
        self._registry.register(_Counts(library.core, engine, sinks))
        self._registry.register(_Health(library.core, self._device))
        library.ProcessCollector(registry=self._registry)
        self._server = StatusServer(address, Pages(self._answer, self.problems, self.snapshot, self._snapshots.token))
        self.port: int = self._server.port

    def _make_metrics(self, identity: Mapping[str, str]) -> None:
        library, registry = self._library, self._registry
        camera = ("device", "camera")
        self._frames = library.Counter("emotion_edge_frames", "Processed frames", camera, registry=registry)
        self._age = library.Histogram(
            "emotion_edge_result_age_seconds",
            "From reading an image to its result",
            camera,
            registry=registry,
            buckets=AGE_BUCKETS_S,
        )
        self._stages = library.Histogram(
            "emotion_edge_stage_seconds",
            "Time of a stage on a frame in which it ran",
            ("device", "stage"),
            registry=registry,
            buckets=STAGE_BUCKETS_S,
        )
        self._people = library.Gauge("emotion_edge_people", "People in view", camera, registry=registry)
        self._emotions = library.Gauge(
            "emotion_edge_emotions", "People in view who show this emotion", (*camera, "emotion"), registry=registry
        )
        self._shown: dict[str, set[str]] = {}
        """The emotions that were seen so far, for each camera."""
        known = library.Gauge(
            "emotion_edge_info", "Device, version and network", ("device", *identity), registry=registry
        )
        known.labels(self._device, *identity.values()).set(1)

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Count one frame; return False, since this is not an output."""
        self._turned_s = time.monotonic()
        self._last[result.source] = frame, result
        self._frames.labels(self._device, result.source).inc()
        self._age.labels(self._device, result.source).observe(result.age_ms / 1000)
        for stage in fields(Timings):
            if (spent_ms := getattr(result.timings, stage.name)) > 0:
                self._stages.labels(self._device, stage.name.removesuffix("_ms")).observe(spent_ms / 1000)
        self._set_people(result.source, count_emotions(result))
        return False  # if all outputs fail, this one must not make the run look well

    def tell(self, status: CameraStatus) -> bool:
        """Set the people in view of a failed camera to 0."""
        if status.state is not CameraState.ONLINE:
            self._set_people(status.name, {})
        return False

    def turn(self) -> bool:
        """Note that the main loop has turned."""
        self._turned_s = time.monotonic()
        return False

    def close(self) -> None:
        """Stop serving."""
        self._server.close()

    def problems(self) -> list[str]:
        """Why the run is not healthy: the main loop hangs, or cameras give no images."""
        statuses = [status for status in self._engine.statuses if status.state.is_fault]
        cameras = [f"{one.name} is {one.state.value}: {one.reason or 'no new images'}" for one in statuses]
        if self._turned_s is None:
            return ["starting: no turn of the loop yet", *cameras]
        silent_s = time.monotonic() - self._turned_s
        return [*([f"the loop hangs for {silent_s:.0f} s"] if silent_s > STUCK_S else []), *cameras]

    def snapshot(self, camera: str) -> bytes | None:
        """The last image of a camera as a JPEG; if the camera fails, the reason is written across it."""
        frame, result = self._last.get(camera or next(iter(self._last), ""), (None, None))
        if frame is None or result is None:
            return None
        image = draw(hide_faces(frame.image, result) if self._snapshots.blur else frame.image, result)
        for status in self._engine.statuses:
            if status.name == result.source and status.state.is_fault:
                image = draw_words(image, f"{status.state.value}: {status.reason or 'no new images'}")
        return cv2.imencode(".jpg", image)[1].tobytes()

    def _set_people(self, camera: str, emotions: Mapping[str, int]) -> None:
        """Set the gauges; emotions that nobody shows any more become 0, so that means over time are right."""
        self._people.labels(self._device, camera).set(sum(emotions.values()))
        shown = self._shown.setdefault(camera, set())
        shown |= emotions.keys()
        for emotion in shown:
            self._emotions.labels(self._device, camera, emotion).set(emotions.get(emotion, 0))

    def _answer(self, accept: str) -> Answer:
        choose = self._library.exposition.choose_encoder
        try:
            encode, kind = choose(accept)
        except (TypeError, ValueError):  # a version that is none
            encode, kind = choose("")
        return Answer(200, kind, encode(self._registry))


class _Counts:
    """The counts that cameras and sinks keep themselves."""

    def __init__(self, core: Any, engine: Engine, sinks: Sequence[Sink]) -> None:
        self._core, self._engine, self._sinks, self._device = core, engine, sinks, engine.config.device

    def collect(self) -> Iterator[Any]:
        """Yield the current metrics; Prometheus' library calls this."""
        counts = self._engine.camera_counts()
        for count, (name, text) in _COUNTS.items():
            metric = self._core.CounterMetricFamily(f"emotion_edge_{name}", text, labels=["device", "camera"])
            for camera, counted in counts.items():
                metric.add_metric([self._device, camera], counted[count])
            yield metric
        yield self._states()
        yield self._outputs()

    def _states(self) -> Any:
        labels = ["device", "camera", "state"]
        metric = self._core.GaugeMetricFamily("emotion_edge_camera_state", "1 for the camera's state", labels=labels)
        for status in self._engine.statuses:
            for state in CameraState:
                metric.add_metric([self._device, status.name, state.value], float(state is status.state))
        return metric

    def _outputs(self) -> Any:
        """What sinks hold back, dropped or stored, for those sinks that have a method `counts`."""
        labels = ["device", "output", "what"]
        metric = self._core.GaugeMetricFamily("emotion_edge_output", "What an output counts", labels=labels)
        for sink in self._sinks:
            for what, count in getattr(sink, "counts", dict)().items():
                metric.add_metric([self._device, type(sink).__name__.removesuffix("Sink").lower(), what], count)
        return metric


class _Health:
    """The device's own health."""

    def __init__(self, core: Any, device: str) -> None:
        self._core, self._device = core, device

    def collect(self) -> Iterator[Any]:
        """Yield the current metrics; those that the device does not report are left out."""
        if (celsius := temperature_c()) is not None:
            heat = self._core.GaugeMetricFamily(
                "emotion_edge_cpu_temperature_celsius", "The processor's temperature", labels=["device"]
            )
            heat.add_metric([self._device], celsius)
            yield heat
        if reasons := throttling():
            labels = ["device", "reason", "when"]
            slow = self._core.GaugeMetricFamily("emotion_edge_throttled", "1 if the device slows down", labels=labels)
            for reason, (now, since_boot) in reasons.items():
                slow.add_metric([self._device, reason, "now"], float(now))
                slow.add_metric([self._device, reason, "since_boot"], float(since_boot))
            yield slow


def _library() -> Any:
    try:
        for name in ("exposition", "core"):
            importlib.import_module(f"prometheus_client.{name}")
        library = importlib.import_module("prometheus_client")
        library.disable_created_metrics()  # they would double the series, to say only when the process began
    except ImportError as error:
        raise SinkError(
            f"Expected prometheus-client for --metrics: pip install 'prometheus-client>=0.21'. Received: {error}"
        ) from error
    return library
