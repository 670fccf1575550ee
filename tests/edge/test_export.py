"""Rows of a store, by time and camera, as other programs read them."""

import csv
import datetime
import io
import json
import sqlite3
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from edge.export import main
from edge.results import CameraState, CameraStatus
from edge.store import Store, StoreSink
from tests.fakes import frame_of, result_of

DAY = datetime.datetime(2026, 11, 26, 8, 0).timestamp()
IMAGE = np.zeros((12, 16, 3), np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten results, a minute apart, of two cameras in turns, and a fault; a service goes on writing."""
    path = tmp_path_factory.mktemp("store") / "results.sqlite"
    sink = StoreSink(Store(path), "kitchen")
    for index in range(10):
        frame = frame_of(IMAGE, index, 60.0 * index, ("gate", "Tür")[index % 2])
        result = result_of(frame, "happy" if index else "uncertain")
        object.__setattr__(result, "captured_at", DAY + 60 * index)
        sink.write(frame, result)
    sink.tell(CameraStatus("gate", CameraState.DARK, "night", DAY + 600, 0.0))
    sink.write(frame := frame_of(IMAGE, 11, 700.0, "gate"), result_of(frame).__class__(11, 700.0, DAY + 700, "gate"))
    assert sink._store.flush()
    return path


def test_csv_has_a_row_for_each_face_of_a_camera_in_a_time(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    times = ["--since", "2026-11-26T08:02", "--until", "2026-11-26T08:08"]
    assert main([str(path), "--camera", "Tür", *times]) == 0
    text = capfdbinary.readouterr().out.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["frame_index"] for row in rows] == ["3", "5", "7"]
    assert {(row["device"], row["source"], row["emotion"], row["happy"]) for row in rows} == {
        ("kitchen", "Tür", "happy", "0.88")
    }


def test_json_lines_are_those_that_were_stored(path: Path, tmp_path: Path) -> None:
    assert main([str(path), "--out", str(tmp_path / "all.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    assert lines[10]["state"] == "dark"
    assert main([str(path), "--out", str(tmp_path / "gate.jsonl"), f"--since={DAY + 600}"]) == 0
    assert len((tmp_path / "gate.jsonl").read_text().splitlines()) == 2


def test_parquet_has_columns_with_types(path: Path, tmp_path: Path) -> None:
    assert main([str(path), "--out", str(tmp_path / "all.parquet")]) == 0
    table = parquet.read_table(tmp_path / "all.parquet")
    assert table.num_rows == 10
    assert table["captured_at"].to_pylist()[0] == DAY
    assert {str(table.schema.field(name).type) for name in ("happy", "position_s")} == {"double"}
    assert [str(table.schema.field(name).type) for name in ("x", "file")] == ["int64", "string"]
    assert main([str(path), "--until=0", "--out", str(tmp_path / "none.parquet")]) == 0
    assert parquet.read_table(tmp_path / "none.parquet").num_rows == 0


def test_nothing_is_a_header(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path), "--camera", "none"]) == 0
    assert capsys.readouterr().out.startswith("captured_at,position_s,device,source,file")


def test_what_is_wrong_is_one_line(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    for name in ("none.sqlite", "photo.jpg"):
        assert main([str(tmp_path / name)]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "none.sqlite").exists()
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE mine (id)")
    assert main([str(tmp_path / "other.sqlite")]) == 1
    assert main([str(path), "--out", str(tmp_path / "none" / "x.csv")]) == 1
    capsys.readouterr()
    for wrong in (["--since", "yesterday"], ["--format", "parquet"], ["--format", "xml"]):
        with pytest.raises(SystemExit) as ended:
            main([str(path), *wrong])
        assert ended.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
