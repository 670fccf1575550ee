"""Charts as HTML and SVG: what was measured, where it was measured, and nothing else."""

import csv
import io
import re
from collections import Counter, defaultdict
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from app import cards, charts, report
from app.moments import Moment, Timeline, shares
from app.people import People
from app.session_log import Record
from edge.config import EdgeConfig
from edge.model_info import LABELS
from edge.results import Box, EmotionScores, Face, FrameResult
from tests.app.samples import result_of

LEFT, RIGHT = Box(10, 10, 60, 60), Box(200, 10, 60, 60)


def film() -> Record:
    """Ten images per second: nobody for a second, one person, two, a gap of the first, an uncertain end."""
    record = Record(is_film=True)
    for index in range(60):
        faces = [(1, LEFT)] if 10 <= index < 30 or index >= 40 else []
        faces += [(2, RIGHT)] if 20 <= index < 50 else []
        record.add(_result(index, faces))
    return record


def _result(index: int, faces: list[tuple[int, Box]]) -> FrameResult:
    told = "uncertain" if index >= 45 else "happy"
    values = (0.0, 0.0, 0.0, 0.5 + index / 200, 0.5 - index / 200, 0.0, 0.0)
    found = tuple(Face(who, box, told, 0.5, EmotionScores(LABELS, values), valence=index / 60) for who, box in faces)
    return FrameResult(index, 1000 + index / 10, 1.8e9 + index / 10, "talk.mp4", found, position_s=index / 10)


def rows_of(record: Record) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(record.csv())))


class TestOverTime:
    def test_the_chart_s_numbers_are_the_csv_s(self) -> None:
        record = film()
        drawn: defaultdict[tuple[str, str], dict[float, float]] = defaultdict(dict)
        text = report.chart_file(record.timeline(), People(), "talk.mp4")
        for label, who, points in re.findall(r'data-of="(\w+)" data-person="(\d+)"[^>]*points="([^"]*)"', text):
            for x, y in (point.split(",") for point in points.split()):
                drawn[who, label][round(float(x) / 1000 * 6.0, 3)] = 1 - float(y) / 100
        for row in rows_of(record):
            for label in LABELS:
                score = drawn[row["track_id"], label].pop(round(float(row["position_s"]), 3))
                assert score == pytest.approx(float(row[label]), abs=1e-3)
        assert not any(drawn.values()), "it draws what was not measured"

    def test_gaps_are_gaps_and_each_person_has_lines(self) -> None:
        timeline = film().timeline()
        assert timeline.length_s == pytest.approx(6.0)
        ends = {who: [(part[0].at_s, part[-1].at_s) for part in parts] for who, parts in timeline.people.items()}
        assert ends == {1: [(1.0, 2.9), (4.0, 5.9)], 2: [(2.0, 4.9)]}
        text = charts.over_time(timeline, People())
        assert len(re.findall(r'data-of="happy" data-person="1"', text)) == 2
        assert len(re.findall(r'data-of="valence"', text)) == 3
        assert "0.0 s</span>" in text
        assert "6.0 s</span>" in text

    def test_a_camera_s_pause_is_a_gap(self) -> None:
        record = Record()
        for at_s in (100.0, 100.1, 100.2, 130.0, 130.1):
            record.add(result_of(LEFT, at_s=at_s))
        assert [len(part) for part in record.timeline().people[1]] == [3, 2]

    def test_uncertain_is_shown_and_shares_are_those_of_the_rows(self) -> None:
        record = film()
        timeline = record.timeline()
        for who in (1, 2):
            told = [row["emotion"] for row in rows_of(record) if row["track_id"] == str(who)]
            assert timeline.shares_of(who) == {word: count / len(told) for word, count in Counter(told).items()}
        blocks = re.findall(r'data-emotion="(\w+)" x="([\d.]+)"', charts.over_time(timeline, People()))
        assert ("uncertain", "750.000") in blocks

    def test_a_long_record_is_merged_to_means_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.moments.MOST_POINTS", 7)
        timeline = film().timeline()
        assert timeline.merged == 6
        assert timeline.people[2][0][0].scores["happy"] == pytest.approx(0.5 + 22.5 / 200, abs=1e-4)
        assert "a point is the mean of 6 results" in charts.over_time(timeline, People())

    def test_nothing_is_a_chart_too(self) -> None:
        assert "No face was found" in charts.over_time(Timeline(), People())

    def test_the_last_minute_ends_now_and_has_gaps(self) -> None:
        moments = [Moment(at_s, "happy", {"happy": 0.5}) for at_s in (10.0, 95.0, 99.5, 100.0)]
        points = re.findall(r'points="([^"]*)"', charts.minute(moments, now_s=100.0))
        assert points == ["916.667,50.00 916.667,50.00", "991.667,50.00 1000.000,50.00"]

    def test_shares_of_nothing_are_none(self) -> None:
        assert shares([]) == {}


