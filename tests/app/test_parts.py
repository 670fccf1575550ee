"""What needs neither a page nor a browser: images, charts, records, sharing."""

import asyncio
import csv
import io
import json
import re
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from app import charts, controls, reports
from app.cameras import webcams
from app.monitor import Monitor, Sample, sample_of
from app.rendering import RenderOptions, decode, render, shown
from app.session_log import Record
from app.sessions import Session, SessionRegistry
from app.slot import ImageSlot
from app.upload_job import VideoJob
from app.video_stream import video_parts
from edge.capture import Source
from edge.config import EdgeConfig
from edge.errors import SinkError, SourceError
from edge.model_info import LABELS, ModelInfo
from edge.pipeline import Pipeline
from edge.results import BgrImage, Box, EmotionScores, Face, FrameResult
from tests.fakes import FakeClassifier, FakeDetector, frame_of
from tests.rigs.films import write_film


def result_of(*boxes: Box, at_s: float = 0.0) -> FrameResult:
    scores = EmotionScores(LABELS, (0.0, 0.0, 0.0, 0.7, 0.3, 0.0, 0.0))
    faces = tuple(Face(number, box, "happy", 0.7, scores) for number, box in enumerate(boxes, 1))
    return FrameResult(3, at_s, 1_700_000_000.0 + at_s, "fake", faces)


def gray_image(width: int = 320, height: int = 240) -> BgrImage:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


def roughness(image: BgrImage) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


class TestImages:
    def test_blur_hides_the_face_and_nothing_else(self) -> None:
        image = gray_image()
        before = image.copy()
        drawn = render(image, result_of(Box(100, 80, 60, 60)), RenderOptions(blur=True))
        face = drawn[100:130, 110:150].astype(float)
        assert (
            np.abs(np.diff(face, axis=0)).mean()
            < 5
            < np.abs(np.diff(before[100:130, 110:150].astype(float), axis=0)).mean()
        )
        assert (drawn[200:, 200:] == before[200:, 200:]).all()
        assert (image == before).all()

    def test_blur_hides_every_face_of_a_crowd(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.rendering.draw", lambda image, result: image)
        boxes = [Box(x, y, 20, 20) for x in range(10, 300, 30) for y in range(10, 220, 30)]
        pipeline = Pipeline(controls.settings().config, FakeDetector(boxes), FakeClassifier())
        shown = render(gray_image(), pipeline.process(frame_of(gray_image())), RenderOptions(blur=True))
        assert len(boxes) == 70
        assert max(roughness(shown[y : y + 20, x : x + 20]) for x, y, *_ in boxes) < 20 < roughness(gray_image()) / 3

    @pytest.mark.parametrize("box", [Box(-30, -30, 60, 60), Box(300, 220, 60, 60), Box(400, 400, 50, 50)])
    def test_blur_takes_faces_at_the_border(self, box: Box) -> None:
        assert render(gray_image(), result_of(box), RenderOptions(blur=True)).shape == (240, 320, 3)

    def test_wide_images_are_shown_at_960_pixels(self) -> None:
        jpeg = shown(gray_image(1920, 1080), result_of(Box(0, 0, 100, 100)), RenderOptions())
        assert decode(jpeg, "shown").shape == (540, 960, 3)

    @pytest.mark.parametrize("data", [b"", b"not an image"])
    def test_junk_is_no_image(self, data: bytes) -> None:
        with pytest.raises(SourceError, match=r"Received: junk\.png"):
            decode(data, "junk.png")


class TestRecord:
    def test_csv_has_a_row_a_face(self) -> None:
        record = Record()
        for result in (result_of(Box(1, 2, 3, 4), Box(5, 6, 7, 8)), result_of(), result_of(Box(1, 2, 3, 4))):
            record.add(result)
        rows = list(csv.DictReader(io.StringIO(record.csv())))
        assert (record.frames, record.faces, len(rows)) == (3, 3, 3)
        assert rows[1] | {"x": "5", "width": "7", "emotion": "happy", "happy": "0.7"} == rows[1]

    def test_json_lines_are_edge_s_own(self) -> None:
        record = Record()
        record.add(result_of())
        (line,) = record.jsonl().splitlines()
        assert json.loads(line)["schema"] == 2

    def test_an_empty_table_has_a_header(self) -> None:
        assert Record().csv().startswith("captured_at,position_s,source,frame_index")

    def test_a_closed_record_takes_no_more(self) -> None:
        record = Record()
        record.close()
        record.add(result_of())
        assert record.frames == 0

    @pytest.mark.parametrize("jump_s", [-400.0, 3.2e8])
    def test_a_clock_that_jumps_does_not_bend_the_chart(self, jump_s: float) -> None:
        record = Record()
        for index in range(10):
            result = replace(result_of(Box(0, 0, 9, 9), at_s=100.0 + index), captured_at=1.8e9 + index)
            record.add(replace(result, captured_at=result.captured_at + jump_s) if index > 5 else result)
        assert [sample.at_s for sample in record.samples()] == [100.0 + index for index in range(10)]

    def test_a_disk_that_is_full_for_a_moment_tears_no_line(self) -> None:
        record = Record()
        record.add(result_of(Box(0, 0, 9, 9)))
        whole = len(record.jsonl())
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 50, old[1]))
        record.add(result_of(Box(0, 0, 9, 9)))
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        record.add(result_of(Box(0, 0, 9, 9)))
        assert (record.frames, record.lost, len(record.samples())) == (2, 1, 2)
        assert len(record.jsonl()) == 2 * whole

    def test_without_a_temporary_folder_the_error_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", "/none")
        with pytest.raises(SinkError, match="temporary file"):
            Record()
        monkeypatch.setattr("app.upload_job.Record", lambda: None)
        with pytest.raises(SinkError, match="temporary folder"):
            VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions())


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


