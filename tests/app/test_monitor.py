"""What the pages know of a running source: timeline, listeners, health."""

import numpy as np

from app.monitor import Monitor, sample_of
from edge.results import Box, FrameResult
from tests.app.samples import result_of


class TestMonitor:
    def test_the_timeline_is_thin_and_ends_after_a_minute(self) -> None:
        monitor = Monitor()
        for index in range(2000):
            monitor.add(result_of(Box(0, 0, 9, 9), at_s=index / 15), 1.0)
        times = [sample.at_s for sample in monitor.timeline()]
        assert 59 <= times[-1] - times[0] <= 65
        assert min(np.diff(times)) >= 0.5

    def test_listeners_hear_until_they_leave(self) -> None:
        monitor = Monitor()
        heard: list[FrameResult] = []
        monitor.listen("me", heard.append)
        monitor.add(result_of(), 1.0)
        monitor.unlisten("me")
        monitor.add(result_of(), 1.0)
        assert len(heard) == 1

    def test_health_before_the_first_result_is_zero(self) -> None:
        assert Monitor().health().per_second == 0

    def test_the_largest_face_is_the_sample(self) -> None:
        assert sample_of(result_of(Box(0, 0, 5, 5), Box(0, 0, 50, 50))).scores["happy"] == 0.7
