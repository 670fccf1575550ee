"""The engine's figures, in small: the full ones are measured by python -m tests.rigs.measure (docs/operations.md)."""

import sys

import numpy as np
import pytest

from tests.rigs.measure import label_changes, memory_mb, plain_staleness_ms, processor_use, staleness_ms

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="V4L2 and /proc are Linux's"),
]


def test_a_slow_consumer_sees_the_present_where_a_plain_loop_sees_the_past() -> None:
    ages_ms, plain_ms = staleness_ms(6), plain_staleness_ms(6)
    third = len(ages_ms) // 3
    assert np.median(ages_ms) < np.median(plain_ms[-third:]) / 5
    assert np.median(ages_ms[-third:]) < np.median(ages_ms[:third]) + 50  # it does not grow


def test_fifteen_frames_a_second_take_a_quarter_of_a_core() -> None:
    """Of an AMD Zen 3 core with LiteRT; a slower or a busy one may take a fifth more."""
    uses = [use for use in (processor_use(4) for _ in range(3)) if use.fps > 14]
    assert uses, "nothing runs beside it, so 15 frames per second are reached"
    assert min(use.share for use in uses) < 0.25 * 1.2


def test_a_noisy_clips_label_changes_at_most_a_fifth_as_often() -> None:
    plain = label_changes(90, classify_every=1, smoothing_s=0, hysteresis=0, threshold=0, min_quality=0)
    assert plain >= 10
    assert label_changes(90, threshold=0, min_quality=0) <= plain / 5


def test_memory_stays_flat() -> None:
    megabytes = memory_mb(1_200, step=400)
    assert megabytes[-1] - megabytes[0] < 2
