"""How the cost of a whole frame grows with its size and the number of faces."""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import golden, scenes, timing
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.detectors import DETECTORS
from edge.engine import Engine
from edge.pipeline import create_classifier
from edge.results import FrameResult

Benchmark = Callable[..., Any]
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
FACES = (0, 1, 4, 16)
MOST_FACES = 16


def crowd_work(model: Path, size: tuple[int, int], faces: int) -> Callable[[], FrameResult | None]:
    """A function that runs the next frame of a crowd through an engine that detects and classifies on every frame.

    The frames are one second apart: with less time between them, the detector rests when nobody is there.
    """
    config = EdgeConfig(source="demo", model=str(model), detect_every=1, classify_every=1, max_faces=MOST_FACES)
    scene, index = scenes.crowd(size, faces), itertools.count()
    detector = scenes.PlacedFaces(DETECTORS["blazeface"](config), scene.boxes, size[0])
    engine = Engine(config, detector)

    def push() -> FrameResult | None:
        number = next(index)
        return engine.push(scene.frame(number, captured_monotonic_s=float(number)))

    return push


@pytest.mark.benchmark(group="pipeline")
@pytest.mark.parametrize("faces", FACES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_frame(benchmark: Benchmark, size: tuple[int, int], faces: int, variants: dict[str, Path]) -> None:
    result = benchmark(crowd_work(variants["int8"], size, faces))
    assert len(result.faces) == faces


def test_cost_grows_no_faster_than_the_faces(variants: dict[str, Path], tables: Tables) -> None:
    works = [crowd_work(variants["int8"], (640, 480), faces) for faces in FACES]
    times_ms = dict(zip(FACES, timing.interleaved_ms(works), strict=True))
    for faces, time_ms in times_ms.items():
        tables.add("A 640x480 frame by number of faces (detection on every frame)", faces=faces, ms=time_ms)
    assert times_ms[16] - times_ms[0] < 4 * (times_ms[4] - times_ms[0]) * 1.5


def test_a_frame_costs_what_its_detection_and_classification_cost(variants: dict[str, Path], tables: Tables) -> None:
    """Our own code (color, crops, tracks, objects) must take only a small part of the time."""
    config = EdgeConfig(source="demo", model=str(variants["int8"]))
    detector, classifier = DETECTORS["blazeface"](config), create_classifier(config)
    image, face = scenes.crowd((640, 480), 1).image, golden.generated_faces(1)
    works: list[Callable[[], object]] = [
        crowd_work(variants["int8"], (640, 480), 1),
        partial(detector.detect, image),
        partial(classifier.predict, face),
    ]
    total_ms, detect_ms, classify_ms = timing.interleaved_ms(works)
    share = 1 - (detect_ms + classify_ms) / total_ms
    tables.add("Own work in a frame", total_ms=total_ms, detect_ms=detect_ms, classify_ms=classify_ms, own_share=share)
    assert share < 0.35
