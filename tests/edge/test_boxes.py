"""The geometry of boxes."""

import pytest

from edge.boxes import area, center, overlap, shared_area
from edge.results import Box

BOX = Box(0, 0, 10, 10)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(BOX, BOX) == 1
    assert overlap(BOX, Box(10, 0, 10, 10)) == 0
    assert overlap(BOX, Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap(BOX, Box(20, 20, 5, 5)) == 0
    assert overlap(Box(3, 3, 0, 0), Box(3, 3, 0, 0)) == 0


def test_area_center_and_what_two_boxes_share() -> None:
    assert area(Box(1, 2, 3, 4)) == 12
    assert center(Box(1, 2, 3, 4)) == (2.5, 4)
    assert shared_area(BOX, Box(8, 7, 10, 10)) == 6
