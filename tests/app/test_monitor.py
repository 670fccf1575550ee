"""What the pages know of a running source: everybody's last minute, listeners, health."""

import numpy as np

from app.monitor import Monitor
from edge.results import Box, FrameResult
from tests.app.samples import result_of


class TestMonitor:
    def test_the_last_minute_is_thin_and_ends_after_a_minute(self) -> None:
        monitor = Monitor()
        for index in range(2000):
            monitor.add(result_of(Box(0, 0, 9, 9), at_s=index / 15), 1.0)
        (person,) = monitor.people()
        times = [moment.at_s for moment in person.moments]
        assert 59 <= times[-1] - times[0] <= 65
        assert min(np.diff(times)) >= 0.5

    def test_people_are_in_the_order_of_their_places_and_stay_a_moment(self) -> None:
        monitor = Monitor()
        monitor.add(result_of(Box(200, 0, 9, 9), Box(20, 0, 90, 90)), 1.0)
        assert [person.face.track_id for person in monitor.people()] == [2, 1]
        monitor.add(result_of(Box(200, 0, 9, 9), at_s=3.0), 1.0)
        assert [person.face.track_id for person in monitor.people()] == [2, 1]
        monitor.add(result_of(Box(200, 0, 9, 9), at_s=9.0), 1.0)
        assert [person.face.track_id for person in monitor.people()] == [1]

    def test_people_who_tremble_beside_each_other_keep_their_places(self) -> None:
        monitor = Monitor()
        for at_s, (upper, lower) in enumerate([(50, 52), (53, 50), (49, 55), (60, 48)]):
            monitor.add(result_of(Box(upper, 0, 90, 90), Box(lower, 200, 90, 90), at_s=float(at_s)), 1.0)
            assert [person.face.track_id for person in monitor.people()] == [1, 2]
        monitor.add(result_of(Box(200, 0, 90, 90), Box(50, 200, 90, 90), at_s=4.0), 1.0)
        assert [person.face.track_id for person in monitor.people()] == [2, 1]

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
