"""Rows of a store, by time and camera, as other programs read them."""

import csv
import datetime
import io
import json
import sqlite3
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from edge.export import main
from edge.results import CameraState, CameraStatus
from edge.store import Store, StoreSink
from tests.fakes import frame_of, result_of

LABELS = ("happy", "sad", "bored", "awake")
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


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A store of two networks whose labels differ."""
    store = Store(tmp_path / "mixed.sqlite", forwards=False)
    for index, labels in enumerate((LABELS[:2], LABELS[2:])):
        sizes = dict.fromkeys(("track_id", "quality", "certainty", "intensity", "valence", "arousal"), 1)
        scores = dict(zip(labels, (0.9, 0.1), strict=True))
        face = {**sizes, "box": [1, 2, 3, 4], "emotion": labels[0], "confidence": 0.9, "scores": scores}
        place = {"captured_at": DAY + index, "position_s": None, "device": "d", "source": "door", "frame_index": index}
        store.put("door", json.dumps({**place, "faces": [face]}), time.time())
    assert store.flush()
    store.close()
    return tmp_path / "mixed.sqlite"


def test_no_score_is_lost_when_the_network_was_replaced(mixed: Path) -> None:
    assert main([str(mixed), "--out", str(mixed.with_suffix(".csv"))]) == 0
    rows = list(csv.DictReader(mixed.with_suffix(".csv").open()))
    assert [[row[label] for label in LABELS] for row in rows] == [["0.9", "0.1", "", ""], ["", "", "0.9", "0.1"]]
    assert main([str(mixed), "--out", str(mixed.with_suffix(".parquet"))]) == 0
    table = parquet.read_table(mixed.with_suffix(".parquet")).to_pylist()
    assert [[row[label] for label in LABELS] for row in table] == [[0.9, 0.1, None, None], [None, None, 0.9, 0.1]]


@pytest.mark.parametrize(
    ("since", "rows"),
    [("2099", 0), ("20991126", 0), ("2026", 10), ("20261126", 10), ("20261127", 0), ("2026-11-27", 0), ("0", 10)],
)
def test_a_date_needs_no_hyphens(since: str, rows: int, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path), "--since", since]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + rows


@pytest.mark.parametrize("since", ["nan", "-nan", "20261", "202611", "2026112", "20261399"])
def test_what_is_no_time_is_refused(since: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(path), f"--since={since}"])
    assert ended.value.code == 2
    assert f"received {since} " in capsys.readouterr().err


def test_a_camera_that_the_store_does_not_have_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = path.with_name("none.csv")
    with pytest.raises(SystemExit) as ended:
        main([str(path), "--camera", "gate", "--camera", "gat", "--out", str(out)])
    assert ended.value.code == 2
    assert "it has Tür, gate. Received: gat " in capsys.readouterr().err.replace("gate, Tür", "Tür, gate")
    assert not out.exists()


def test_the_store_is_not_replaced_by_its_export(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixed.with_name("link.csv").symlink_to(mixed.name)
    for out in (mixed, mixed.parent / ".." / mixed.parent.name / mixed.name, mixed.with_name("link.csv")):
        with pytest.raises(SystemExit) as ended:
            main([str(mixed), "--out", str(out)])
        assert ended.value.code == 2
        assert f"Received: {out}" in capsys.readouterr().err
    assert mixed.with_name("link.csv").is_symlink()
    assert main([str(mixed), "--format", "jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_nothing_is_a_header(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(path), "--camera", "gate", "--until", "2025"]) == 0
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
