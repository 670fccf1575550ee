"""How long each stage takes on this machine, for a 640x480 frame with one face."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import roofline, scenes, timing
from benchmarks.models import float_variant
from benchmarks.tables import Tables
from edge.annotate import draw
from edge.config import EdgeConfig
from edge.detectors import DETECTORS, create_detector
from edge.interpreter import EmotionClassifier
from edge.motion import MotionFollower, shrink
from edge.pipeline import Pipeline
from edge.preprocess import crop_face, to_gray
from edge.results import Detection, FaceInput, Frame, FrameResult, GrayImage
from edge.runtimes import installed_runtimes
from edge.schema import to_json
from edge.sources import DemoSource
from edge.tracking import Tracker
from edge.zoom import ZoomDetector

Benchmark = Callable[..., Any]
BUNDLED = ("blazeface", "blazeface-short-range", "haar")
"""The detectors to measure; YuNet is missing, since no package installs its file."""


@pytest.fixture(scope="module")
def frame() -> Frame:
    """A 640x480 frame with one face."""
    return scenes.Scene(DemoSource().image(0), ()).frame()


@pytest.fixture(scope="module")
def gray(frame: Frame) -> GrayImage:
    return to_gray(frame.image)


@pytest.fixture(scope="module")
def small(frame: Frame) -> GrayImage:
    return shrink(frame.image)


@pytest.fixture(scope="module")
def result(frame: Frame, pipeline: Pipeline) -> FrameResult:
    return pipeline.process(frame)


@pytest.fixture(scope="module")
def pipeline(variants: dict[str, Path]) -> Pipeline:
    return Pipeline(EdgeConfig(source="demo", model=str(variants["int8"])))


@pytest.fixture(scope="module")
def face(gray: GrayImage, result: FrameResult, pipeline: Pipeline) -> FaceInput:
    """The face of the frame as input of the network."""
    return crop_face(gray, result.faces[0].box, pipeline.classifier.info)


@pytest.mark.benchmark(group="stages")
def test_gray(benchmark: Benchmark, frame: Frame) -> None:
    assert benchmark(to_gray, frame.image).shape == (480, 640)


@pytest.mark.benchmark(group="stages")
def test_shrink(benchmark: Benchmark, gray: GrayImage) -> None:
    assert benchmark(shrink, gray).shape == (240, 320)


@pytest.mark.benchmark(group="stages")
@pytest.mark.parametrize("detector", BUNDLED)
def test_detect(benchmark: Benchmark, detector: str, frame: Frame) -> None:
    """One look at a view: the cost of a search per detection, which happens on every third frame."""
    assert len(benchmark(DETECTORS[detector](EdgeConfig()).detect, frame.image)) == 1


@pytest.mark.benchmark(group="stages")
def test_find_again(benchmark: Benchmark, frame: Frame, result: FrameResult) -> None:
    """Find a known face again in its surroundings."""
    detector = create_detector(EdgeConfig())
    assert isinstance(detector, ZoomDetector)
    assert benchmark(detector.find_again, frame.image, result.faces[0].box) is not None


@pytest.mark.benchmark(group="stages")
def test_follow(benchmark: Benchmark, small: GrayImage, frame: Frame, result: FrameResult) -> None:
    """Follow a face from one image to the next, as between detections."""
    follower, boxes = MotionFollower(), [face.box for face in result.faces]
    follower.remember(small)
    following = shrink(DemoSource().image(1))
    assert None not in benchmark(follower.follow, following, boxes, frame.image.shape[1] / small.shape[1])


@pytest.mark.benchmark(group="stages")
def test_crop(benchmark: Benchmark, gray: GrayImage, result: FrameResult, pipeline: Pipeline) -> None:
    crop = benchmark(crop_face, gray, result.faces[0].box, pipeline.classifier.info)
    assert crop.shape == (48, 48, 1)


@pytest.mark.benchmark(group="classify")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("runtime", installed_runtimes())
def test_classify(
    benchmark: Benchmark, variant: str, runtime: str, threads: int, variants: dict[str, Path], face: FaceInput
) -> None:
    classifier = EmotionClassifier(variants[variant], runtime, threads)
    classifier.warm_up()
    assert benchmark(classifier.predict, face[None]).shape == (1, 7)


@pytest.mark.benchmark(group="stages")
def test_track_and_smooth(benchmark: Benchmark, result: FrameResult) -> None:
    tracker = Tracker(EdgeConfig())
    faces = [Detection(face.box) for face in result.faces]
    values = list(result.faces[0].scores.values)

    def step() -> int:
        tracks = tracker.update(faces, 0.0)
        tracks[0].smoother.update(np.array(values, np.float32), 0.0)
        return len(tracks)

    assert benchmark(step) == 1


@pytest.mark.benchmark(group="stages")
def test_draw(benchmark: Benchmark, frame: Frame, result: FrameResult) -> None:
    assert benchmark(draw, frame.image, result).shape == frame.image.shape


@pytest.mark.benchmark(group="stages")
def test_encode(benchmark: Benchmark, result: FrameResult) -> None:
    assert benchmark(lambda: json.dumps(to_json(result))).startswith("{")


def test_int8_is_no_slower_where_the_runtime_has_int8_kernels(
    variants: dict[str, Path], face: FaceInput, tables: Tables
) -> None:
    """A ratio within this run, in turns."""
    # Depthwise layers gain little from int8 on a core without an int8 dot product; tflite-runtime 2.14 has no int8
    # XNNPACK kernels on x86.
    limits = {"litert": 1.3, "tflite": 8.0}
    for runtime in installed_runtimes():
        int8 = EmotionClassifier(variants["int8"], runtime)
        floats = EmotionClassifier(variants[float_variant(variants)], runtime)
        ratio = timing.ratio(partial(int8.predict, face[None]), partial(floats.predict, face[None]))
        tables.add("Latency of int8 in that of float", runtime=runtime, ratio=ratio, limit=limits[runtime])
        assert ratio < limits[runtime]


def test_the_classifier_is_near_what_a_core_can_do(variants: dict[str, Path], tables: Tables) -> None:
    rows = [row for runtime in installed_runtimes() for row in roofline.measure(variants, runtime)]
    for row in rows:
        tables.add("Roofline, one core (giga multiply-adds per second)", **row._asdict())
    best = max(row.share for row in rows if row.variant == float_variant(variants))
    assert best > 0.1, "the runtime's fast kernels are off; a share above 1 only means a slow yardstick"
