"""The visible line: detect, crop, classify, smooth."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import Box
from edge.sources import PORTRAIT, DemoSource
from tests.fakes import FakeClassifier, FakeDetector, frame_of

IMAGE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)


def _pipeline(detector: FakeDetector, classifier: FakeClassifier, **options: object) -> Pipeline:
    return Pipeline(EdgeConfig(source="demo", **options), detector, classifier)  # type: ignore[arg-type]


def test_a_face_is_given_in_full_frame_pixels() -> None:
    result = _pipeline(FakeDetector(), FakeClassifier()).process(frame_of(IMAGE))
    (face,) = result.faces
    assert face.box == Box(40, 30, 60, 60)
    assert face.emotion == "happy"
    assert face.confidence == pytest.approx(0.8)
    assert result.timings.total_ms > 0


def test_detection_runs_on_every_nth_frame_and_the_face_stays() -> None:
    detector = FakeDetector()
    pipeline = _pipeline(detector, FakeClassifier(), detect_every=4)
    results = [pipeline.process(frame_of(IMAGE, index, index / 15)) for index in range(8)]
    assert detector.calls == 2
    assert {face.track_id for result in results for face in result.faces} == {1}
    assert all(result.faces for result in results)


def test_classification_runs_on_every_nth_frame_and_first_at_once() -> None:
    classifier = FakeClassifier()
    pipeline = _pipeline(FakeDetector(), classifier, classify_every=3)
    results = [pipeline.process(frame_of(IMAGE, index, index / 15)) for index in range(9)]
    assert results[0].faces[0].emotion == "happy"
    assert pipeline.classifications == len(classifier.crops) == 4  # at once, then three times in turn


def test_no_face_is_a_result_without_people() -> None:
    result = _pipeline(FakeDetector([]), FakeClassifier()).process(frame_of(IMAGE))
    assert result.faces == ()


def test_an_empty_scene_that_stands_still_is_looked_at_once_a_second() -> None:
    detector, random = FakeDetector([]), np.random.default_rng(0)
    pipeline = _pipeline(detector, FakeClassifier(), detect_every=1)
    for index in range(46):
        noisy = np.clip(110 + random.normal(0, 5, IMAGE.shape), 0, 255).astype(np.uint8)
        pipeline.process(frame_of(noisy, index, index / 15))
    assert detector.calls in (4, 5)
    assert pipeline.idle
    moved = np.full_like(IMAGE, 110)
    moved[100:300, 200:400] = 30
    pipeline.process(frame_of(moved, 46, 46 / 15))
    assert detector.calls in (5, 6)
    assert not pipeline.idle


def test_an_idle_scene_is_compared_on_every_frame() -> None:
    detector = FakeDetector([])
    pipeline = _pipeline(detector, FakeClassifier(), detect_every=3)
    dark, bright = np.full_like(IMAGE, 30), np.full_like(IMAGE, 110)
    for index in range(4):
        pipeline.process(frame_of(dark, index, index / 15))
    assert pipeline.idle
    detector.boxes = [Box(40, 30, 60, 60)]
    assert pipeline.process(frame_of(bright, 4, 4 / 15)).faces


def test_photos_have_nothing_in_common() -> None:
    detector, classifier = FakeDetector(), FakeClassifier("happy")
    pipeline = _pipeline(detector, classifier)
    first = pipeline.process(replace(frame_of(IMAGE), is_still=True)).faces[0]
    classifier.label = "sad"
    second = pipeline.process(replace(frame_of(IMAGE, 1), is_still=True)).faces[0]
    assert detector.calls == 2
    assert (first.emotion, second.emotion) == ("happy", "sad")
    assert second.confidence == pytest.approx(0.8)
    assert first.track_id != second.track_id


def test_a_video_that_starts_again_has_new_people() -> None:
    detector = FakeDetector()
    pipeline = _pipeline(detector, FakeClassifier())
    first = [pipeline.process(frame_of(IMAGE, index, 10 + index / 15)).faces for index in range(6)]
    again = pipeline.process(frame_of(IMAGE, 6, 0.0)).faces
    assert first[-1][0].track_id != again[0].track_id
    detector.boxes = []
    later = [pipeline.process(frame_of(IMAGE, index, index / 15)).faces for index in range(1, 30)]
    assert later[-1] == ()


def test_a_face_at_the_border_is_cut_there() -> None:
    classifier = FakeClassifier()
    pipeline = _pipeline(FakeDetector([Box(-4, -4, 40, 40)]), classifier)
    result = pipeline.process(frame_of(IMAGE))
    assert result.faces[0].box == Box(0, 0, 36, 36)
    assert classifier.crops[0].shape == (48, 48, 1)


def test_only_the_largest_faces_are_followed() -> None:
    boxes = [Box(10, 10, 30, 30), Box(60, 10, 60, 60), Box(150, 10, 50, 50)]
    result = _pipeline(FakeDetector(boxes), FakeClassifier(), max_faces=2).process(frame_of(IMAGE))
    assert sorted(face.box.width for face in result.faces) == [50, 60]


def test_between_detections_the_box_follows_the_moving_face() -> None:
    demo = DemoSource()
    pipeline = Pipeline(EdgeConfig(source="demo", detector="blazeface", detect_every=10), classifier=FakeClassifier())
    every_frame = Pipeline(EdgeConfig(source="demo", detector="blazeface", detect_every=1), classifier=FakeClassifier())
    errors = []
    for index in range(0, 20):
        frame = frame_of(demo.image(2 * index), index, index / 15)
        followed, detected = pipeline.process(frame).faces[0].box, every_frame.process(frame).faces[0].box
        errors.append(abs(followed.x + followed.width / 2 - detected.x - detected.width / 2))
    assert max(errors) < 12  # the face moves about 6 pixels a frame: standing still would be 60 off


def test_a_tilted_face_reaches_the_network_upright() -> None:
    portrait = cv2.imread(str(PORTRAIT))
    turn = cv2.getRotationMatrix2D((150, 120), -30, 1)
    tilted = cv2.warpAffine(portrait, turn, (300, 300), borderMode=cv2.BORDER_REPLICATE)
    upright, turned, as_it_is = FakeClassifier(), FakeClassifier(), FakeClassifier()
    Pipeline(EdgeConfig(source="photo"), classifier=upright).process(frame_of(portrait))
    Pipeline(EdgeConfig(source="photo"), classifier=turned).process(frame_of(tilted))  # type: ignore[arg-type]
    Pipeline(EdgeConfig(source="photo", upright_from=0), classifier=as_it_is).process(frame_of(tilted))  # type: ignore[arg-type]
    alike, other = (np.corrcoef(upright.crops[0].ravel(), one.crops[0].ravel())[0, 1] for one in (turned, as_it_is))
    assert alike > 0.6  # the boxes differ by some pixels
    assert alike > other + 0.2
