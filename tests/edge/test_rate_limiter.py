"""Thinning: the mean rate is kept, early frames are known, and a rate may change."""

import numpy as np
import pytest

from edge.rate_limiter import RateLimiter


@pytest.mark.parametrize(("source_fps", "fps", "expected"), [(30, 15, 15), (30, 20, 20), (10, 15, 10), (30, 0, 30)])
def test_the_mean_rate_is_kept_though_a_camera_jitters(source_fps: int, fps: float, expected: float) -> None:
    limiter, jitter = RateLimiter(fps), np.random.default_rng(1)
    taken = sum(limiter.takes(100 + index / source_fps + jitter.uniform(0, 0.005)) for index in range(source_fps * 10))
    assert taken / 10 == pytest.approx(expected, rel=0.05)


def test_a_frame_is_early_until_a_quarter_of_a_period_before_its_time() -> None:
    limiter = RateLimiter(10)
    assert limiter.takes(100.0)
    assert limiter.takes(100.05)  # due in the middle of the first period; the next one is due at 100.15
    assert limiter.is_early(100.12)
    assert not limiter.is_early(100.13)


def test_a_pause_is_not_made_good_by_a_burst() -> None:
    limiter = RateLimiter(10)
    limiter.takes(100.0)
    assert [limiter.takes(200 + step / 100) for step in range(10)].count(True) == 2


def test_a_new_rate_holds_from_the_next_frame_on() -> None:
    limiter = RateLimiter(1)
    limiter.takes(100.0)
    limiter.fps = 0
    assert limiter.takes(100.01)
