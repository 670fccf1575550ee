"""How the cost of a whole frame grows with its size and the number of faces."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scenes, timing
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.pipeline import Pipeline

Benchmark = Callable[..., Any]
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
FACES = (0, 1, 4, 16)
MOST_FACES = 16


def crowd_pipeline(model: Path, size: tuple[int, int], faces: int) -> tuple[Pipeline, scenes.Scene]:
    """A pipeline that detects and classifies on every frame, and the scene that it is to process."""
    config = EdgeConfig(source="demo", model=str(model), detect_every=1, max_faces=MOST_FACES)
    scene = scenes.crowd(size, faces)
    detector = scenes.PlacedFaces(create_detector(config), scene.boxes, size[0])
    return Pipeline(config, detector=detector), scene


@pytest.mark.benchmark(group="pipeline")
@pytest.mark.parametrize("faces", FACES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_frame(benchmark: Benchmark, size: tuple[int, int], faces: int, variants: dict[str, Path]) -> None:
    pipeline, scene = crowd_pipeline(variants["int8"], size, faces)
    result = benchmark(pipeline.process, scene.frame())
    assert len(result.people) == faces


def test_cost_grows_no_faster_than_the_faces(variants: dict[str, Path], tables: Tables) -> None:
    works = []
    for faces in FACES:
        pipeline, scene = crowd_pipeline(variants["int8"], (640, 480), faces)
        works.append(partial(pipeline.process, scene.frame()))
    times_ms = dict(zip(FACES, timing.interleaved_ms(works), strict=True))
    per_face_ms = times_ms[1] - times_ms[0]
    for faces, time_ms in times_ms.items():
        tables.add("A 640x480 frame by number of faces (detection on every frame)", faces=faces, ms=time_ms)
    assert times_ms[16] - times_ms[0] < 16 * per_face_ms * 1.5


def test_a_frame_costs_what_its_detection_and_classification_cost(variants: dict[str, Path], tables: Tables) -> None:
    """All that is ours (colour, crops, tracks, objects) stays a small part."""
    pipeline, scene = crowd_pipeline(variants["int8"], (640, 480), 1)
    results = [pipeline.process(scene.frame(index)) for index in range(60)]
    stages = [result.timings for result in results[10:]]
    total_ms, detect_ms, classify_ms = (
        sorted(getattr(stage, name) for stage in stages)[len(stages) // 2]
        for name in ("total_ms", "detect_ms", "classify_ms")
    )
    share = 1 - (detect_ms + classify_ms) / total_ms
    tables.add("Own work in a frame", total_ms=total_ms, detect_ms=detect_ms, classify_ms=classify_ms, own_share=share)
    assert share < 0.35
