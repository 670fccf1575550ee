"""What is said of a camera: the newest fault, and no older one once the camera gives nothing at all."""

import time

import numpy as np
import pytest

from app.health import SILENT_S, trouble_of
from edge.engine import Processed
from edge.image_watch import ImageWatch
from edge.results import CameraState, CameraStatus
from tests.fakes import frame_of, result_of

ONLINE, DARK, FROZEN = CameraState.ONLINE, CameraState.DARK, CameraState.FROZEN
OLD_S = SILENT_S + 1


@pytest.mark.parametrize(
    ("engine", "watched", "age_s", "word"),
    [
        (CameraState.OPENING, ONLINE, None, ""),
        (ONLINE, ONLINE, 0.1, ""),
        (ONLINE, ONLINE, OLD_S, "silent"),
        (ONLINE, DARK, 0.1, "dark"),
        (DARK, DARK, 0.1, "dark"),
        (ONLINE, DARK, OLD_S, "silent"),
        (DARK, DARK, OLD_S, "silent"),
        (CameraState.OFFLINE, DARK, OLD_S, "gone"),
        (CameraState.STALLED, DARK, OLD_S, "gone"),
        (ONLINE, FROZEN, 0.1, "frozen"),
        (FROZEN, FROZEN, OLD_S, "frozen"),
        (CameraState.OFFLINE, FROZEN, OLD_S, "gone"),
        (CameraState.OFFLINE, ONLINE, 0.1, "gone"),
        (CameraState.OFFLINE, ONLINE, None, "gone"),
    ],
)
def test_the_newest_fault_is_told(engine: CameraState, watched: CameraState, age_s: float | None, word: str) -> None:
    watch = ImageWatch()
    watch.state = watched
    trouble = trouble_of(CameraStatus.now("door", engine), watch, _last(age_s))
    assert (trouble.word if trouble else "") == word


def _last(age_s: float | None) -> Processed | None:
    """What was shown last, so many seconds ago."""
    if age_s is None:
        return None
    frame = frame_of(np.zeros((48, 64, 3), np.uint8), captured_monotonic_s=time.monotonic() - age_s)
    return Processed(frame, result_of(frame))
