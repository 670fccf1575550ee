"""How well a face can be judged: the demo's portrait made small, blurred, cut by the border, turned and tilted."""

import csv
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.preprocess import to_gray
from edge.quality import face_quality, pose_quality, turned_degrees
from edge.recording import CsvSink
from edge.results import BgrImage, Box, Detection, Face, Point
from edge.schema import to_json
from edge.sources import PORTRAIT
from tests.fakes import FakeClassifier, FakeDetector, frame_of

IMAGE: BgrImage = cv2.imread(str(PORTRAIT))  # type: ignore[assignment]
FACE = Box(95, 60, 110, 110)
LIMIT = EdgeConfig().min_quality


class OneFace(FakeDetector):
    """Finds one face with its points."""

    def __init__(self, box: Box, points: Sequence[Point] = ()) -> None:
        super().__init__()
        self.found = Detection(box, 0.9, tuple(points))

    def detect(self, image: BgrImage) -> list[Detection]:
        return [self.found]


def _quality(image: BgrImage, box: Box = FACE) -> float:
    return face_quality(to_gray(image), box)


def _shrunk(side: int) -> tuple[BgrImage, Box]:
    """The portrait with a face of `side` pixels."""
    scale = side / FACE.width
    small = cv2.resize(IMAGE, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small, Box(*(round(value * scale) for value in FACE))  # type: ignore[return-value]


def _points(sideways: float = 0, up: float = 0, tilt: float = 0) -> list[Point]:
    """Eyes, nose and mouth of a head turned by so many degrees, seen from afar: the nose lies before the others."""
    model = np.array([[-30, -30, 0], [30, -30, 0], [0, -30 + 0.48 * 60, 30], [0, 30, 0]], float)
    yaw, pitch, roll = np.radians([sideways, up, tilt])
    turn = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    lean = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    return [Point(150 + x, 120 + y) for x, y, _ in model @ (lean @ nod @ turn).T]


def _falls(values: Sequence[float]) -> bool:
    return all(later <= before for before, later in itertools.pairwise(values)) and values[-1] < values[0]


def test_a_sharp_frontal_face_of_48_pixels_and_more_is_good() -> None:
    for side in (48, 64, 110):
        assert _quality(*_shrunk(side)) > 0.9


def test_a_small_face_is_worth_less_and_at_last_nothing() -> None:
    values = [_quality(*_shrunk(side)) for side in (48, 36, 32, 28, 24, 20, 16, 12)]
    assert _falls(values)
    assert values[2] > LIMIT > values[5]
    assert values[-1] == 0


@pytest.mark.parametrize("side", [48, 110])
def test_a_blurred_face_is_worth_less(side: int) -> None:
    image, box = _shrunk(side)
    blurred = [cv2.GaussianBlur(image, (0, 0), share * side) for share in (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1)]
    values = [_quality(one, box) for one in blurred]  # type: ignore[arg-type]
    assert _falls(values)
    assert values[1] > LIMIT > values[4]
    assert values[-1] < 0.05


def test_noise_does_not_hide_a_blur_and_light_does_not_matter() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, 3, IMAGE.shape)
    blurred = cv2.GaussianBlur(IMAGE, (0, 0), 6)
    assert _quality(np.clip(blurred + noise, 0, 255).astype(np.uint8)) < LIMIT
    assert _quality(np.clip(0.3 * IMAGE + noise, 0, 255).astype(np.uint8)) > LIMIT


