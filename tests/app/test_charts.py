"""Charts as HTML and SVG."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from app import charts
from app.monitor import Sample
from edge.model_info import LABELS
from edge.results import Box
from tests.app.samples import result_of


class TestCharts:
    def test_bars_carry_every_label_and_share(self) -> None:
        text = charts.bars(result_of(Box(0, 0, 9, 9)).faces[0])
        assert re.findall(r'bar-label">(\w+)', text) == list(LABELS)
        assert "width:70.0%" in text
        assert "7 of 10 people would say happy" in text

    def test_a_face_that_people_would_disagree_on_says_so(self) -> None:
        face = replace(result_of(Box(0, 0, 9, 9)).faces[0], emotion="uncertain")
        assert "People would disagree: 7 of 10 people would say happy" in charts.bars(face)

    def test_a_face_that_is_not_worth_judging_says_why(self) -> None:
        face = replace(result_of(Box(0, 0, 9, 9)).faces[0], emotion="uncertain", quality=0.2)
        assert "Too small, blurred" in charts.bars(face)
        assert "people" not in charts.bars(face)

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
