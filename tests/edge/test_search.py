"""Search and follow: everything is looked at, no frame costs more than a few looks, and nothing is invented."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.motion import shrink
from edge.pipeline import Pipeline
from edge.results import BgrImage, Box, Detection, Face, Point
from edge.search import AGAIN_S, REST_S, Scene, ZoomSearch
from edge.sources import PORTRAIT
from edge.views import clip, mirror_box, plan_views, same_face, surroundings
from edge.zoom import ZoomDetector
from tests.fakes import FakeClassifier, frame_of

PORTRAIT_FACE = Box(95, 60, 110, 110)
SIZES = [(640, 480), (480, 640), (1280, 720), (1920, 1080), (3840, 2160), (8000, 100), (350, 350), (64, 48), (1, 1)]


def scene(size: tuple[int, int], *faces: tuple[int, int, int]) -> tuple[BgrImage, list[Box]]:
    """A frame with portraits: left, top and face height of each; and the faces' boxes."""
    image, boxes, portrait = np.full((size[1], size[0], 3), 110, np.uint8), [], cv2.imread(str(PORTRAIT))
    for left, top, height in faces:
        scale = height / PORTRAIT_FACE.height
        small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image[top : top + small.shape[0], left : left + small.shape[1]] = small
        x, y, width, height = (round(value * scale) for value in PORTRAIT_FACE)
        boxes.append(Box(left + x, top + y, width, height))
    return image, boxes


class FakeNetwork:
    """Sees white squares as faces, and counts its looks."""

    name = "fake"
    side = 256
    reach = 0.1
    least = 0.0
    """The height of the smallest face that it sees, as a share of the image's side."""

    def __init__(self, score: float = 0.9) -> None:
        self.score = score
        self.looks = 0

    def detect(self, image: BgrImage, score: float = 0.5) -> list[Detection]:
        self.looks += 1
        _, _, rows, _ = cv2.connectedComponentsWithStats((image[:, :, 0] == 255).astype(np.uint8))
        seen = rows[1:][rows[1:, 3] >= self.least * max(image.shape[:2])]
        return [Detection(Box(*map(int, row[:4])), self.score, (Point(row[0], row[1]),)) for row in seen]


def squares(*boxes: Box, size: tuple[int, int] = (640, 480), wall: int = 90) -> BgrImage:
    image = np.full((size[1], size[0], 3), wall, np.uint8)
    for box in boxes:
        image[box.y : box.y + box.height, box.x : box.x + box.width] = 255
    return image


class Room:
    """A search with fake networks, and a clock of five detections per second."""

    def __init__(self, near_score: float = 0.9) -> None:
        self.far, self.near = FakeNetwork(), FakeNetwork(near_score)
        self.search = ZoomSearch(ZoomDetector(self.far, self.near, 40))
        self.now_s = 0.0
        self.faces: list[Detection] = []
        self.expected: list[Box] = []

    def look(self, image: BgrImage) -> list[Box]:
        self.faces = self.search.update(Scene(image, shrink(image), self.now_s, self.faces, self.expected))
        self.now_s += 0.2
        return [face.box for face in self.faces]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("smallest", [60, 200, 400])
