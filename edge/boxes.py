"""The geometry of boxes: areas, centers and overlaps."""

from edge.results import Box


def area(box: Box) -> int:
    """Square pixels."""
    return box.width * box.height


def center(box: Box) -> tuple[float, float]:
    """The middle of a box, (x, y)."""
    return box.x + box.width / 2, box.y + box.height / 2


def shared_area(one: Box, other: Box) -> int:
    """The area that two boxes share, in square pixels."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0, width) * max(0, height)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]."""
    shared = shared_area(one, other)
    return shared / max(1, area(one) + area(other) - shared)
