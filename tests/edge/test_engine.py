"""The one loop: results and states, several sources, rates and budget, own parts, changes while it runs."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.config import EdgeConfig
from edge.engine import Engine, Processed
from edge.errors import ModelError, SourceError
from edge.results import Box, CameraState, CameraStatus, Detection, Frame
from edge.schema import to_json
from edge.sources import DemoSource, Source
from tests.fakes import FakeClassifier, FakeDetector, FakeSource

IMAGE = np.full((240, 320, 3), 90, np.uint8)
FAST = EdgeConfig(source="demo", playback="fast", fps=0, min_quality=0)  # the fake detector finds plain background


def engine_of(config: EdgeConfig = FAST, opener: Callable[[str, EdgeConfig], Source] | None = None) -> Engine:
    """An engine without networks: what is tested here is the loop."""
    return Engine(config, FakeDetector([Box(240, 130, 160, 160)]), FakeClassifier(), opener)


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reader")]


def live(name: str = "", config: EdgeConfig = FAST) -> FakeSource:
    return FakeSource(10**6, live=True, fps=100)


def test_results_come_in_order_and_leaving_ends_every_thread() -> None:
    with engine_of() as engine:
        indices = []
        for frame, result in engine.results():
            assert frame.index == result.frame_index
            indices.append(result.frame_index)
            if len(indices) == 30:
                break
        assert indices == list(range(30))
        assert {"detections": 10, "classifications": 11}.items() <= engine.counts().items()
    assert not readers()


def test_a_consumer_that_raises_ends_every_thread() -> None:
    with pytest.raises(ZeroDivisionError), engine_of() as engine:
        for _ in engine.results():
            raise ZeroDivisionError
    assert not readers()


def test_stop_seconds_and_the_end_of_a_source_end_the_results() -> None:
    stop = threading.Event()
    with engine_of() as engine:
        for count, _ in enumerate(engine.results(stop), 1):
            if count == 5:
                stop.set()
        assert count == 5
    started_s = time.monotonic()
    with engine_of(replace(FAST, playback="real")) as engine:
        assert len(list(engine.results(seconds=0.5))) > 1
    assert time.monotonic() - started_s < 3
    with engine_of(opener=lambda name, config: FakeSource(7)) as engine:
        assert len(list(engine.results())) == 7


def test_two_sources_share_the_networks_fairly(tmp_path: Path) -> None:
    from tests.rigs.clips import write_avi

    sources = (str(write_avi(tmp_path / "one.avi", 40)), str(write_avi(tmp_path / "two.avi", 40)))
    with engine_of(replace(FAST, source=sources)) as engine:
        results = [result for _, result in engine.results()]
    first_half = [result.source for result in results[:40]]
    assert len(results) == 80
    assert 10 <= first_half.count(sources[0]) <= 30
    assert all({face.track_id for face in result.faces} == {1} for result in results)


def test_each_photo_of_a_folder_is_looked_at_afresh(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 90, np.uint8))
    with engine_of(EdgeConfig(source=str(tmp_path))) as engine:
        results = [result for _, result in engine.results()]
        assert engine.counts()["detections"] == 3
    assert [face.track_id for result in results for face in result.faces] == [1, 2, 3]


def test_a_budget_thins_the_frames_of_a_live_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.governor.MEASURE_S", 0.05)
    with engine_of(EdgeConfig(source="0", cpu_budget=0.001), live) as engine:
        frames = len(list(engine.results(seconds=1.5)))
        assert engine.counts()["skipped"] > frames
    assert 1 <= frames <= 25


def test_the_rate_holds_for_live_sources_and_for_files_only_if_asked() -> None:
    config = EdgeConfig(source="demo", fps=10)
    with Engine(config, FakeDetector(), FakeClassifier(), thin_files=True) as engine:
        assert 8 <= len(list(engine.results(seconds=1))) <= 12
    with Engine(replace(config, playback="fast"), FakeDetector(), FakeClassifier()) as engine:
        indices = [result.frame_index for _, (_, result) in zip(range(40), engine.results(), strict=False)]
    assert indices == list(range(40))


def test_nobody_in_view_costs_a_camera_five_frames_per_second() -> None:
    engine = Engine(EdgeConfig(fps=30), FakeDetector([]), FakeClassifier())
    frames = [Frame(IMAGE, index, index / 30, index / 30, "0") for index in range(120)]
    results = [engine.push(frame) is not None for frame in frames]
    assert sum(results[60:]) == pytest.approx(10, abs=1)


def test_states_are_told_once_each_with_their_reason() -> None:
    sources = [FakeSource(10**6, live=True, fps=100, fail_after=3), FakeSource(3, live=True)]

    def opener(name: str, config: EdgeConfig) -> FakeSource:
        return sources.pop(0)

    with engine_of(replace(FAST, source="0", reconnect_s=0.1), opener) as engine:
        events = list(engine.events(seconds=20))
        assert [status.state for status in engine.statuses] == [CameraState.ENDED]
    told = [event for event in events if isinstance(event, CameraStatus)]
    words = [status.state.value for status in told]
    assert [word for word in words if word != "opening"] == ["online", "offline", "online", "ended"]
    assert told[words.index("offline")].reason == "Expected a frame from the fake. Received: none"
    assert {status.name for status in told} == {"0"}
    assert events.count(None) > 3


def test_an_event_comes_even_if_no_frame_does() -> None:
    def opener(name: str, config: EdgeConfig) -> FakeSource:
        raise SourceError("Expected a camera. Received: none")

    with engine_of(replace(FAST, source=("0", "1")), lambda n, c: live() if n == "0" else opener(n, c)) as engine:
        words = [event.state.value for event in engine.events(seconds=0.5) if isinstance(event, CameraStatus)]
        assert "offline" in words
    with (
        engine_of(replace(FAST, source=("1", "2")), opener) as engine,
        pytest.raises(SourceError, match="none of 1, 2"),
    ):
        list(engine.events(seconds=20))


def test_sources_of_which_no_frame_comes_any_more_are_forgotten_but_stay_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.engine.UNUSED_S", -1.0)
    engine = engine_of()
    for client in range(50):
        engine.push(Frame(IMAGE, 0, 100.0, 0.0, f"client {client}"))
    assert len(engine._pipelines) == len(engine._limiters) == 1
    assert engine.counts()["detections"] == 50


def test_a_frame_of_ones_own_may_be_pushed() -> None:
    engine = engine_of(EdgeConfig(fps=10, min_quality=0.0))
    first = engine.push(Frame(IMAGE, 0, 100.0, 0.0, "mine"))
    assert first is not None
    assert [face.emotion for face in first.faces] == ["happy"]
    assert engine.push(Frame(IMAGE, 1, 100.02, 0.0, "mine")) is None, "too soon for 10 frames per second"
    assert engine.push(Frame(IMAGE, 0, 100.02, 0.0, "another")) is not None
    assert engine.push(Frame.now(IMAGE, is_still=True)) is not None


NO_IMAGES = [
    None,
    IMAGE.tolist(),
    IMAGE.astype(np.uint16) * 257,
    (IMAGE / 255).astype(np.float32),
    IMAGE.astype(np.float64),
    IMAGE.astype(np.int32),
    IMAGE > 80,
    IMAGE.transpose(2, 0, 1),
    IMAGE[:0],
    IMAGE[:, 0, 0],
    IMAGE[..., :2],
]


@pytest.mark.parametrize("image", NO_IMAGES, ids=lambda image: f"{getattr(image, 'dtype', type(image))}")
def test_what_is_no_image_is_an_error_and_not_an_empty_room(image: Any) -> None:
    frames = [Frame.now(image), Frame.now(image, is_still=True), Frame.now(IMAGE, small=image)]
    for frame in frames[: 2 if image is None else 3]:
        with pytest.raises(SourceError, match=r"Expected images of mine as uint8.* Received: "):
            engine_of().push(frame)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("image", NO_IMAGES[1:], ids=lambda image: f"{getattr(image, 'dtype', type(image))}")
def test_a_source_that_gives_no_images_fails_like_any_other(image: Any, live: bool) -> None:
    source = FakeSource(live=live)
    source.read = lambda: image  # type: ignore[method-assign]
    with (
        engine_of(opener=lambda name, config: source) as engine,
        pytest.raises(SourceError, match="Expected images of demo"),
    ):
        list(engine.results(seconds=10))
    assert source.closed


def test_a_camera_that_gives_something_else_for_a_moment_is_opened_again() -> None:
    images: Iterator[Any] = iter([IMAGE, IMAGE + 1, IMAGE.astype(np.float32), IMAGE + 2, IMAGE + 3])

    def opener(name: str, config: EdgeConfig) -> FakeSource:
        source = FakeSource(live=True)
        source.read = lambda: next(images, None)  # type: ignore[method-assign]
        return source

    with engine_of(replace(FAST, reconnect_s=0.05), opener) as engine:
        statuses = [event for event in engine.events(seconds=10) if isinstance(event, CameraStatus)]
    told = [(status.state.value, "float32" in status.reason) for status in statuses if status.state.value != "opening"]
    assert told == [("online", False), ("offline", True), ("online", False), ("ended", False)]


@pytest.mark.parametrize(
    "image",
    [IMAGE[..., 0], IMAGE[..., :1], np.dstack([IMAGE, IMAGE[..., :1]]), IMAGE[:, ::-1], np.asfortranarray(IMAGE)],
)
def test_gray_and_transparent_images_are_taken_too(image: Any) -> None:
    result = engine_of().push(Frame.now(image))
    assert result is not None
    assert [face.emotion for face in result.faces] == ["happy"]


def test_numbers_of_numpy_become_numbers_that_json_takes() -> None:
    boxes = [Box(*np.array([240, 130, 160, 160], np.int32))]
    engine = Engine(FAST, FakeDetector(boxes), FakeClassifier())
    at = {"captured_at": np.float32(5), "captured_monotonic_s": np.float32(5), "position_s": np.float32(0.5)}
    result = engine.push(replace(Frame.now(IMAGE), index=np.int64(3), **at))
    assert result is not None
    line = json.loads(json.dumps(to_json(result)))
    assert (line["frame_index"], line["position_s"], line["faces"][0]["box"][:2]) == (3, 0.5, [240, 130])
    assert Detection(Box(1.6, 2, 3, 4), np.float32(0.5)) == Detection(Box(2, 2, 3, 4), 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "soon"])
def test_a_number_that_is_none_is_one_clear_error(number: Any) -> None:
    with pytest.raises(SourceError, match=r"position_s of mine in seconds, or None\. Received: "):
        engine_of().push(Frame.now(IMAGE, position_s=number))
    source = FakeSource(fps=30)
    source.position_s = number
    with (
        engine_of(opener=lambda n, c: source) as engine,
        pytest.raises(SourceError, match="Expected position_s of demo"),
    ):
        list(engine.results())
    for wrong in (Box(number, 1, 2, 3), Box(1, 2, 3, 4)):
        with pytest.raises(ModelError, match=r"a detector to give finite numbers\. Received: "):
            Detection(wrong, number)


def test_a_change_keeps_what_need_not_be_loaded_again() -> None:
    frame = Frame.now(DemoSource().image(0))
    engine = Engine(EdgeConfig(detector="blazeface", fps=0))
    engine.push(frame)
    before = engine._pipelines["mine"]
    engine.change(replace(engine.config, fps=5, cpu_budget=0.5))
    assert engine._pipelines["mine"] is before, "the identities of faces go on"
    engine.change(replace(engine.config, smoothing_s=0.0))
    after = engine._pipelines["mine"]
    assert after is not before
    assert (after.detector, after.classifier) == (before.detector, before.classifier)
    assert engine.setup.startswith("detector blazeface, ")
    engine.change(replace(engine.config, detector="haar"))
    changed = engine._pipelines["mine"]
    assert engine.setup.startswith("detector haar, ")
    assert changed.detector is not before.detector
    assert changed.classifier is before.classifier


def test_a_change_that_fails_leaves_the_old_options_in_force() -> None:
    engine = Engine(EdgeConfig(source="demo"))
    first = engine.push(Frame.now(DemoSource().image(0)))
    assert first is not None
    with pytest.raises(ModelError):
        engine.change(EdgeConfig(source="demo", model="missing.tflite"))
    assert engine.config.model == "auto"
    later = Frame(DemoSource().image(0), 1, first.captured_monotonic_s + 1, 0.0, "mine")
    assert engine.push(later) is not None


def test_a_change_of_sources_closes_the_old_ones_and_opens_the_new() -> None:
    opened: list[FakeSource] = []

    def opener(name: str, config: EdgeConfig) -> FakeSource:
        opened.append(live())
        return opened[-1]

    with engine_of(replace(FAST, source=("0", "1")), opener) as engine:
        seen: list[str] = []
        for _, result in engine.results(seconds=20):
            if result.source not in seen:
                seen.append(result.source)
            if seen == ["0", "1"] or seen == ["1", "0"]:
                engine.change(replace(engine.config, source=("1", "2")))
                seen.append("changed")
            if "2" in seen:
                break
        assert [status.name for status in engine.statuses] == ["1", "2"]
        assert len(opened) == 3
    assert all(source.closed for source in opened)


def test_what_was_handed_in_stays_through_a_change() -> None:
    detector, classifier = FakeDetector(), FakeClassifier()
    engine = Engine(FAST, detector, classifier)
    engine.push(Frame.now(IMAGE))
    engine.change(replace(FAST, detector="haar", model="float32", threads=2))
    assert engine.push(Frame.now(IMAGE, 1)) is not None
    assert detector.calls == 2
    assert engine.setup.startswith("detector fake, ")


def test_a_processed_frame_is_a_pair() -> None:
    with engine_of(opener=lambda name, config: FakeSource(1)) as engine:
        (event,) = [event for event in engine.events() if isinstance(event, Processed)]
    assert event == (event.frame, event.result)
