"""Chooses which views of each frame to search: over time the whole frame, but only a few looks per frame.

    known faces, each near its last place -> lost faces, where they should be -> the views that are due

The place of a lost face gets a look of its own. Views that were never searched come first, then views in which
something changed, those that waited longest before the others. A scene in which nothing changes gets one look per
second.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector
from edge.motion import Changes
from edge.results import BgrImage, Box, Detection, GrayImage
from edge.views import same_face
from edge.zoom import ZoomDetector, by_score

CLOSE_UPS = 8
"""How many known faces are checked again on one frame, and how many candidates in one view; the others wait."""
TURNS = 7
"""While everything changes, all views are searched within this many detections, if the cost of a frame allows it."""
AGAIN_S = 0.5
"""The least time between two looks at a view in which something moves all the time."""
REST_S = 1.0
"""The time between two looks at an unchanged scene; each view gets its turn, also while something moves elsewhere."""
LOST_S = 1.0
"""How long the place of a lost face is searched too, in every other detection: newcomers elsewhere wait no longer."""


@dataclass(frozen=True)
class Scene:
    """What a search needs to know of a frame; all boxes are in full-frame pixels."""

    image: BgrImage
    small: GrayImage
    """A small version of the image, to see what changed."""
    now_s: float
    """The time on the source's clock."""
    known: Sequence[Detection] = ()
    """The faces that are visible."""
    expected: Sequence[Box] = ()
    """Where lost faces should be."""


class Search(Protocol):
    """Finds the faces of one source, and remembers what was searched."""

    idle: bool
    """Whether nobody is in view and nothing changes."""
    doubtful: Sequence[Box] = ()
    """Where there may be faces, found or not: the candidates of the last look at each view, down to low scores."""

    def update(self, scene: "Scene") -> list[Detection]:
        """Find all faces that are seen now: known ones that are still there, and new ones."""


def create_search(detector: Detector) -> Search:
    """Create a search for one source; several searches may share the detector."""
    return ZoomSearch(detector) if isinstance(detector, ZoomDetector) else WholeSearch(detector)


class WholeSearch(Search):
    """Shows a detector the whole frame each time; it rests while an empty scene does not change."""

    def __init__(self, detector: Detector) -> None:
        self.idle = False
        self._detector = detector
        self._changes = Changes([Box(0, 0, 1, 1)], (1, 1))
        self._looked_s = float("-inf")

    def update(self, scene: Scene) -> list[Detection]:
        """Find the faces that the detector sees."""
        changed = self._changes.update(scene.small, []).any()
        if changed:
            self._changes.keep(0)
        self.idle = not changed and not scene.known
        if self.idle and 0 <= scene.now_s - self._looked_s < REST_S:
            return []
        self._looked_s = scene.now_s
        return self._detector.detect(scene.image)


class ZoomSearch(Search):
    """Spreads a zoom detector's looks over the frames of a source."""

    def __init__(self, detector: ZoomDetector) -> None:
        self.idle = False
        self._detector = detector
        self._size = (0, 0)
        self._now_s = 0.0
        self._turn = 0
        self._random = random.Random(0)

    def update(self, scene: Scene) -> list[Detection]:
        """Find known faces that are still there, lost ones that are back, and new ones in the views that are due."""
        image = scene.image
        self._begin((image.shape[1], image.shape[0]), scene.now_s)
        faces = self._find_again(image, scene.known)
        faces += self._detector.confirm(image, [Detection(box) for box in scene.expected], faces, CLOSE_UPS)
        changed = self._changes.update(scene.small, [face.box for face in faces])
        self.idle = not scene.known and not changed.any()
        for view in [*self._lost_view(), *self._next_views(changed)]:
            candidates = self._detector.look(image, view)
            if view in self._views:
                self._seen_in[view] = [*(face.box for face in candidates), *self._detector.doubtful_in(view)]
            faces += self._detector.confirm(image, self._in_turn(candidates), faces, CLOSE_UPS)
        self._turn += 1
        self.doubtful = [box for seen in self._seen_in.values() for box in seen]
        return faces

    def _begin(self, size: tuple[int, int], now_s: float) -> None:
        """Plan the views for a new frame size, or for a source that starts again."""
        is_same = size == self._size and now_s >= self._now_s
        self._size, self._now_s = size, now_s
        if is_same:
            return
        self._views = self._detector.views(size)
        self._changes = Changes(self._views, size)
        self._looked_s = np.full(len(self._views), -np.inf)
        self._seen_in: dict[Box, list[Box]] = {}
        self._lost: Box | None = None
        self._lost_until_s = 0.0

    def _find_again(self, image: BgrImage, known: Sequence[Detection]) -> list[Detection]:
        """The known faces that are still there; beyond `CLOSE_UPS` they take turns to be checked, and are kept else."""
        first = self._turn * CLOSE_UPS
        due = {(first + step) % len(known) for step in range(min(CLOSE_UPS, len(known)))}
        faces: list[Detection] = []
        for index, face in enumerate(known):
            found = self._detector.find_again(image, face.box) if index in due else face
            if found is None:
                self._lost, self._lost_until_s = face.box, self._now_s + LOST_S
            elif not any(same_face(found.box, other.box) for other in faces):
                faces.append(found)
        return faces

    def _in_turn(self, candidates: Sequence[Detection]) -> list[Detection]:
        """The best candidates, then the others in random order: so a pattern that is rejected each time hides none."""
        ranked = by_score(candidates)
        best, others = ranked[: CLOSE_UPS // 2], ranked[CLOSE_UPS // 2 :]
        self._random.shuffle(others)
        return best + others

    def _next_views(self, changed: NDArray[np.bool_]) -> list[Box]:
        """The views to search on this frame."""
        order = np.argsort(self._looked_s, kind="stable")
        waited_s = self._now_s - self._looked_s[order]
        due = order[(changed[order] & (waited_s >= AGAIN_S)) | (waited_s >= REST_S * len(order))]
        if not len(due) and self._now_s - self._looked_s.max() >= REST_S:
            due = order[:1]
        chosen = due[: min(math.ceil(len(self._views) / TURNS), self._detector.most_looks)]
        for index in chosen:
            self._looked_s[index] = self._now_s
            self._changes.keep(index)
        return [self._views[index] for index in chosen]

    def _lost_view(self) -> list[Box]:
        """The surroundings of a face that was lost a moment ago, in every other detection."""
        if self._lost is None or self._now_s >= self._lost_until_s or self._turn % 2 == 0:
            return []
        return [self._detector.view_around(self._lost, self._size)]
