"""Rectangles of a frame: the views that a search looks at, a face's surroundings, and the same face found twice."""

import math

from edge.boxes import area, shared_area
from edge.results import BgrImage, Box, Detection, Point

SAME_OVERLAP = 0.3
"""Two boxes with at least this intersection over union are the same face."""
SAME_SHARE = 0.6
"""So are two boxes if this share of the smaller one lies in the other: the edge of a view may have cut a face."""
WHOLE_UP_TO = 2.5
"""A frame up to this many times as wide as the smallest view is looked at as a whole; larger ones in squares."""
LEVEL_STEP = 2.7
"""How much larger the views of the next level may be; large faces are found in those."""


def plan_views(size: tuple[int, int], smallest: int, overlap: int) -> list[Box]:
    """Plan square views that cover a frame, the largest first; the last ones are at most `smallest` pixels wide.

    Args:
        size: width and height of the frame; views end at its border.
        overlap: the least number of pixels that neighbors share, so that a small face is whole in one of them.
    """
    top = max(size) if max(size) <= WHOLE_UP_TO * smallest else max(min(size), smallest)
    steps = math.ceil(max(0.0, math.log(top / smallest)) / math.log(LEVEL_STEP) - 1e-9)
    if steps <= 0:
        return _grid(size, smallest, overlap)
    sides = [top * (smallest / top) ** (step / steps) for step in range(steps + 1)]
    return [view for side in sides for view in _grid(size, round(side), round(overlap * side / smallest))]


def _grid(size: tuple[int, int], side: int, overlap: int) -> list[Box]:
    """The fewest views of at most `side` pixels, as small as their number allows."""
    columns, rows = (_count(length, side, overlap) for length in size)
    needed = max(_needed(size[0], columns, overlap), _needed(size[1], rows, overlap))
    side = min(side, needed)
    return [
        clip(Box(x, y, side, side), size) for y in _starts(size[1], rows, side) for x in _starts(size[0], columns, side)
    ]


def _count(length: int, side: int, overlap: int) -> int:
    return 1 if length <= side else math.ceil((length - overlap) / max(1, side - overlap))


def _needed(length: int, count: int, overlap: int) -> int:
    return math.ceil((length + (count - 1) * overlap) / count)


def _starts(length: int, count: int, side: int) -> list[int]:
    return [round(index * (length - side) / max(1, count - 1)) if length > side else 0 for index in range(count)]


def surroundings(box: Box, zoom: float) -> Box:
    """The square around the center of a box, with `zoom` times the box's longer side."""
    side = max(2, round(max(box.width, box.height) * zoom))
    return Box(round(box.x + (box.width - side) / 2), round(box.y + (box.height - side) / 2), side, side)


def clip(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box inside a frame of `size` (width, height); at least one pixel."""
    left, top = min(max(0, box.x), size[0] - 1), min(max(0, box.y), size[1] - 1)
    right, bottom = max(left + 1, min(size[0], box.x + box.width)), max(top + 1, min(size[1], box.y + box.height))
    return Box(left, top, right - left, bottom - top)


def cut(image: BgrImage, view: Box) -> BgrImage:
    """The pixels of a view that lies inside the image; no copy."""
    return image[view.y : view.y + view.height, view.x : view.x + view.width]


def move_face(face: Detection, x: int, y: int) -> Detection:
    """Convert a face from the pixels of a view that begins at (x, y) to the pixels of the frame."""
    box = face.box._replace(x=face.box.x + x, y=face.box.y + y)
    return Detection(box, face.score, tuple(Point(point.x + x, point.y + y) for point in face.points))


def mirror_box(box: Box, width: int) -> Box:
    """The box in the mirror image of an image that is `width` pixels wide."""
    return box._replace(x=width - box.x - box.width)


def same_face(one: Box, other: Box) -> bool:
    """Whether two boxes hold the same face."""
    shared, sizes = shared_area(one, other), (area(one), area(other))
    return shared > 0 and (shared >= SAME_OVERLAP * (sum(sizes) - shared) or shared >= SAME_SHARE * min(sizes))
