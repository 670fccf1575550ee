"""The values that flow along the pipeline: Frame -> Detection -> EmotionScores -> Face -> FrameResult."""

import enum
import math
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

BgrImage: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), blue first, as OpenCV delivers it."""
GrayImage: TypeAlias = NDArray[np.uint8]
"""(height, width)."""
FaceInput: TypeAlias = NDArray[np.uint8]
"""(height, width, 1) of one face, or (faces, height, width, 1): what the network is fed."""
Probabilities: TypeAlias = NDArray[np.float32]
"""(labels,) of one face, or (faces, labels); each row sums to 1."""

UNCERTAIN = "uncertain"
"""The emotion of a face whose best score or quality is too low for a label."""


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
    """One image from a source; nobody writes into `image`."""

    image: BgrImage
    index: int
    """Counted by the source from 0; gaps are frames that were dropped."""
    captured_monotonic_s: float
    """`time.monotonic()` when the image was read: the base of every age."""
    captured_at: float
    """`time.time()` at the same moment, for the log."""
    source: str
    """The camera's name, or its source's without a password."""
    position_s: float | None = None
    """Seconds from the beginning of a video file; None of a live source."""
    small: BgrImage | None = None
    """The same image in small, if the camera gives one: what moved need not be looked for in `image`."""
    is_still: bool = False
    """A photo, not a moment of a film: nothing is carried over to it from the image before."""
    file: str | None = None
    """The name of a photo in its folder; None of all else."""

    @classmethod
    def now(cls, image: BgrImage, index: int = 0, source: str = "mine", **others: Any) -> "Frame":
        """A frame captured at this moment."""
        return cls(image, index, time.monotonic(), time.time(), source, **others)

    @property
    def is_live(self) -> bool:
        """Whether it is a moment of now: neither a photo nor a moment of a file."""
        return self.position_s is None and not self.is_still

    @property
    def time_s(self) -> float:
        """The source's own clock in seconds: what passed between two images, however fast they are processed."""
        return self.captured_monotonic_s if self.position_s is None else self.position_s


@dataclass(frozen=True)
class Detection:
    """A face found by a detector."""

    box: Box
    score: float = 1.0
    """The detector's own confidence in [0, 1]; 1 when it has none (Haar)."""
    points: tuple[Point, ...] = ()
    """Right and left eye (the person's own), nose, mouth, right and left ear; no ears from YuNet, () from Haar."""

    @property
    def eyes(self) -> tuple[Point, Point] | None:
        """The left and the right eye of the image, if the detector finds them."""
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
    """1 minus the normalised entropy of `scores`: 0 knows nothing, 1 is sure."""
    intensity: float = 0.0
    valence: float = 0.0
    arousal: float = 0.0


@dataclass(frozen=True)
class Timings:
    """Milliseconds of one frame's stages; a stage that did not run is 0."""

    gray_ms: float = 0.0
    detect_ms: float = 0.0
    follow_ms: float = 0.0
    crop_ms: float = 0.0
    classify_ms: float = 0.0
    track_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True)
class FrameResult:
    """What is known of one processed frame: what every sink gets."""

    frame_index: int
    captured_monotonic_s: float
    captured_at: float
    source: str
    faces: tuple[Face, ...] = ()
    timings: Timings = field(default_factory=Timings)
    age_ms: float = 0.0
    """From the moment the image was read to the moment its result was ready."""
    position_s: float | None = None
    """Seconds from the beginning of a video file; None of a live source."""
    scores: str = "people"
    """The name of the model's head that the scores come from."""
    file: str | None = None
    """As in `Frame.file`."""
    doubtful: tuple[Box, ...] = ()
    """Where a face may be that is none of `faces`: a candidate that was refused, or a face that was lost a moment ago.
    For who must hide faces; no sink writes it."""

    @classmethod
    def of(
        cls, frame: Frame, faces: tuple[Face, ...], timings: Timings, scores: str, doubtful: tuple[Box, ...] = ()
    ) -> "FrameResult":
        """The result of `frame`, ready at this moment."""
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
    """How a camera is, as a word."""

    OPENING = "opening"
    ONLINE = "online"
    FROZEN = "frozen"
    """It gives the same image again and again; none of them is handed on."""
    DARK = "dark"
    """It has seen nothing but black for a while."""
    STALLED = "stalled"
    OFFLINE = "offline"
    ENDED = "ended"

    @property
    def may_pass(self) -> bool:
        """Whether a fault may be over in a moment: a frozen or dark camera has been watched for seconds."""
        return self in (CameraState.STALLED, CameraState.OFFLINE)

    @property
    def is_fault(self) -> bool:
        """Whether no new images come that should: neither the start, nor the end of a file."""
        return self not in (CameraState.OPENING, CameraState.ONLINE, CameraState.ENDED)


@dataclass(frozen=True)
class CameraStatus:
    """The state of a camera, why it is so, and since when."""

    name: str
    """The camera's name, as in `Frame.source`."""
    state: CameraState
    reason: str
    """What went wrong, in words; empty if nothing did."""
    since_unix_s: float
    since_monotonic_s: float

    @classmethod
    def now(cls, name: str, state: CameraState, reason: str = "") -> "CameraStatus":
        """A state that begins at this moment."""
        return cls(name, state, reason, time.time(), time.monotonic())
