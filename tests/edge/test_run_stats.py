"""What a run measures about itself: rates, percentiles, counts, and bounded memory."""

import pytest

from edge.results import Box, EmotionScores, Face, FrameResult, Timings
from edge.run_stats import WINDOW, Percentiles, RateMeter, RunStats, format_summary, percentiles

SCORES = EmotionScores(("happy", "sad"), (0.8, 0.2))
COUNTS = {"dropped": 3, "skipped": 4, "reconnects": 1, "detections": 5, "classifications": 6, "failed": 0}


def result(index: int = 0, faces: int = 1, age_ms: float = 10.0, **timings: float) -> FrameResult:
    found = tuple(Face(number, Box(0, 0, 9, 9), "happy", 0.8, SCORES) for number in range(faces))
    return FrameResult(index, 0.0, 0.0, "fake", found, Timings(**timings), age_ms)


@pytest.mark.parametrize("ticks", [2, 3, 20])
def test_n_ticks_span_one_interval_less(ticks: int) -> None:
    meter = RateMeter()
    for number in range(ticks):
        meter.tick(50 + number / 10)
    assert meter.per_second == pytest.approx(10)


def test_no_rate_before_the_second_event_and_only_the_last_seconds_count() -> None:
    meter = RateMeter()
    assert meter.per_second == 0
    meter.tick(0.0)
    assert meter.per_second == 0
    for number in range(200):
        meter.tick(100 + number / 50)
    assert meter.per_second == pytest.approx(50)


def test_percentiles_are_those_of_the_values() -> None:
    assert percentiles([]) == Percentiles(0, 0, 0)
    assert percentiles([7.0]) == Percentiles(7, 7, 7)
    assert percentiles(list(range(101))) == Percentiles(50, 95, 99)


def test_a_summary_counts_frames_faces_and_rates_after_the_first() -> None:
    stats = RunStats(started_s=100.0)
    for index in range(11):
        stats.add(result(index, faces=index % 2, age_ms=index), 102 + index / 10)
    summary = stats.summary(103.0, "setup", **COUNTS)
    assert (summary.frames, summary.with_faces, summary.emotions) == (11, 5, {"happy": 5})
    assert (summary.seconds, summary.first_result_s) == (3.0, 2.0)
    assert summary.per_second == pytest.approx(10)
    assert summary.age_ms.p50 == 5
    assert (summary.dropped, summary.skipped, summary.reconnects) == (3, 4, 1)


def test_a_stage_is_measured_on_the_frames_in_which_it_ran() -> None:
    stats = RunStats(0.0)
    stats.add(result(detect_ms=6.0), 1.0)
    for index in range(1, 9):
        stats.add(result(index, follow_ms=2.0), 1 + index)
    stages = stats.stages_ms()
    assert (stages["detect_ms"].p50, stages["follow_ms"].p50, stages["crop_ms"].p50) == (6, 2, 0)


def test_memory_is_bounded_to_the_newest_frames() -> None:
    stats = RunStats(0.0)
    for index in range(WINDOW + 10):
        stats.add(result(index, age_ms=0 if index < 10 else 5), float(index))
    assert stats.age_ms() == Percentiles(5, 5, 5)
    assert stats.frames == WINDOW + 10


def test_people_read_a_summary_even_of_nothing() -> None:
    text = format_summary(RunStats(0.0).summary(1.0, "detector fake", **COUNTS))
    assert text.startswith("0 frames in 1.0 s (0.0 per second), 0 with a face")
    assert "emotions: none" in text
    assert text.endswith("detector fake")
