"""Where one source is looked at, frame by frame: all of it is searched, and no frame costs more than a few looks.

    known faces, again in their own surroundings -> new faces in the views whose turn it is

First comes the place of a lost face, then views that were never looked at, then those in which something changed,
longest waiting first. A scene in which nothing changes gets one look per second.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector
from edge.motion import Changes
from edge.results import BgrImage, Box, Detection, GrayImage
from edge.views import clip_face, same_face
from edge.zoom import ZoomDetector

CLOSE_UPS = 8
"""Known faces looked at again on one frame, and candidates looked at twice in one view; the others take turns."""
TURNS = 7
"""Detections in which all views get their look while everything changes, if one may cost so much."""
AGAIN_S = 0.5
"""A view in which something moves all the time is not looked at sooner than this."""
REST_S = 1.0
"""An unchanged scene gets one look in this time."""
LOST_S = 1.0
"""How long the place of a lost face comes first, at every other detection."""


class Search(Protocol):
    """Finds the faces of one source, with a memory of what was looked at."""

    idle: bool
    """Nobody is in view and nothing changes."""

    def update(self, image: BgrImage, gray: GrayImage, now_s: float, known: Sequence[Detection]) -> list[Detection]:
        """All faces that are seen now: those of `known` that are still there, and new ones.

        Args:
            gray: the same image in small, to tell what changed.
            now_s: the source's clock.
            known: the visible faces, in full-frame pixels.
        """


def create_search(detector: Detector) -> Search:
    """A search for one source; several may share the detector."""
    return ZoomSearch(detector) if isinstance(detector, ZoomDetector) else WholeSearch(detector)


class WholeSearch:
    """Shows a detector the whole frame each time; it rests while an empty scene does not change."""

    def __init__(self, detector: Detector) -> None:
        self.idle = False
        self._detector = detector
        self._changes = Changes([Box(0, 0, 1, 1)], (1, 1))
        self._looked_s = float("-inf")

    def update(self, image: BgrImage, gray: GrayImage, now_s: float, known: Sequence[Detection]) -> list[Detection]:
        """What the detector sees."""
        changed = self._changes.update(gray, []).any()
        if changed:
            self._changes.keep(0)
        self.idle = not changed and not known
        if self.idle and 0 <= now_s - self._looked_s < REST_S:
            return []
        self._looked_s = now_s
        size = (image.shape[1], image.shape[0])
        return [clip_face(face, size) for face in self._detector.detect(image)]


class ZoomSearch:
    """Spreads a zoom detector's looks over the frames of a source."""

    def __init__(self, detector: ZoomDetector) -> None:
        self.idle = False
        self._detector = detector
        self._size = (0, 0)
        self._now_s = 0.0
        self._turn = 0

    def update(self, image: BgrImage, gray: GrayImage, now_s: float, known: Sequence[Detection]) -> list[Detection]:
        """Known faces that are still there, and new ones from the views whose turn it is."""
        self._begin((image.shape[1], image.shape[0]), now_s)
        faces = self._find_again(image, known)
        changed = self._changes.update(gray, [face.box for face in faces])
        self.idle = not known and not changed.any()
        for view in self._next_views(changed):
            candidates = self._detector.look(image, view)
            faces += self._detector.confirm(image, candidates, faces, CLOSE_UPS)
        self._turn += 1
        return faces

    def _begin(self, size: tuple[int, int], now_s: float) -> None:
        """Plan the views of a frame of another size, or of a source that begins anew."""
        is_same = size == self._size and now_s >= self._now_s
        self._size, self._now_s = size, now_s
        if is_same:
            return
        self._views = self._detector.views(size)
        self._changes = Changes(self._views, size)
        self._looked_s = np.full(len(self._views), -np.inf)
        self._lost: Box | None = None
        self._lost_until_s = 0.0

    def _find_again(self, image: BgrImage, known: Sequence[Detection]) -> list[Detection]:
        """The known faces that are still there; of more than `CLOSE_UPS` the others are taken as followed."""
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

    def _next_views(self, changed: NDArray[np.bool_]) -> list[Box]:
        """The views to look at on this frame."""
        if self._lost and self._now_s < self._lost_until_s and self._turn % 2:
            return [self._detector.view_around(self._lost, self._size)]
        order = np.argsort(self._looked_s, kind="stable")
        due = order[changed[order] & (self._now_s - self._looked_s[order] >= AGAIN_S)]
        if not len(due) and self._now_s - self._looked_s.max() >= REST_S:
            due = order[:1]
        chosen = due[: min(math.ceil(len(self._views) / TURNS), self._detector.most_looks)]
        for index in chosen:
            self._looked_s[index] = self._now_s
            self._changes.keep(index)
        return [self._views[index] for index in chosen]
