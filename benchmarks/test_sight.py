"""Does the default detector see as far as before, on the demo's portrait? (`benchmarks.sight` uses photographs.)"""

import pytest

from benchmarks import drift
from benchmarks.heads import film, group_of, load_heads, scene_of
from benchmarks.sight import SIZES, measure, watch
from benchmarks.tables import Tables
from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.pipeline import Pipeline, create_classifier

REFERENCE = {
    "640x480": {32: 1.0, 40: 1.0, 64: 1.0, 130: 1.0, 300: 1.0},
    "1280x720": {40: 1.0, 100: 1.0},
    "1920x1080": {40: 1.0},
}
"""Recall by frame size and face height, over four films each: two with a plain background, two with a pattern."""
FILMS = 4


@pytest.mark.parametrize("size", list(REFERENCE))
def test_the_default_sees_as_far_as_it_did(size: str, tables: Tables) -> None:
    rows = [measure(EdgeConfig(), load_heads(None) * FILMS, size, height, SIZES[size]) for height in REFERENCE[size]]
    for row in rows:
        tables.add("Sight (the demo's portrait)", frame=size, face_px=row.height, recall=row.recall, ms=row.cpu_ms)
    reference = {f"sight/{size}/{height}": recall for height, recall in REFERENCE[size].items()}
    reference |= {f"false/{size}/{row.height}": 0.0 for row in rows}
    measured = {f"sight/{size}/{row.height}": row.recall for row in rows}
    measured |= {f"false/{size}/{row.height}": row.false_boxes for row in rows}
    regressions = drift.compare(reference, measured)
    assert not regressions, "\n".join(map(str, regressions))


def test_a_blind_detector_is_caught() -> None:
    """The gate catches a bad detector: the short-range file on the whole frame only, once the default."""
    config = EdgeConfig(detector="blazeface-short-range", min_face=130)
    pipeline = Pipeline(config, create_detector(config), create_classifier(config))
    assert not watch(pipeline, scene_of(load_heads(None)[0], 40, (640, 480), 0), 20).found


def test_a_crowd_on_a_photo_is_found_whole_and_nobody_twice() -> None:
    scene = group_of(load_heads(None) * 12, (40, 80), (1280, 720), 0)
    faces = create_detector(EdgeConfig()).detect(next(film(scene, 1)).image)
    assert len(faces) == 12
    assert all(max(overlap(face.box, box) for face in faces) > 0.4 for box in scene.boxes)