class TestCharts:
    def test_bars_carry_every_label_and_share(self) -> None:
        text = charts.bars(result_of(Box(0, 0, 9, 9)).faces[0])
        assert re.findall(r'bar-label">(\w+)', text) == list(LABELS)
        assert "width:70.0%" in text
        assert "7 of 10 people would say happy" in text

    def test_a_face_that_people_would_disagree_on_says_so(self) -> None:
        face = replace(result_of(Box(0, 0, 9, 9)).faces[0], emotion="uncertain")
        assert "People would disagree: 7 of 10 people would say happy" in charts.bars(face)

    def test_labels_are_escaped(self) -> None:
        assert "<script>" not in charts.bar("<script>", 0.5)

    def test_the_timeline_shows_the_last_minute_alone(self) -> None:
        samples = [Sample(at_s, {"happy": 0.5}) for at_s in (10.0, 95.0, 100.0)]
        (points,) = re.findall(r'points="([^"]*)"', charts.timeline(samples, now_s=100.0))
        assert points == "550.0,49.0 600.0,49.0"

    def test_a_long_record_is_thinned_to_means(self) -> None:
        samples = [Sample(float(index), {"happy": index % 2}) for index in range(1000)]
        thinned = charts.thin(samples, 100)
        assert len(thinned) == 100
        assert all(sample.scores["happy"] == 0.5 for sample in thinned)

    def test_shares_count_the_strongest(self) -> None:
        samples = [Sample(0, {"happy": 0.6, "sad": 0.4}), Sample(1, {"happy": 0.1, "sad": 0.9})]
        assert charts.shares(samples).count("50%") == 2

    def test_the_chart_to_download_is_well_formed(self) -> None:
        samples = [Sample(at_s, {"happy": 0.6, "sad": 0.4}) for at_s in (0.0, 2.0)]
        root = ElementTree.fromstring(charts.summary_file(samples, "<talk>.mp4"))
        assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2

    def test_nothing_is_a_chart_too(self) -> None:
        assert "No face was found" in charts.summary([])


def test_a_slow_viewer_skips_images_and_a_closed_slot_ends_it() -> None:
    async def follow() -> list[bytes]:
        slot, seen = ImageSlot(), []
        slot.put(b"1")
        async for jpeg in slot.follow():
            seen.append(jpeg)
            if jpeg == b"1":
                slot.put(b"2")
                slot.put(b"3")
            else:
                slot.close()
        assert slot.viewers == 0
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 5)) == [b"1", b"3"]