def test_the_views_cover_the_frame_and_share_more_than_a_small_face(size: tuple[int, int], smallest: int) -> None:
    views, overlap_px = plan_views(size, smallest, smallest * 15 // 100), smallest * 15 // 100
    finest = [view for view in views if max(view.width, view.height) <= smallest]
    for axis, length in enumerate(size):
        spans = sorted({(view[axis], view[axis] + view[axis + 2]) for view in finest})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        assert all(first[1] - second[0] >= overlap_px - 1 for first, second in itertools.pairwise(spans))
    assert all(view.x + view.width <= size[0] and view.y + view.height <= size[1] for view in views)


@pytest.mark.parametrize(("size", "count"), [((640, 480), 5), ((1280, 720), 10), ((1920, 1080), 20), ((350, 350), 1)])
def test_so_many_looks_search_a_frame(size: tuple[int, int], count: int) -> None:
    assert len(plan_views(size, 400, 60)) == count


def test_boxes() -> None:
    assert surroundings(Box(10, 10, 20, 10), 2.0) == Box(0, -5, 40, 40)
    assert clip(Box(-5, -5, 20, 10), (10, 10)) == Box(0, 0, 10, 5)
    assert clip(Box(50, 50, 20, 10), (10, 10)) == Box(9, 9, 1, 1)
    assert mirror_box(Box(10, 0, 20, 10), 100) == Box(70, 0, 20, 10)
    assert same_face(Box(0, 0, 10, 10), Box(2, 2, 10, 10))
    assert same_face(Box(0, 0, 10, 10), Box(0, 5, 4, 5)), "a face that a view has cut"
    assert not same_face(Box(0, 0, 10, 10), Box(9, 9, 10, 10))
    assert not same_face(Box(0, 0, 10, 10), Box(20, 0, 10, 10))


@pytest.mark.parametrize(("size", "seconds"), [((640, 480), 1.0), ((1280, 720), 1.0), ((1920, 1080), 1.4)])
def test_a_face_anywhere_is_found_in_time(size: tuple[int, int], seconds: float) -> None:
    for x, y in ((0, 0), (size[0] - 40, size[1] - 40), (size[0] // 2, size[1] // 3)):
        room = Room()
        seen = [room.look(squares(Box(x, y, 40, 40), size=size)) for _ in range(round(seconds * 5))]
        assert seen[-1] == [Box(x, y, 40, 40)]


def test_a_frame_costs_a_bounded_number_of_looks_whatever_moves() -> None:
    room = Room()
    for shade in range(0, 200, 10):
        before = room.far.looks, room.near.looks
        room.look(squares(*(Box(20 + 60 * index, 200, 30, 30) for index in range(10)), wall=shade))
        assert room.far.looks - before[0] <= 1
        assert room.near.looks - before[1] <= 8 + 2 * 8
    assert len(room.faces) == 10


def test_what_a_second_look_does_not_confirm_is_no_face() -> None:
    doubtful = Room(near_score=0.6)
    assert [doubtful.look(squares(Box(100, 100, 60, 60))) for _ in range(6)] == [[]] * 6


def test_a_known_face_stays_with_less_and_leaves_when_it_is_gone() -> None:
    room = Room()
    assert room.look(squares(Box(100, 100, 60, 60)))
    room.near.score = 0.4
    assert room.look(squares(Box(110, 104, 60, 60))) == [Box(110, 104, 60, 60)]
    assert room.look(squares()) == []


def test_a_lost_face_is_looked_for_where_it_was_before_its_turn() -> None:
    room = Room()
    near, far = Box(40, 40, 60, 60), Box(150, 40, 60, 60)
    while not room.look(squares(near)):
        pass
    room.look(squares(near))
    found = [room.look(squares(far)) for _ in range(3)]
    assert found[-1] == [far]


@pytest.mark.parametrize("place", [(20, 20), (580, 20), (20, 420), (580, 420), (300, 200)])
def test_a_newcomer_is_found_in_a_second_while_a_lost_face_is_looked_for(place: tuple[int, int]) -> None:
    room, newcomer = Room(), Box(*place, 40, 40)
    room.far.least, room.near.least = 0.09, 0.18
    for _ in range(10):
        room.look(squares(Box(230, 170, 60, 60)))
    assert room.faces
    found = [room.look(squares(newcomer, wall=150)) for _ in range(6)]
    assert found[-1] == [newcomer]


def test_faces_that_come_and_go_leave_no_doubtful_places() -> None:
    room = Room()
    for number in range(40):
        for _ in range(3):
            room.look(squares(Box(30 + 130 * number % 500, 200, 60, 60)))
    for _ in range(12):
        room.look(squares())
    assert room.search.doubtful == []


def test_a_face_that_comes_out_from_behind_another_is_found_where_it_is_expected() -> None:
    room, place = Room(), Box(300, 200, 60, 60)
    for _ in range(6):
        room.look(squares())
    far_looks, room.expected = room.far.looks, [place]
    assert room.look(squares(place)) == [place]
    assert room.far.looks - far_looks <= 1


def test_an_unchanged_scene_is_looked_at_once_a_second_and_an_empty_one_is_idle() -> None:
    room = Room()
    for _ in range(6):
        room.look(squares())
    assert room.search.idle
    before = room.far.looks
    for _ in range(round(5 * REST_S * 4)):
        room.look(squares())
    assert 3 <= room.far.looks - before <= 5


def test_what_moves_all_the_time_is_looked_at_twice_a_second_at_most() -> None:
    room = Room()
    for _ in range(30):
        room.look(squares(wall=90))
    before = room.far.looks
    for step in range(25):
        image = squares()
        image[10:90, 10:90] = 20 * (step % 8)
        room.look(image)
    assert not room.search.idle
    assert room.far.looks - before <= 2 * 5 / AGAIN_S + 2  # two views see that corner


@pytest.mark.parametrize("place", [(430, 150), (420, 330), (130, 100), (440, 230)])
def test_a_small_newcomer_close_beside_a_large_known_face_that_moves_is_found_in_a_second(
    place: tuple[int, int],
) -> None:
    room, known, newcomer = Room(), Box(200, 120, 200, 200), Box(*place, 40, 40)
    room.far.least, room.near.least = 0.09, 0.18
    for step in range(10):
        room.look(squares(known._replace(x=200 + 4 * (step % 3))))
    found = [room.look(squares(known._replace(x=200 + 4 * (step % 3)), newcomer)) for step in range(6)]
    assert newcomer in found[-1]


def test_a_face_that_the_first_look_missed_is_found_though_something_moves_elsewhere() -> None:
    room, newcomer = Room(), Box(40, 380, 40, 40)
    room.far.least, room.near.least = 0.09, 0.18
    for step in range(60):
        image = squares(newcomer)
        image[10:60, 500:560] = 20 * (step % 8)
        room.near.score = 0.3 if step < 8 else 0.9
        room.look(image)
    assert newcomer in [face.box for face in room.faces]


def test_patterns_that_are_rejected_again_and_again_hide_no_face() -> None:
    patterns = [Box(20 + 60 * index, 40 + 60 * row, 30, 30) for index in range(10) for row in range(7)]
    person = Box(290, 230, 30, 30)
    patterns.remove(Box(260, 220, 30, 30))
    patterns.remove(Box(320, 220, 30, 30))

    class Near(FakeNetwork):
        def detect(self, image: BgrImage, score: float = 0.5) -> list[Detection]:
            found = super().detect(image, score)
            return [replace(face, score=0.4 if image[face.box.y, face.box.x, 1] == 255 else 0.9) for face in found]

    class Far(FakeNetwork):
        def detect(self, image: BgrImage, score: float = 0.5) -> list[Detection]:
            found = super().detect(image, score)
            return [replace(face, score=0.9 if image[face.box.y, face.box.x, 1] == 255 else 0.6) for face in found]

    room = Room()
    room.far, room.near = Far(), Near()
    room.near.least = 0.18
    room.search = ZoomSearch(ZoomDetector(room.far, room.near, 40))
    for step in range(40):
        image = squares(*patterns, person, wall=90 + 10 * (step % 4))
        image[person.y : person.y + 30, person.x : person.x + 30, 1] = 250
        room.look(image)
    assert [face.box for face in room.faces] == [person]


def test_a_film_that_begins_again_or_changes_its_size_is_searched_anew() -> None:
    room = Room()
    for _ in range(8):
        room.look(squares())
    room.now_s = 0.0
    before = room.far.looks + room.near.looks
    for _ in range(5):
        room.look(squares())
    assert room.far.looks + room.near.looks - before == 5
    assert room.look(squares(Box(5, 5, 40, 40), size=(320, 240))) == [Box(5, 5, 40, 40)]


def test_of_many_faces_all_stay_though_only_some_are_looked_at_again() -> None:
    crowd = [Box(10 + 60 * column, 10 + 60 * row, 40, 40) for row in range(5) for column in range(8)]
    room = Room()
    counts = [len(room.look(squares(*crowd))) for _ in range(25)]
    assert counts[-1] == 40
    assert counts == sorted(counts)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_two_far_people_are_found_by_the_real_networks_and_each_keeps_its_id(size: tuple[int, int]) -> None:
    image, boxes = scene(size, (30, 40, 40), (size[0] - 260, size[1] - 280, 64))
    pipeline = Pipeline(EdgeConfig(source="demo"), classifier=FakeClassifier())
    ids = set()
    for index in range(30):
        faces = pipeline.process(frame_of(image, index, index / 15)).faces
        assert all(max(overlap(face.box, box) for box in boxes) > 0.4 for face in faces)
        ids |= {face.track_id for face in faces}
    assert len(faces) == len(ids) == 2


@pytest.mark.parametrize("height", [70, 100, 130, 160, 220])
def test_a_face_that_all_small_views_cut_is_found_in_a_second(height: int) -> None:
    """It stands in the middle, where four views meet, before a wall that changes all the time."""
    side = 300 * height // 110
    image, (box,) = scene((640, 900), (320 - side // 2, max(0, 240 - side // 2), height))
    pipeline = Pipeline(EdgeConfig(source="demo"), classifier=FakeClassifier())
    for index in range(16):
        light = cv2.convertScaleAbs(image[:480], alpha=1 - 0.01 * index)
        faces = pipeline.process(frame_of(light, index, index / 15)).faces  # type: ignore[arg-type]
    assert [overlap(face.box, box) > 0.4 for face in faces] == [True]


@pytest.mark.parametrize(("size", "looks"), [((640, 480), 4), ((800, 600), 6), ((1280, 720), 10), ((320, 240), 1)])
def test_the_near_network_looks_at_a_whole_frame_if_smaller_views_hold_what_it_misses(
    size: tuple[int, int], looks: int
) -> None:
    far, near = FakeNetwork(), FakeNetwork()
    near.reach = 0.2
    detector = ZoomDetector(far, near, 40)
    views = detector.views(size)
    for view in views:
        detector.look(np.zeros((size[1], size[0], 3), np.uint8), view)
    assert (far.looks, near.looks) == (looks, len(views) - looks)


def _photo(image: BgrImage, **options: int) -> tuple[Face, ...]:
    pipeline = Pipeline(EdgeConfig(source="demo", **options), classifier=FakeClassifier())  # type: ignore[arg-type]
    frame = frame_of(image)
    return pipeline.process(type(frame)(**{**vars(frame), "is_still": True})).faces


def test_a_group_photo_is_searched_wholly_and_nobody_is_found_twice() -> None:
    places = [(20 + 150 * column, 20 + 150 * row, 40 + 4 * column) for row in range(4) for column in range(6)]
    image, boxes = scene((960, 640), *places)
    faces = _photo(image)
    assert len(faces) == len(boxes) == 24
    assert all(max(overlap(face.box, box) for face in faces) > 0.4 for box in boxes)


@pytest.mark.parametrize("size", [(8000, 100), (100, 8000)])
def test_a_frame_like_a_ribbon(size: tuple[int, int]) -> None:
    image, _ = scene((max(size), 100), (5200, 0, 36))
    image = image if size[0] > size[1] else np.full((8000, 100, 3), 110, np.uint8)
    assert len(_photo(image)) == (size[0] > size[1])


def test_a_frame_smaller_than_the_networks_input() -> None:
    image, (box,) = scene((100, 90), (5, 5, 30))
    (face,) = _photo(image)
    assert overlap(face.box, box) > 0.4


@pytest.mark.parametrize(("min_face", "found"), [(20, True), (300, False)])
def test_min_face_says_from_where_on_faces_are_found(min_face: int, found: bool) -> None:
    image, _ = scene((1280, 720), (800, 300, 20))
    assert bool(_photo(image, min_face=min_face)) == found


@pytest.mark.parametrize("name", ["blazeface", "blazeface-short-range", "haar"])
def test_textures_are_no_faces(name: str) -> None:
    detector = create_detector(EdgeConfig(source="demo", detector=name))
    for seed in range(3):
        clouds = np.random.default_rng(seed).integers(40, 210, (12, 15, 3), np.uint8)
        assert detector.detect(cv2.resize(clouds, (640, 480), interpolation=cv2.INTER_CUBIC)) == []  # type: ignore[arg-type]
