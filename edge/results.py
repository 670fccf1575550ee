"""The values that flow along the pipeline: Frame -> Detection -> EmotionScores -> Face -> FrameResult."""

import enum
import math
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError

BgrImage: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), blue first, as OpenCV delivers it."""
GrayImage: TypeAlias = NDArray[np.uint8]
"""(height, width)."""
FaceInput: TypeAlias = NDArray[np.uint8]
"""The network's input: (height, width, 1) for one face, or (faces, height, width, 1)."""
Probabilities: TypeAlias = NDArray[np.float32]
"""(labels,) for one face, or (faces, labels) for several; each row sums to 1."""

UNCERTAIN = "uncertain"
"""Shown in place of a label if the face's best score or quality is too low."""


class Point(NamedTuple):
    """A point in full-frame pixels."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle in full-frame pixels; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Frame:
    """One image from a source; `image` must not be changed."""

    image: BgrImage
    index: int
    """The source counts its frames from 0; gaps in the numbers are frames that were dropped."""
    captured_monotonic_s: float
    """`time.monotonic()` when the image was read; ages are counted from here."""
    captured_at: float
    """`time.time()` at the same moment, for logs."""
    source: str
    """The camera's name; if it has none, its source without the password."""
    position_s: float | None = None
    """Seconds from the beginning of a video file; None of a live source."""
    small: BgrImage | None = None
    """A small version of the image, if the camera gives one: motion is then searched in it, not in `image`."""
    is_still: bool = False
    """Whether this is a photo, not a frame of a film: nothing is carried over from the image before it."""
    file: str | None = None
    """The name of a photo in its folder; None for other sources."""

    @classmethod
    def now(cls, image: BgrImage, index: int = 0, source: str = "mine", **others: Any) -> "Frame":
        """Make a frame that was captured now."""
        return cls(image, index, time.monotonic(), time.time(), source, **others)

    @property
    def is_live(self) -> bool:
        """Whether the frame comes from a live source: neither a photo nor from a file."""
        return self.position_s is None and not self.is_still

    @property
    def time_s(self) -> float:
        """The frame's time in seconds on the source's own clock, however fast the frames are processed."""
        return self.captured_monotonic_s if self.position_s is None else self.position_s


@dataclass(frozen=True)
class Detection:
    """A face found by a detector."""

    box: Box
    score: float = 1.0
    """The detector's confidence in [0, 1]; 1 if it gives none (Haar)."""
    points: tuple[Point, ...] = ()
    """The person's right and left eye, nose, mouth, right and left ear; YuNet gives no ears, Haar no points at all."""

    def __post_init__(self) -> None:
        """Make whole pixels of the box, and plain numbers of NumPy's, which JSON does not take."""
        try:
            box, score = Box(*map(round, self.box)), float(self.score)
        except (TypeError, ValueError, OverflowError):
            score = math.nan
        if not math.isfinite(score):
            raise ModelError(f"Expected a detector to give finite numbers. Received: {self.box}, {self.score}")
        object.__setattr__(self, "box", box)
        object.__setattr__(self, "score", score)

    @property
    def eyes(self) -> tuple[Point, Point] | None:
        """The left and the right eye as seen in the image, if the detector finds them."""
        if len(self.points) < 2:
            return None
        left, right = sorted(self.points[:2], key=lambda eye: eye.x)
        return left, right

    @property
    def tilt_degrees(self) -> float:
        """How far the line of the eyes is turned clockwise in the image; 0 if the eyes are not known."""
        eyes = self.eyes
        if eyes is None:
            return 0.0
        left, right = eyes
        return math.degrees(math.atan2(right.y - left.y, right.x - left.x))


@dataclass(frozen=True)
class EmotionScores:
    """The probabilities of one face, in the order of the model's labels."""

    labels: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def emotion(self) -> str:
        """The most probable label."""
        return self.labels[self.values.index(max(self.values))]

    @property
    def confidence(self) -> float:
        """The probability of `emotion`."""
        return max(self.values)

    def as_dict(self) -> dict[str, float]:
        """Label to probability."""
        return dict(zip(self.labels, self.values, strict=True))