def test_a_tab_that_stopped_gets_no_more_images_of_a_shared_worker() -> None:
    async def follow() -> list[bytes]:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        worker = registry.start(one, EdgeConfig(source="demo"), RenderOptions())
        registry.start(other, EdgeConfig(source="demo"), RenderOptions())
        parts = []
        async for part in video_parts(one, worker):
            parts.append(part)
            if len(parts) == 2:
                registry.stop(one)
        assert worker.running
        registry.shut_down()
        return parts

    assert len(asyncio.run(asyncio.wait_for(follow(), 30))) == 2


class HangingCamera(Source):
    """A device for one user at a time, whose `read` does not return before it `answers`."""

    live, fps, small = True, 0.0, None
    users = 0
    answers = threading.Event()

    def __init__(self) -> None:
        if HangingCamera.users:
            raise SourceError("Expected a camera. Received: one that is in use")
        HangingCamera.users += 1

    def read(self) -> BgrImage:
        self.answers.wait(20)
        return gray_image()

    def skip(self) -> None:
        """Nothing to pass over."""

    def close(self) -> None:
        HangingCamera.users -= 1


def wait_until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


class TestHub:
    def test_tabs_share_a_worker_and_the_last_one_ends_it(self) -> None:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        worker = registry.start(one, EdgeConfig(source="demo"), RenderOptions())
        assert registry.start(other, EdgeConfig(source="demo", detector="haar"), RenderOptions()) is worker
        assert registry.watchers(worker) == 2
        registry.close(one)
        assert worker.running
        registry.close(other)
        assert not worker.running
        assert worker.join(10)

    def test_another_source_is_another_worker(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        first = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        second = registry.start(tab, EdgeConfig(source="nowhere.mp4"), RenderOptions())
        assert second is not first
        assert not first.running
        assert second.join(10)
        assert isinstance(second.error, SourceError)
        registry.shut_down()

    def test_a_restart_waits_until_the_source_is_free(self) -> None:
        registry = SessionRegistry()
        tab = registry.open()
        first = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        registry.stop(tab)
        second = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        deadline_s = time.monotonic() + 20
        while second.monitor.latest is None and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert second.monitor.latest
        assert first.join(0)
        registry.shut_down()

    def test_a_restart_waits_for_a_camera_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        HangingCamera.users, HangingCamera.answers = 0, threading.Event()
        monkeypatch.setattr("edge.camera.open_source", lambda name, config: HangingCamera())
        registry = SessionRegistry()
        tab = registry.open()
        registry.start(tab, EdgeConfig(), RenderOptions())
        wait_until(lambda: HangingCamera.users == 1)
        registry.stop(tab)
        second = registry.start(tab, EdgeConfig(), RenderOptions())
        time.sleep(2)
        assert second.running
        HangingCamera.answers.set()
        wait_until(lambda: second.monitor.latest is not None)
        assert second.error is None
        registry.shut_down()

    def test_tokens_are_secret_and_forgotten(self) -> None:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        assert one.token != other.token
        assert registry.find(one.token) is one
        registry.close(one)
        assert registry.find(one.token) is None


class TestATabThatWasAway:
    """A laptop that sleeps, or changes its network: Streamlit ends its session and gives it the same id again."""

    def recorded(self, registry: SessionRegistry, key: str) -> Session:
        tab = registry.open(key)
        worker = registry.start(tab, EdgeConfig(source="demo"), RenderOptions())
        tab.start_recording()
        wait_until(lambda: tab.record is not None and tab.record.frames > 2)
        registry.leave(tab)
        assert not worker.running, "its camera is free at once"
        return tab

    def test_it_finds_its_record_again(self) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        assert registry.open("another") is not away
        back = registry.open("id")
        assert back is away
        assert back.record
        assert len(back.record.jsonl().splitlines()) == back.record.frames > 2
        assert not back.recording
        registry.shut_down()

    def test_it_finds_its_upload_done(self) -> None:
        registry = SessionRegistry()
        tab = registry.open("id")
        tab.take_video(VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions()))
        registry.leave(tab)
        back = registry.open("id")
        assert back.video is not None
        wait_until(lambda: back.video is not None and back.video.done)
        assert isinstance(back.video.error, SourceError)
        registry.shut_down()

    def test_it_is_given_up_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.sessions.KEEP_S", 0.2)
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        wait_until(lambda: registry.find(away.token) is None)
        assert registry.open("id") is not away
        registry.shut_down()

    def test_the_end_of_the_server_waits_for_nobody(self) -> None:
        registry = SessionRegistry()
        away = self.recorded(registry, "id")
        registry.shut_down()
        assert registry.find(away.token) is None
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_a_cancelled_video_leaves_nothing(tmp_path: Path) -> None:
    job = VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions())
    folder = job.video.parent
    job.start()
    job.close()
    deadline_s = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not folder.exists()