def test_a_motion_blur_counts_although_it_leaves_one_direction_sharp() -> None:
    streak = np.zeros((15, 15), np.float32)
    streak[7] = 1 / 15
    assert _quality(cv2.filter2D(IMAGE, -1, streak)) < _quality(IMAGE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("step_x", "step_y"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_face_cut_by_the_border_is_worth_less(step_x: int, step_y: int) -> None:
    values = []
    for cut in (0, 10, 25, 40, 60, 90, 110):
        left = FACE.x + cut if step_x > 0 else 0
        right = FACE.x + FACE.width - cut if step_x < 0 else IMAGE.shape[1]
        top = FACE.y + cut if step_y > 0 else 0
        bottom = FACE.y + FACE.height - cut if step_y < 0 else IMAGE.shape[0]
        seen = np.ascontiguousarray(IMAGE[top:bottom, left:right])
        values.append(_quality(seen, FACE._replace(x=FACE.x - left, y=FACE.y - top)))
    assert _falls(values)
    assert values[1] > LIMIT > values[4]
    assert values[-1] == 0


@pytest.mark.parametrize("tilt", [0, 25, -40])
@pytest.mark.parametrize("direction", [(1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7)])
def test_a_face_turned_away_is_worth_less_in_whatever_direction(direction: tuple[float, float], tilt: float) -> None:
    angles = (0, 20, 35, 45, 60, 75)
    turned = [_points(angle * direction[0], angle * direction[1], tilt) for angle in angles]
    assert [turned_degrees(points) for points in turned[:4]] == pytest.approx(angles[:4], abs=9)
    values = [pose_quality(points) for points in turned]
    assert _falls(values)
    assert values[1] == 1
    assert values[4] < LIMIT


def test_a_tilted_face_is_as_good_since_its_crop_is_turned_upright() -> None:
    assert [pose_quality(_points(tilt=tilt)) for tilt in (0, 45, 90)] == [1, 1, 1]


def test_points_that_are_not_known_or_fall_together_are_no_fault() -> None:
    assert pose_quality(()) == 1
    assert pose_quality([Point(5, 5)] * 4) == 0


def _judged(image: BgrImage, detection: Detection, **options: float) -> tuple[Face, FakeClassifier]:
    classifier = FakeClassifier("happy")
    detector = OneFace(detection.box, detection.points)
    pipeline = Pipeline(EdgeConfig(source="photo", **options), detector, classifier)  # type: ignore[arg-type]
    (face,) = pipeline.process(frame_of(image)).faces
    return face, classifier


def test_a_face_that_is_not_worth_judging_has_its_box_and_quality_but_no_guess() -> None:
    blurred: BgrImage = cv2.GaussianBlur(IMAGE, (0, 0), 8)  # type: ignore[assignment]
    tiny, tiny_box = _shrunk(16)
    cases = (
        (IMAGE, Detection(FACE, points=tuple(_points(sideways=70)))),
        (blurred, Detection(FACE)),
        (tiny, Detection(tiny_box)),
    )
    for image, detection in cases:
        face, classifier = _judged(image, detection)
        assert face.emotion == "uncertain"
        assert face.quality < LIMIT
        assert face.box == detection.box
        assert face.scores.values == pytest.approx([1 / 7] * 7)
        assert face.certainty == pytest.approx(0, abs=1e-6)
        assert not classifier.crops, "it is not even classified"


def test_a_good_face_is_told_and_a_bad_one_too_if_nobody_asks_for_quality() -> None:
    face, _ = _judged(IMAGE, Detection(FACE))
    assert (face.emotion, face.quality) == ("happy", pytest.approx(1, abs=0.05))
    blurred: BgrImage = cv2.GaussianBlur(IMAGE, (0, 0), 8)  # type: ignore[assignment]
    face, _ = _judged(blurred, Detection(FACE), min_quality=0)
    assert face.emotion == "happy"
    assert face.quality < 0.2


def test_a_label_holds_over_one_blurred_frame_and_goes_while_the_blur_lasts() -> None:
    blurred: BgrImage = cv2.GaussianBlur(IMAGE, (0, 0), 8)  # type: ignore[assignment]
    images = [IMAGE] * 10 + [blurred] + [IMAGE] * 10 + [blurred] * 15 + [IMAGE] * 10
    pipeline = Pipeline(EdgeConfig(source="film", detect_every=1), OneFace(FACE), FakeClassifier("happy"))
    faces = [pipeline.process(frame_of(image, index, index / 15)).faces[0] for index, image in enumerate(images)]
    told = [face.emotion for face in faces]
    assert set(told[:21]) == {"happy"}
    assert set(told[26:36]) == {"uncertain"}
    assert faces[35].confidence < 0.3
    assert told[-1] == "happy"


def test_json_and_csv_say_the_quality(tmp_path: Path) -> None:
    frame, sink = frame_of(IMAGE), CsvSink(tmp_path / "faces.csv")
    result = Pipeline(EdgeConfig(source="photo"), OneFace(FACE), FakeClassifier()).process(frame)
    sink.write(frame, result)
    sink.close()
    (row,) = csv.DictReader((tmp_path / "faces.csv").open())
    assert float(row["quality"]) == pytest.approx(result.faces[0].quality, abs=1e-4)
    (line,) = to_json(result)["faces"]
    assert json.loads(json.dumps(line))["quality"] == round(result.faces[0].quality, 4)
