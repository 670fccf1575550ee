"""Identity, smoothing, hysteresis: one window a face, a label that does not flicker and does not lag."""

import itertools

import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.model_info import LABELS
from edge.results import Box, Detection, Probabilities
from edge.smoothing import Smoother
from edge.tracking import Tracker, match

HAPPY, SAD = LABELS.index("happy"), LABELS.index("sad")


def _probabilities(**scores: float) -> Probabilities:
    rest = (1 - sum(scores.values())) / (len(LABELS) - len(scores))
    return np.array([scores.get(label, rest) for label in LABELS], np.float32)


def _noisy(label: str, steps: int, seed: int = 0) -> list[Probabilities]:
    """Softmax outputs whose best label is often another one."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.0, (steps, len(LABELS)))
    logits[:, LABELS.index(label)] += 1.5
    powers = np.exp(logits)
    return list((powers / powers.sum(axis=1, keepdims=True)).astype(np.float32))


def _changes(labels: list[int | None]) -> int:
    return sum(one != other for one, other in itertools.pairwise(labels))


def _run(smoother: Smoother, outputs: list[Probabilities], fps: float = 15, start: int = 0) -> list[int | None]:
    shown = []
    for index, output in enumerate(outputs, start):
        smoother.update(output, index / fps)
        shown.append(smoother.shown)
    return shown


def test_noise_changes_the_label_at_most_a_fifth_as_often() -> None:
    outputs = _noisy("happy", 600)
    plain = _run(Smoother(0, 0, 0), outputs)
    smooth = _run(Smoother(0.3, 0.1, 0.4), outputs)
    assert _changes(plain) > 100
    assert _changes(smooth) <= _changes(plain) / 5


def test_a_real_change_shows_within_half_a_second() -> None:
    smoother = Smoother(0.3, 0.1, 0.4)
    _run(smoother, [_probabilities(happy=0.8)] * 30)
    shown = _run(smoother, [_probabilities(sad=0.8)] * 15, start=30)
    assert shown.index(SAD) <= 7  # 7 frames at 15 a second


def test_the_rate_of_frames_does_not_matter() -> None:
    means = []
    for fps in (5, 30):
        smoother = Smoother(0.5, 0.1, 0.4)
        smoother.update(_probabilities(happy=0.9), 0)
        for index in range(1, fps + 1):
            smoother.update(_probabilities(sad=0.9), index / fps)
        means.append(smoother.values[SAD])
    assert means[0] == pytest.approx(means[1], abs=1e-3)


def test_scores_sum_to_one_and_a_low_best_is_uncertain() -> None:
    smoother = Smoother(0.3, 0.1, 0.4)
    assert _run(smoother, _noisy("happy", 50))
    assert sum(smoother.values) == pytest.approx(1, abs=1e-5)
    assert _run(Smoother(0.3, 0.1, 0.4), [_probabilities(happy=0.3)]) == [None]


def _tracker(**options: float) -> Tracker:
    return Tracker(EdgeConfig(source="demo", **options))  # type: ignore[arg-type]


def test_an_identity_survives_a_missed_detection_and_ends_after_three_seconds() -> None:
    tracker = _tracker()
    face = Detection(Box(10, 10, 50, 50))
    (track,) = tracker.update([face], 0.0)
    assert tracker.update([], 0.2) == [track]  # one miss is no reason to hide it
    tracker.follow([None], 0.25)
    assert tracker.update([], 0.3) == []  # nor can it be followed: gone
    (again,) = tracker.update([Detection(Box(14, 10, 50, 50))], 0.4)
    assert again.track_id == track.track_id == 1
    assert tracker.update([], 1.0) == tracker.update([], 1.2) == []
    (new,) = tracker.update([face], 3.5)
    assert new.track_id == 2


def test_an_identity_survives_rare_detections_but_no_long_pause_of_the_camera() -> None:
    tracker = _tracker()
    face = Detection(Box(10, 10, 50, 50))
    found = [tracker.update(faces, 2.0 * step) for step, faces in enumerate([[face], [face], [], [face]])]
    assert [[track.track_id for track in tracks] for tracks in found] == [[1], [1], [], [1]]
    (new,) = tracker.update([face], 60.0)
    assert new.track_id == 2


def test_two_faces_never_share_a_window() -> None:
    tracker = _tracker()
    for step in range(10):
        left, right = Detection(Box(10 + step, 10, 50, 50)), Detection(Box(200 - step, 10, 50, 50))
        one, other = tracker.update([left, right] if step % 2 else [right, left], step / 15)
        by_place = sorted((one, other), key=lambda track: track.detection.box.x)
        by_place[0].smoother.update(_probabilities(happy=0.9), step / 15)
        by_place[1].smoother.update(_probabilities(sad=0.9), step / 15)
    assert [track.smoother.shown for track in by_place] == [HAPPY, SAD]
    assert by_place[0].smoother is not by_place[1].smoother


def test_each_row_and_column_pairs_once_and_two_pairs_change_partners_where_that_is_better() -> None:
    assert sorted(match([[0.1, 0.9], [0.8, 0.2]])) == [(0, 1), (1, 0)]
    assert sorted(match([[1.0, 0.9], [0.9, 0.1]])) == [(0, 1), (1, 0)]  # 1.8 together; the best one first gives 1.1
    assert match([[None], [0.3]]) == [(1, 0)]
    assert match([[], []]) == match([]) == []


def test_a_detection_belongs_to_the_face_it_overlaps_most() -> None:
    tracker = _tracker()
    tracker.update([Detection(Box(0, 0, 100, 100)), Detection(Box(40, 0, 100, 100))], 0.0)
    tracks = tracker.update([Detection(Box(38, 0, 100, 100)), Detection(Box(2, 0, 100, 100))], 0.1)
    assert [track.detection.box.x for track in sorted(tracks, key=lambda track: track.track_id)] == [2, 38]
    (_, _, new) = tracker.update([*(track.detection for track in tracks), Detection(Box(300, 300, 10, 10))], 0.2)
    assert new.track_id == 3


def test_faces_that_overlap_move_on_as_before_whatever_is_followed_there() -> None:
    tracker = _tracker()
    for step in range(14):
        left, right = Detection(Box(10 * step, 0, 100, 100)), Detection(Box(340 - 10 * step, 0, 100, 100))
        tracker.update([left, right], step / 10)
    tracks = tracker.follow([Box(130, 0, 100, 100), None], 1.4)
    assert [round(track.detection.box.x, -1) for track in tracks] == [140, 200]
    assert not any(track.lost for track in tracks)


def test_the_quality_is_smoothed_and_has_a_hysteresis() -> None:
    config = EdgeConfig(source="demo", min_quality=0.5)
    (track,) = Tracker(config).update([Detection(Box(0, 0, 100, 100))], 0.0)
    shown = []
    for step, quality in enumerate([0.9, 0.1, 0.9, *[0.1] * 10, *[0.52] * 40, *[0.9] * 10]):
        track.judge(quality, config, step / 15)
        shown.append(track.is_worth)
    assert all(shown[:3])  # one blurred frame is no reason to doubt
    assert not shown[12]
    assert not shown[52]  # above the limit, but by less than the hysteresis
    assert shown[-1]


def test_a_camera_that_turns_ends_what_left_the_image_but_not_what_is_behind_somebody() -> None:
    tracker = _tracker()
    front, back, leaving = (Detection(Box(x, 0, 100, 100)) for x in (100, 160, 400))
    tracker.update([front, back, leaving], 0.0)
    for step in range(1, 8):
        tracker.update([front], step / 10)
    tracker.forget_hidden()
    tracks = tracker.update([front, back, leaving], 0.8)
    assert sorted(track.track_id for track in tracks) == [1, 2, 4]