def test_a_playlist_does_not_open_other_files_of_the_server(tmp_path: Path) -> None:
    private = tmp_path / "private.mp4"
    writer = cv2.VideoWriter(str(private), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 240))
    for _ in range(3):
        writer.write(gray_image())
    writer.release()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{private}\n#EXT-X-ENDLIST\n"
    assert ended(VideoJob("video.mp4", private.read_bytes(), EdgeConfig(), RenderOptions())).frames == 3
    job = ended(VideoJob("talk.mp4", playlist.encode(), EdgeConfig(), RenderOptions()))
    assert isinstance(job.error, SourceError)
    assert job.frames == 0


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "MJPG"), ("mkv", "MJPG"), ("mov", "mp4v"), ("webm", "VP80")])
def test_every_kind_of_video_is_read(tmp_path: Path, suffix: str, codec: str) -> None:
    clip = tmp_path / f"clip.{suffix}"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*codec), 10, (320, 240))
    writer.write(gray_image())
    writer.release()
    assert ended(VideoJob(clip.name, clip.read_bytes(), EdgeConfig(), RenderOptions())).frames == 1


def test_an_annotated_video_keeps_the_times_of_a_film_of_uneven_ones(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [0, 100, 200, 300, 1300, 2300, 2400, 2500])
    job = VideoJob(film.name, film.read_bytes(), EdgeConfig(), RenderOptions())
    job.start()
    deadline_s = time.monotonic() + 60
    while not job.done and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert job.frames == 8
    capture = cv2.VideoCapture(str(job.video), cv2.CAP_FFMPEG)
    period_s, images = 1 / capture.get(cv2.CAP_PROP_FPS), 0
    while capture.grab():
        images += 1
    capture.release()
    job.close()
    assert (images - 1) * period_s == pytest.approx(2.5, abs=period_s)


def ended(job: VideoJob) -> VideoJob:
    job.start()
    deadline_s = time.monotonic() + 60
    while not job.done and time.monotonic() < deadline_s:
        time.sleep(0.02)
    job.close()
    return job


def test_webcams_are_listed_with_their_names(tmp_path: Path) -> None:
    for entry, index, name in (("video0", "0", "Built-in"), ("video1", "1", "Built-in"), ("video10", "0", "USB")):
        (tmp_path / entry).mkdir()
        (tmp_path / entry / "index").write_text(index + "\n")
        (tmp_path / entry / "name").write_text(name + "\n")
    assert webcams(tmp_path) == {"0": "Built-in", "10": "USB"}
    assert webcams(tmp_path / "missing") == {}


@pytest.mark.parametrize(("sha256", "accuracy"), [("abc", 0.7), ("def", 0.6), ("other", None)])
def test_reports_are_those_of_the_model(tmp_path: Path, sha256: str, accuracy: float | None) -> None:
    for run, known, value in (("run-1", "def", 0.6), ("run-2", "abc", 0.7)):
        (tmp_path / run).mkdir()
        (tmp_path / run / "report.json").write_text(json.dumps({"scores": {"PrivateTest": value}}))
        (tmp_path / run / "convert.json").write_text(json.dumps({"keras_sha256": known, "variants": {"int8": value}}))
        (tmp_path / run / "history.json").write_text("[]")
    info = ModelInfo("edge", keras_sha256=sha256)
    assert reports.training_scores(info, tmp_path).get("PrivateTest") == accuracy
    assert reports.conversion_variants(info, tmp_path).get("int8") == accuracy