@dataclass(frozen=True)
class Face:
    """A face followed over time, with its smoothed emotion."""

    track_id: int
    box: Box
    emotion: str
    """A label of the model, or `UNCERTAIN`."""
    confidence: float
    scores: EmotionScores
    quality: float = 1.0
    """In [0, 1], from its size, its sharpness, how far it is turned and how much of it is in the image."""
    face_score: float = 1.0
    certainty: float = 0.0
    """1 minus the normalized entropy of `scores`: 0 if all labels are equally likely, 1 if one is sure."""
    intensity: float = 0.0
    valence: float = 0.0
    arousal: float = 0.0


@dataclass(frozen=True)
class Timings:
    """The time of each stage on one frame, in milliseconds; 0 if the stage did not run."""

    gray_ms: float = 0.0
    detect_ms: float = 0.0
    follow_ms: float = 0.0
    crop_ms: float = 0.0
    classify_ms: float = 0.0
    track_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True)
class FrameResult:
    """What is known of one processed frame; every sink gets it."""

    frame_index: int
    captured_monotonic_s: float
    captured_at: float
    source: str
    faces: tuple[Face, ...] = ()
    timings: Timings = field(default_factory=Timings)
    age_ms: float = 0.0
    """Time from reading the image to having its result."""
    position_s: float | None = None
    """Seconds from the beginning of a video file; None of a live source."""
    scores: str = "people"
    """The name of the model's head that the scores come from."""
    file: str | None = None
    """As in `Frame.file`."""
    doubtful: tuple[Box, ...] = ()
    """Where there may be faces that are not in `faces`: rejected candidates, and faces lost a moment ago. They are for
    programs that hide faces; no sink writes them."""

    @classmethod
    def of(
        cls, frame: Frame, faces: tuple[Face, ...], timings: Timings, scores: str, doubtful: tuple[Box, ...] = ()
    ) -> "FrameResult":
        """Make the result of `frame`; its age ends now."""
        return cls(
            frame_index=frame.index,
            captured_monotonic_s=frame.captured_monotonic_s,
            captured_at=frame.captured_at,
            source=frame.source,
            faces=faces,
            timings=timings,
            age_ms=(time.monotonic() - frame.captured_monotonic_s) * 1000,
            position_s=frame.position_s,
            scores=scores,
            file=frame.file,
            doubtful=doubtful,
        )


class CameraState(str, enum.Enum):
    """The state of a camera, as a word."""

    OPENING = "opening"
    ONLINE = "online"
    FROZEN = "frozen"
    """It repeats the same image; the repeats are not processed."""
    DARK = "dark"
    """Its images have been black for a while."""
    STALLED = "stalled"
    OFFLINE = "offline"
    ENDED = "ended"

    @property
    def may_pass(self) -> bool:
        """Whether the fault may be over in a moment: not if frozen or dark, which is noticed only after seconds."""
        return self in (CameraState.STALLED, CameraState.OFFLINE)

    @property
    def is_fault(self) -> bool:
        """Whether usable images are missing though they should come: not at the start, nor at the end of a file."""
        return self not in (CameraState.OPENING, CameraState.ONLINE, CameraState.ENDED)


@dataclass(frozen=True)
class CameraStatus:
    """The state of a camera, its reason, and since when."""

    name: str
    """The camera's name, as in `Frame.source`."""
    state: CameraState
    reason: str
    """What went wrong, in words; empty if nothing did."""
    since_unix_s: float
    since_monotonic_s: float

    @classmethod
    def now(cls, name: str, state: CameraState, reason: str = "") -> "CameraStatus":
        """Make a status that begins now."""
        return cls(name, state, reason, time.time(), time.monotonic())
