"""`--emit changes`: a changed label at once, else one line per second of each source."""

import io
import json

import numpy as np

from edge.changes import ChangesSink
from edge.results import Frame
from edge.sinks import JsonLinesSink
from tests.fakes import RecordingSink, result_of

IMAGE = np.full((120, 160, 3), 90, np.uint8)


def write(sink: ChangesSink, seconds: float, emotion: str = "happy", source: str = "fake") -> object:
    frame = Frame(IMAGE, 0, 100 + seconds, 0.0, source)
    return sink.write(frame, result_of(frame, emotion))


def test_a_steady_face_is_one_line_per_second_and_a_change_comes_at_once() -> None:
    stream = io.StringIO()
    sink = ChangesSink(JsonLinesSink(stream))
    for index in range(46):  # three seconds at 15 frames a second
        write(sink, index / 15, "sad" if index == 20 else "happy")
    emotions = [json.loads(line)["faces"][0]["emotion"] for line in stream.getvalue().splitlines()]
    assert emotions == ["happy", "happy", "sad", "happy", "happy"]


def test_each_source_has_its_own_second() -> None:
    kept = RecordingSink()
    sink = ChangesSink(kept)
    for index in range(15):
        write(sink, index / 15, source="one")
        write(sink, index / 15, source="two")
    assert [result.source for result in kept.results] == ["one", "two"]


def test_every_photo_is_told_and_a_film_that_begins_again_too() -> None:
    kept = RecordingSink()
    sink = ChangesSink(kept)
    for _ in range(3):
        photo = Frame(IMAGE, 0, 100.0, 0.0, "folder", is_still=True)
        sink.write(photo, result_of(photo))
    for position_s in (5.0, 5.5, 0.0):
        film = Frame(IMAGE, 0, 100.0, 0.0, "film", position_s=position_s)
        sink.write(film, result_of(film))
    assert [result.source for result in kept.results] == ["folder"] * 3 + ["film"] * 2


def test_what_could_not_be_written_is_told_with_the_next_frame() -> None:
    failing = RecordingSink(fail_after=0)
    sink = ChangesSink(failing)
    for seconds in (0.0, 0.1):
        try:
            write(sink, seconds)
        except OSError:
            failing._fail_after = None
    assert len(failing.results) == 1
    sink.close()
    assert failing.closed
