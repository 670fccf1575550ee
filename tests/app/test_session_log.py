"""The record of a session: its two forms, its end, and disks that are full."""

import csv
import io
import json
import resource
import tempfile
from dataclasses import replace

import pytest

from app.rendering import RenderOptions
from app.session_log import Record
from app.upload_job import VideoJob
from edge.config import EdgeConfig
from edge.errors import SinkError
from edge.results import Box
from tests.app.samples import result_of


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
        assert Record().csv().startswith("captured_at,time,position_s,device,source,file,frame_index")

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
        assert [moment.at_s for part in record.timeline().people[1] for moment in part] == [
            float(index) for index in range(10)
        ]

    def test_a_disk_that_is_full_for_a_moment_tears_no_line(self) -> None:
        record = Record()
        record.add(result_of(Box(0, 0, 9, 9)))
        whole = len(record.jsonl())
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 50, old[1]))
        record.add(result_of(Box(0, 0, 9, 9)))
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        record.add(result_of(Box(0, 0, 9, 9)))
        assert (record.frames, record.lost, sum(map(len, record.timeline().people[1]))) == (2, 1, 2)
        assert len(record.jsonl()) == 2 * whole

    def test_without_a_temporary_folder_the_error_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", "/none")
        with pytest.raises(SinkError, match="temporary file"):
            Record()
        monkeypatch.setattr("app.upload_job.Record", lambda is_film: None)
        with pytest.raises(SinkError, match="temporary folder"):
            VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions())
