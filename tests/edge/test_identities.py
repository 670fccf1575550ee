"""Who is who in films made of the demo's portrait: people who pass each other, cuts, and a camera that turns."""

import functools
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.pipeline import Pipeline
from edge.results import BgrImage, Face
from edge.sources import PORTRAIT
from tests.fakes import FakeClassifier, frame_of

WIDTH, HEIGHT = 640, 480
HEAD = (70, 20, 160, 190)
"""The head in the portrait: x, y, width, height."""


def _head(other: bool, width: int = 150) -> BgrImage:
    """The portrait's head, or another one: its mirror image, brighter."""
    x, y, w, h = HEAD
    head = cv2.imread(str(PORTRAIT))[y : y + h, x : x + w]
    if other:
        head = cv2.convertScaleAbs(head[:, ::-1], alpha=1.2, beta=20)
    return cv2.resize(head, (width, round(h * width / w)), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


@functools.cache
def _room(seed: int, width: int = WIDTH) -> BgrImage:
    """A wall with furniture and grain."""
    random = np.random.default_rng(seed)
    room = cv2.resize(random.integers(60, 200, (7, 9, 3), np.uint8), (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for _ in range(8):
        corner, size = random.integers(0, (width, HEIGHT)), random.integers(30, 200, 2)
        color = [int(value) for value in random.integers(30, 220, 3)]
        cv2.rectangle(room, corner.tolist(), (corner + size).tolist(), color, cv2.FILLED)
    return cv2.add(cv2.GaussianBlur(room, (0, 0), 2), random.integers(0, 12, room.shape, np.uint8))  # type: ignore[return-value]


def _put(image: BgrImage, head: BgrImage, center_x: float, top: float = 120) -> None:
    """Draw the head, an ellipse, where it is inside the image (written to)."""
    height, width = head.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 2 - 2, height // 2 - 2), 0, 0, 360, 255, cv2.FILLED)
    place = np.array([[1, 0, center_x - width / 2], [0, 1, top]])
    size = (image.shape[1], image.shape[0])
    seen = cv2.warpAffine(cv2.GaussianBlur(mask, (0, 0), 2), place, size)[..., np.newaxis] / 255
    image[:] = (image * (1 - seen) + cv2.warpAffine(head, place, size) * seen).astype(np.uint8)


def _films(images: Iterator[BgrImage], fps: float, **options: object) -> list[tuple[Face, ...]]:
    pipeline = Pipeline(EdgeConfig(source="film", **options), classifier=FakeClassifier())  # type: ignore[arg-type]
    return [pipeline.process(frame_of(image, index, index / fps)).faces for index, image in enumerate(images)]


def _id_near(faces: tuple[Face, ...], x: float) -> int | None:
    near = [face for face in faces if abs(face.box.x + face.box.width / 2 - x) < 60]
    return near[0].track_id if len(near) == 1 else None


def _crossing(path: Callable[[float], tuple[float, float]], fps: float, seconds: float) -> Iterator[BgrImage]:
    """Two people whose centres are at `path(seconds)`; the first one passes in front."""
    room, front, back = _room(0), _head(False), _head(True)
    for index in range(round(seconds * fps)):
        image = room.copy()
        front_x, back_x = path(index / fps)
        _put(image, back, back_x)
        _put(image, front, front_x, top=130)
        yield image


def _passing(seconds: float) -> tuple[float, float]:
    return 110 + 140 * seconds, 530 - 140 * seconds


def _turning_back(seconds: float) -> tuple[float, float]:
    """They meet in the middle, one nearly behind the other, and go back where they came from."""
    way = 140 * (seconds if seconds < 1.5 else 3.0 - seconds)
    return 110 + way, 530 - way


@pytest.mark.parametrize("fps", [15, 5])
@pytest.mark.parametrize("detect_every", [1, 3])
@pytest.mark.parametrize("path", [_passing, _turning_back])
def test_two_people_who_pass_each_other_keep_their_ids(
    path: Callable[[float], tuple[float, float]], fps: float, detect_every: int
) -> None:
    seconds = 3.4
    shown = _films(_crossing(path, fps, seconds), fps, detect_every=detect_every)
    start, end = path(0.4), path(seconds - 1 / fps)
    first = [_id_near(shown[round(0.4 * fps)], x) for x in start]
    last = [_id_near(shown[-1], x) for x in end]
    assert None not in first
    assert len(set(first)) == 2
    assert last == first


@pytest.mark.parametrize("detect_every", [1, 3])
@pytest.mark.parametrize("same_person", [False, True])
def test_a_cut_starts_new_ids_even_for_a_face_at_the_same_place(detect_every: int, same_person: bool) -> None:
    images = []
    for index in range(20):
        is_second = index >= 10
        image = _room(2 if is_second else 1).copy()
        _put(image, _head(other=is_second and not same_person), 300)
        images.append(image)
    shown = _films(iter(images), 15, detect_every=detect_every)
    before, after = ({face.track_id for faces in shown[part] for face in faces} for part in (slice(10), slice(10, 20)))
    assert len(before) == len(after) == 1
    assert before != after
    assert shown[10], "the face is found in the first image after the cut"


@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_a_camera_that_turns_to_somebody_else_gives_a_new_id(seconds: float) -> None:
    """The first person leaves the image at its left; the second one ends where the first one was."""
    hall = _room(3, 3 * WIDTH).copy()
    _put(hall, _head(False), 320)
    _put(hall, _head(True), 320 + 900)
    steps = round(15 * seconds)
    starts = [0] * 8 + [round(900 * step / steps) for step in range(1, steps + 1)] + [900] * 15
    shown = _films((hall[:, start : start + WIDTH].copy() for start in starts), 15)
    first, last = _id_near(shown[7], 320), _id_near(shown[-1], 320)
    assert first is not None
    assert last is not None
    assert first != last


def test_somebody_who_moves_or_a_lamp_is_no_cut() -> None:
    images = []
    for index in range(30):
        image = _room(1).copy()
        _put(image, _head(False, 220), 200 + 8 * index, top=60)
        images.append(cv2.convertScaleAbs(image, alpha=0.6 if index < 15 else 1.0))
    shown = _films(iter(images), 15)
    assert {face.track_id for faces in shown for face in faces} == {1}


def test_somebody_else_at_the_place_of_a_face_that_was_lost_is_new() -> None:
    images = []
    for index in range(40):
        image = _room(1).copy()
        if not 10 <= index < 25:
            _put(image, _head(other=index >= 25), 300)
        images.append(image)
    shown = _films(iter(images), 15)
    assert _id_near(shown[9], 300) == 1
    assert _id_near(shown[-1], 300) == 2


def test_a_face_that_was_covered_for_a_second_is_known_again() -> None:
    images = []
    for index in range(40):
        image = _room(1).copy()
        _put(image, _head(False), 300)
        if 10 <= index < 25:
            image[100:340, 200:400] = 40
        images.append(image)
    shown = _films(iter(images), 15)
    assert _id_near(shown[9], 300) == _id_near(shown[-1], 300) == 1
