"""Detection in two steps: a far detector finds candidates in parts of the frame, a near one checks each, enlarged.

The far network finds a face only above a certain share of the image that it is given. So a view, a part of the frame,
extends its range in the same time. It may take a hand or a pattern for a face; the near network tells them apart in the
enlarged view, and gives a tighter box and key points.
"""

from collections.abc import Sequence
from typing import Protocol

import cv2

from edge.results import BgrImage, Box, Detection
from edge.views import clip, cut, mirror_box, move_face, plan_views, same_face, surroundings

KNOWN_SCORE = 0.35
"""A known face is kept down to this score."""
NEW_SCORE = 0.65
"""The mean score that a candidate must reach in its two enlarged looks (measured in docs/benchmarks.md)."""
ZOOMS = (2.2, 2.8)
"""Side lengths of the two enlarged looks, in sides of the face's box; the second look is mirrored."""
STILL_ZOOM = 0.8
"""The views of a photo are smaller by this factor, since time does not matter there."""
LOOK_PIXELS = 3 * 256 * 256
"""How many input pixels the far detector may process per frame."""


class FarDetector(Protocol):
    """Finds faces that take up at least a certain share of a view."""

    name: str
    side: int
    """Side of the network's input in pixels."""
    reach: float
    """The smallest face that it finds reliably, as a share of the view's side."""

    def detect(self, image: BgrImage) -> list[Detection]:
        """Find the faces of an image, in its own pixels."""


class NearDetector(Protocol):
    """Finds a face in its surroundings; can also report less certain ones."""

    reach: float
    """The smallest face that it finds reliably, as a share of the view's side."""

    def detect(self, image: BgrImage, score: float = ...) -> list[Detection]:
        """Find the faces of an image above `score`, in its own pixels."""


class ZoomDetector:
    """Finds faces from a height of `min_face` pixels on; `detect` searches the whole image.

    `edge.search.ZoomSearch` spreads the same looks over the frames of a film.
    """

    def __init__(self, far: FarDetector, near: NearDetector, min_face: int) -> None:
        self.name = far.name
        self.most_looks = max(1, LOOK_PIXELS // far.side**2)
        """How many views may be searched per frame of a film."""
        self._far, self._near = far, near
        self._min_face = min_face
        self._view_side = min_face / far.reach
        self._near_views: set[Box] = set()
        """Those views of a film that the near network searches."""
        self.doubtful: list[Box] = []
        """Where there may be faces in the image of the last `detect`, found or not."""

    def detect(self, image: BgrImage) -> list[Detection]:
        """Find all faces of an image, in its own pixels, largest first; a box may extend beyond the image."""
        size = (image.shape[1], image.shape[0])
        candidates: list[Detection] = []
        self.doubtful = []
        for view in self._plan(size, 1.5 * self._min_face, STILL_ZOOM):
            candidates += _look(self._far, image, view)
            self.doubtful += _doubtful(self._far, view)
        self.doubtful += [face.box for face in candidates]
        faces = self.confirm(image, by_score(candidates), [], len(candidates))
        return sorted(faces, key=lambda face: face.box.width * face.box.height, reverse=True)

    def views(self, size: tuple[int, int]) -> list[Box]:
        """The views for a film's frames of `size` (width, height), the largest first.

        The near network searches the whole frame, in an eighth of the time, if every face too small for it there is
        whole in a smaller view, and if that takes no additional views.
        """
        views = self._plan(size, 1.5 * self._min_face)
        shared = self._plan(size, self._near.reach * max(size))
        if views[0] != Box(0, 0, *size) or not 1 < len(shared) <= len(views):
            return views
        self._near_views.add(views[0])
        return shared

    def view_around(self, box: Box, size: tuple[int, int]) -> Box:
        """The view to search for a face that was lost at `box`."""
        longer = max(box.width, box.height)
        return clip(surroundings(box, max(self._view_side / max(1, longer), 4.0)), size)

    def look(self, image: BgrImage, view: Box) -> list[Detection]:
        """Find candidates in a view, in pixels of the frame."""
        return _look(self._network(view), image, view)

    def doubtful_in(self, view: Box) -> list[Box]:
        """Doubtful candidates of the last look, which was at `view`; empty if the detector does not report them."""
        return _doubtful(self._network(view), view)

    def confirm(
        self, image: BgrImage, candidates: Sequence[Detection], known: Sequence[Detection], most: int
    ) -> list[Detection]:
        """Find the new faces among the candidates, each once; only the first `most` candidates are checked."""
        seen, faces = [face.box for face in known], []
        for candidate in candidates:
            if most == 0 or any(same_face(candidate.box, box) for box in seen):
                continue
            most -= 1
            face = self._look_twice(image, candidate.box)
            if face and not any(same_face(face.box, box) for box in seen):
                faces.append(face)
                seen.append(face.box)
        return faces

    def find_again(self, image: BgrImage, box: Box) -> Detection | None:
        """Find the known face near `box`; None if it has gone."""
        return self._look_near(image, box, ZOOMS[0])

    def _plan(self, size: tuple[int, int], overlap: float, zoom: float = 1.0) -> list[Box]:
        return plan_views(size, max(1, round(self._view_side * zoom)), round(overlap))

    def _network(self, view: Box) -> FarDetector | NearDetector:
        return self._near if view in self._near_views else self._far

    def _look_twice(self, image: BgrImage, box: Box) -> Detection | None:
        """Return the face at `box` if both enlarged looks see it in the same place, else None."""
        face = self._look_near(image, box, ZOOMS[0])
        again = face and self._look_near(image, box, ZOOMS[1], mirrored=True)
        if not face or not again or (face.score + again.score) / 2 < NEW_SCORE:
            return None
        return face if same_face(face.box, again.box) else None

    def _look_near(self, image: BgrImage, box: Box, zoom: float, mirrored: bool = False) -> Detection | None:
        """Find the best face near `box`; the key points of a mirrored look stay mirrored."""
        size = (image.shape[1], image.shape[0])
        around = clip(surroundings(box, zoom), size)
        crop = cut(image, around)
        found = self._near.detect(cv2.flip(crop, 1) if mirrored else crop, KNOWN_SCORE)  # type: ignore[arg-type]
        if mirrored:
            found = [Detection(mirror_box(face.box, around.width), face.score) for face in found]
        faces = [move_face(face, around.x, around.y) for face in found]
        return max((face for face in faces if same_face(face.box, box)), key=lambda face: face.score, default=None)


def by_score(faces: Sequence[Detection]) -> list[Detection]:
    """The faces, the surest first."""
    return sorted(faces, key=lambda face: face.score, reverse=True)


def _look(network: FarDetector | NearDetector, image: BgrImage, view: Box) -> list[Detection]:
    return [move_face(face, view.x, view.y) for face in network.detect(cut(image, view))]


def _doubtful(network: FarDetector | NearDetector, view: Box) -> list[Box]:
    return [move_face(face, view.x, view.y).box for face in getattr(network, "doubtful", ())]
