"""JSON lines as promised, tables and videos that can be read back, and a sink that fails alone."""

import csv
import io
import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.annotate import draw
from edge.errors import ConfigError, SinkError
from edge.fan_out import FanOut
from edge.recording import CsvSink, SnapshotSink, VideoSink
from edge.results import BgrImage, CameraState, CameraStatus, Frame
from edge.schema import json_schema, to_json
from edge.sinks import JsonLinesSink, Sink, WindowSink
from tests.fakes import frame_of, result_of

IMAGE = np.full((120, 160, 3), 90, np.uint8)


def _at(index: int, seconds: float) -> Frame:
    return frame_of(IMAGE, index, captured_monotonic_s=100 + seconds)


def test_a_line_has_what_the_schema_promises() -> None:
    stream = io.StringIO()
    frame = frame_of(IMAGE, 7)
    JsonLinesSink(stream).write(frame, result_of(frame))
    line = json.loads(stream.getvalue())
    schema = json_schema()["$defs"]["frame"]
    assert list(line) == schema["required"]
    face = schema["properties"]["faces"]["items"]
    assert list(line["faces"][0]) == face["required"]
    assert line["faces"][0]["box"] == [10, 20, 50, 50]
    assert sum(line["faces"][0]["scores"].values()) == pytest.approx(1, abs=0.001)
    for name, rule in face["properties"].items():
        if "minimum" in rule and "maximum" in rule:
            assert rule["minimum"] <= line["faces"][0][name] <= rule["maximum"]


def test_the_first_line_of_a_run_and_of_a_file_tells_version_and_model(tmp_path: Path) -> None:
    known, frame = {"version": "1.2.3", "model_sha256": "ab12"}, frame_of(IMAGE)
    sinks: list[Sink] = [
        JsonLinesSink(tmp_path / "a.jsonl", identity=known),
        CsvSink(tmp_path / "a.csv", identity=known),
    ]
    for rotates in (False, False, True):
        for sink, name in zip(sinks, ("a.jsonl", "a.csv"), strict=True):
            if rotates:
                (tmp_path / name).rename(tmp_path / f"old_{name}")
            sink.write(frame, result_of(frame))
    for part, begins in (("old_a", [True, False]), ("a", [True])):
        lines = [json.loads(line) for line in (tmp_path / f"{part}.jsonl").read_text().splitlines()]
        with (tmp_path / f"{part}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        told = [("1.2.3", "ab12") if begin else ("", "") for begin in begins]
        assert [(line.get("version", ""), line.get("model_sha256", "")) for line in lines] == told
        assert [(row["version"], row["model_sha256"]) for row in rows] == told
    assert known.keys() <= json_schema()["properties"].keys()


def test_a_camera_that_fails_and_is_back_has_lines_of_their_own_kind() -> None:
    stream = io.StringIO()
    sink = JsonLinesSink(stream)
    states = [CameraState.OPENING, CameraState.ONLINE, CameraState.OFFLINE, CameraState.ONLINE, CameraState.ENDED]
    for state in states:
        sink.tell(CameraStatus("door", state, "unplugged" if state.is_fault else "", 1000.5, 0.0))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [list(line) for line in lines] == [json_schema()["$defs"]["camera"]["required"]] * 2
    assert [(line["source"], line["state"], line["reason"], line["since"]) for line in lines] == [
        ("door", "offline", "unplugged", 1000.5),
        ("door", "online", "", 1000.5),
    ]


def test_a_frozen_camera_shows_its_last_result_with_its_true_age() -> None:
    stream = io.StringIO()
    sink = JsonLinesSink(stream)
    frame = frame_of(np.zeros((8, 8, 3), np.uint8), captured_monotonic_s=time.monotonic() - 5, source="door")
    sink.write(frame, result_of(frame))
    sink.tell(CameraStatus("door", CameraState.FROZEN, "the same image", 1000.5, 0.0))
    result, frozen = (json.loads(line) for line in stream.getvalue().splitlines())
    assert frozen["faces"] == result["faces"]
    assert frozen["age_ms"] >= 5000
    assert (frozen["state"], frozen["reason"], frozen["since"]) == ("frozen", "the same image", 1000.5)
    assert set(frozen) <= set(json_schema()["$defs"]["frame"]["properties"])


def test_the_window_of_a_silent_camera_says_so_and_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, BgrImage] = {}
    keys = [-1, -1, -1, -1, ord("q")]
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("edge.sinks.ANSWER_S", 0.0)
    monkeypatch.setattr(cv2, "namedWindow", lambda name: None)
    monkeypatch.setattr(cv2, "imshow", shown.__setitem__)
    monkeypatch.setattr(cv2, "waitKey", lambda delay_ms: keys.pop(0))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda name, what: 1)
    fan_out = FanOut([WindowSink(["door"])])
    frame = frame_of(IMAGE, source="door")
    fan_out.write(frame, result_of(frame))
    live = shown["door"]
    fan_out.tell(CameraStatus("door", CameraState.OFFLINE, "unplugged", 0.0, -100.0))
    fan_out.turn()
    assert shown["door"].mean() < live.mean() * 0.7
    fan_out.turn()
    assert not fan_out.closed
    fan_out.turn()
    assert fan_out.closed


def test_a_json_file_is_made_with_the_first_line(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "results.jsonl")
    assert not list(tmp_path.iterdir())
    frame = frame_of(IMAGE)
    sink.write(frame, result_of(frame))
    sink.close()
    assert json.loads((tmp_path / "results.jsonl").read_text()) == json.loads(json.dumps(to_json(result_of(frame))))


