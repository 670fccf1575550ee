"""Following and stillness on images whose motion is known."""

import cv2
import numpy as np
import pytest

from edge.motion import Changes, MotionFollower, shrink
from edge.results import Box
from edge.sources import DemoSource

GRAY = cv2.cvtColor(DemoSource().image(0), cv2.COLOR_BGR2GRAY)
FACE = Box(258, 148, 124, 124)


def _moved(dx: float, dy: float, scale: float = 1.0) -> np.ndarray:
    center = FACE.x + FACE.width / 2, FACE.y + FACE.height / 2
    place = cv2.getRotationMatrix2D(center, 0, scale)
    place[:, 2] += (dx, dy)  # type: ignore[misc]
    return cv2.warpAffine(GRAY, place, (640, 480), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(("dx", "dy", "scale"), [(0, 0, 1), (7, -4, 1), (-12, 9, 1), (3, 2, 1.06), (0, 0, 0.95)])
def test_a_box_moves_and_grows_as_its_face_does(dx: float, dy: float, scale: float) -> None:
    follower = MotionFollower()
    follower.remember(cv2.resize(GRAY, (320, 240), interpolation=cv2.INTER_AREA))
    small = cv2.resize(_moved(dx, dy, scale), (320, 240), interpolation=cv2.INTER_AREA)
    (box,) = follower.follow(small, [FACE], 2.0)
    assert box is not None
    assert box.x + box.width / 2 == pytest.approx(FACE.x + FACE.width / 2 + dx, abs=1.5)
    assert box.y + box.height / 2 == pytest.approx(FACE.y + FACE.height / 2 + dy, abs=1.5)
    assert box.width == pytest.approx(FACE.width * scale, rel=0.03)


def test_a_face_that_is_gone_is_lost_and_not_invented() -> None:
    follower = MotionFollower()
    follower.remember(GRAY)
    assert follower.follow(np.full_like(GRAY, 90), [FACE], 1.0) == [None]
    assert MotionFollower().follow(GRAY, [FACE], 1.0) == [None]


def test_noise_is_no_change_a_small_motion_is_and_slow_changes_add_up() -> None:
    random = np.random.default_rng(0)
    changes = Changes([Box(0, 0, GRAY.shape[1], GRAY.shape[0])], (GRAY.shape[1], GRAY.shape[0]))
    assert changes.update(GRAY, []).all(), "what was never looked at is new"
    changes.keep(0)
    for _ in range(5):
        assert not changes.update(np.clip(GRAY + random.normal(0, 5, GRAY.shape), 0, 255).astype(np.uint8), []).any()
    assert changes.update(_moved(12, 0).astype(np.uint8), []).all()
    assert any(changes.update(cv2.convertScaleAbs(GRAY, beta=beta), []).all() for beta in range(0, 12, 2))


def test_a_view_changes_where_something_changed_but_not_for_a_known_face() -> None:
    left, right = Box(0, 0, 160, 240), Box(160, 0, 160, 240)
    changes, image = Changes([left, right], (320, 240)), np.full((240, 320), 90, np.uint8)
    changes.update(image, [])
    changes.keep(0)
    changes.keep(1)
    image[100:140, 200:240] = 200
    assert changes.update(image, []).tolist() == [False, True]
    assert changes.update(image, [Box(196, 96, 48, 48)]).tolist() == [False, False]
    assert changes.update(image, [Box(-30, -30, 40, 40)]).tolist() == [False, True]


def test_a_frame_is_shrunk_to_a_gray_one_and_a_small_one_is_not() -> None:
    assert shrink(np.zeros((480, 640, 3), np.uint8)).shape == (240, 320)
    assert shrink(np.zeros((100, 8000), np.uint8)).shape == (4, 320)
    assert shrink(np.zeros((48, 64), np.uint8)).shape == (48, 64)