class TestReport:
    def test_the_report_tells_everything_and_shows_nobody(self) -> None:
        record, people = film(), People()
        people.rename(2, "<Zoë>")
        about = report.about(EdgeConfig(), "rtsp://me:secret@host/talk", record.begun_at)
        page = report.page(record.timeline(), people, about)
        for part in (
            "&lt;Zoë&gt;",
            "emotion_int8.tflite",
            "threshold=0.5",
            "not what somebody feels",
            "uncertain",
            "<svg",
        ):
            assert part in page
        assert "<img" not in page
        assert "secret" not in page
        assert "<img" in report.page(record.timeline(), people, about, {1: b"jpeg"})

    def test_the_chart_to_download_is_well_formed(self) -> None:
        chart = ElementTree.fromstring(report.chart_file(film().timeline(), People(), "<talk>.mp4"))
        assert chart.tag == "{http://www.w3.org/2000/svg}svg"

    @pytest.mark.parametrize(
        ("source", "begin"), [("talk.mp4", "talk_"), ("0", "camera-0_"), ("rtsp://me:secret@host/a b", "host-a-b_")]
    )
    def test_files_are_named_by_source_and_time(self, source: str, begin: str) -> None:
        stem = report.stem(source, film().begun_at)
        assert stem.startswith(begin)
        assert re.fullmatch(r"[\w-]+_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", stem)

    def test_a_table_s_head_has_settings_and_model_and_iso_times(self) -> None:
        record = film()
        lines = record.csv(report.about(EdgeConfig(), "talk.mp4", record.begun_at)).splitlines()
        head = [line for line in lines if line.startswith("# ")]
        assert [line.split(":")[0] for line in head] == ["# source", "# begin", "# model", "# options", "# made by"]
        row = rows_of(record)[0]
        assert re.fullmatch(r"2027-01-1\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", row["time"])


class TestCards:
    def face(self, **others: object) -> Face:
        return replace(result_of(Box(5, 5, 90, 90)).faces[0], **others)

    def test_a_card_carries_every_label_and_share(self) -> None:
        text = cards.card(self.face(), "people", People())
        assert re.findall(r'bar-label">(\w+)', text) == list(LABELS)
        assert "width:70.0%" in text
        assert "7 of 10 people would say happy" in text

    @pytest.mark.parametrize(
        ("others", "words"),
        [
            ({"emotion": "uncertain"}, "people would disagree. 7 of 10 people would say happy"),
            ({"emotion": "uncertain", "quality": 0.2}, "blurred, cut or turned away"),
            ({"emotion": "uncertain", "quality": 0.2, "box": Box(5, 5, 20, 20)}, "too small"),
            ({"emotion": "uncertain", "quality": 0.2, "box": Box(0, 5, 90, 90)}, "cut by the border"),
            ({"face_score": 0.7}, "perhaps not a person"),
            ({"certainty": 0.9}, 'certainty <b title="0.90">high'),
            ({"quality": 0.5}, 'view <b title="0.50">fair'),
        ],
    )
    def test_a_card_says_how_sure_it_is_and_why_not(self, others: dict[str, object], words: str) -> None:
        assert words in cards.card(self.face(**others), "people", People())

    def test_names_are_the_user_s_and_escaped(self) -> None:
        people = People()
        assert cards.apply(people, "name 1", ' <script>"x')
        assert cards.apply(people, "color 1", "#112233")
        assert cards.apply(people, "color 1", "red;x")
        assert not cards.apply(people, "camera", "")
        text = cards.card(self.face(), "people", people)
        assert "<script>" not in text
        assert 'value="&lt;script&gt;&quot;x"' in text
        assert "#112233" in text
        assert people.chosen == ((1, '<script>"x'),)

    def test_labels_are_escaped(self) -> None:
        assert "<script>" not in charts.bar("<script>", 0.5)