def test_a_table_has_a_row_for_each_face(tmp_path: Path) -> None:
    sink = CsvSink(tmp_path / "faces.csv")
    for index, emotion in enumerate(("happy", "sad")):
        sink.write(_at(index, index), result_of(_at(index, index), emotion))
    sink.close()
    with (tmp_path / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["emotion"] for row in rows] == ["happy", "sad"]
    assert [float(row[label]) for label, row in zip(("happy", "sad"), rows, strict=True)] == [0.88, 0.88]
    assert rows[0]["width"] == "50"


@pytest.mark.parametrize(("kind", "lines"), [(JsonLinesSink, 3), (CsvSink, 4)])
def test_a_service_that_starts_again_adds_to_its_file(kind: type, lines: int, tmp_path: Path) -> None:
    path = tmp_path / "results"
    for index in range(2):
        sink = kind(path)
        sink.write(_at(index, index), result_of(_at(index, index)))
        sink.close()
        if not index:
            with path.open("a") as file:
                file.write("a line that a power cut")
    written = path.read_text().splitlines()
    assert len(written) == lines
    assert written[-2] == "a line that a power cut"
    assert len({len(line.split(",")) for line in written if "power" not in line}) == 1


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_a_video_plays_at_the_speed_of_life(name: str, tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / name, fps=10)
    for index, seconds in enumerate((0.0, 0.1, 0.12, 0.5, 0.6)):  # one too early, then a gap
        sink.write(_at(index, seconds), result_of(_at(index, seconds)))
    sink.close()
    capture = cv2.VideoCapture(str(tmp_path / name))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 7
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10)


def test_a_snapshot_is_kept_when_a_label_changes_and_the_oldest_go(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "DSC_0001.jpg").write_text("somebody's own")
    sink = SnapshotSink(tmp_path / "images", most=3, device="pi.home")
    for index, emotion in enumerate(("happy", "happy", "sad", "sad", "happy", "fear", "sad")):
        frame = Frame(IMAGE, index, index, 1000.0 + index, "fake")
        sink.write(frame, result_of(frame, emotion))
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == [
        "1004.000_pi-home_fake_happy_000002.jpg",
        "1005.000_pi-home_fake_fear_000003.jpg",
        "1006.000_pi-home_fake_sad_000004.jpg",
        "DSC_0001.jpg",
    ]


def test_no_image_goes_while_there_are_few(tmp_path: Path) -> None:
    (tmp_path / "10.12.2024.123_holiday.jpg").write_text("somebody's own")
    sink = SnapshotSink(tmp_path, most=10)
    for index in range(14):
        frame = Frame(IMAGE, index, index, 1000.0 + index, "fake")
        sink.write(frame, result_of(frame, ("happy", "sad")[index % 2]))
        assert len(list(tmp_path.iterdir())) == 1 + min(index + 1, 10)


@pytest.mark.parametrize("jump", [-900.0, 900.0, 400_000_000.0], ids=["back", "on", "years on"])
def test_a_clock_that_jumps_costs_no_new_image(jump: float, tmp_path: Path) -> None:
    (tmp_path / "999.000_sad.jpg").write_text("an earlier version's, without a number")
    for index, moment in enumerate((1000.0, 1001.0, 1002.0, 1003.0 + jump, 1004.0 + jump, 1005.0)):
        frame = Frame(IMAGE, 0, moment, moment, "fake")
        SnapshotSink(tmp_path, most=3, device="pi").write(frame, result_of(frame, ("happy", "sad")[index % 2]))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        f"{1003 + jump:.3f}_pi_fake_sad_000003.jpg",
        f"{1004 + jump:.3f}_pi_fake_happy_000004.jpg",
        "1005.000_pi_fake_sad_000005.jpg",
    }


@pytest.mark.parametrize("sink", [CsvSink, JsonLinesSink, lambda path: VideoSink(path, 10)])
def test_a_place_that_is_not_there_is_refused_at_once(sink: object, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="none"):
        sink(tmp_path / "none" / "results.mp4")  # type: ignore[operator]


@pytest.mark.parametrize("content", [None, "somebody's own"])
def test_an_unknown_kind_of_video_is_an_error_and_harms_nothing(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "clip.xyz"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"\.mp4"):
        VideoSink(path, fps=10)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([content] if content else [])


@pytest.mark.parametrize("codec", [".mp4", ".mov", ".mkv", ".AVI"])
def test_every_kind_of_video_that_is_named_is_written(codec: str, tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / f"clip{codec}", fps=10)
    for index in range(5):
        sink.write(_at(index, index / 10), result_of(_at(index, index / 10)))
    sink.close()
    assert cv2.VideoCapture(str(tmp_path / f"clip{codec}")).read()[0]


def test_a_full_disk_is_an_error_of_that_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.recording.FREE_BYTES", 10**18)
    with pytest.raises(SinkError, match="free"):
        VideoSink(tmp_path / "clip.mp4", fps=10).write(_at(0, 0), result_of(_at(0, 0)))


def test_a_disk_that_fills_up_is_noticed_at_any_frame_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = VideoSink(tmp_path / "clip.mp4", fps=10)
    sink.write(_at(0, 0), result_of(_at(0, 0)))
    monkeypatch.setattr("edge.recording.FREE_BYTES", 10**18)
    with pytest.raises(SinkError, match="free"):
        for index in range(1, 60):  # each image twice
            sink.write(_at(index, index / 5), result_of(_at(index, index / 5)))
    sink.close()


def test_drawing_leaves_the_image_as_it_was() -> None:
    frame = frame_of(IMAGE.copy())
    image = draw(frame.image, result_of(frame))
    assert np.array_equal(frame.image, IMAGE)
    assert not np.array_equal(image, IMAGE)
