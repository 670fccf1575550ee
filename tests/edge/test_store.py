"""Results on the disk: bounded, in their order, and still there after a power cut."""

import json
import logging
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge.errors import SinkError
from edge.mqtt import MqttOptions, MqttSink
from edge.results import CameraState, CameraStatus
from edge.store import Store, StoreSink
from edge.store_file import StoreLimits, open_store, reading
from tests.fakes import frame_of, result_of
from tests.processes import ROOT
from tests.rigs.broker import MOSQUITTO, listening, until
from tests.rigs.faults import ServerRig

IMAGE = np.zeros((12, 16, 3), np.uint8)


def stored(path: Path) -> list[int]:
    with reading(path) as connection:
        return [json.loads(line)["frame_index"] for (line,) in connection.execute("SELECT line FROM rows ORDER BY id")]


def test_a_store_at_rest_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    store = Store(path)
    fill(store, range(3))
    store.close()
    store._reading.close()  # as the end of the process does
    for ending in ("-wal", "-shm"):  # SQLite can't make its files, as on a read-only disk
        Path(f"{path}{ending}").symlink_to(tmp_path / "none" / "at all")
    assert stored(path) == [0, 1, 2]
    Path(f"{path}-wal").unlink()
    Path(f"{path}-wal").write_bytes(bytes(5000))  # not all is in the file yet
    with pytest.raises(SinkError, match="read the store"):
        stored(path)


def fill(store: Store, numbers: range, size: int = 0) -> None:
    for number in numbers:
        store.put("gate", json.dumps({"frame_index": number, "faces": [], "text": "x" * size}), 1000.0 + number)
    assert store.flush(30)


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_what_was_stored_is_there_after_each_of_many_kills(kills: int, tmp_path: Path) -> None:
    path, told, chance = tmp_path / "results.sqlite", [-1], random.Random(18)
    for _ in range(kills):
        command = [sys.executable, "-m", "tests.rigs.store_writer", str(path), str(told[-1] + 1)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        told += [int(line) for line in (first + process.stdout.read()).splitlines()]
        process.wait()
        found = stored(path)
        assert set(told) - {-1} <= set(found), "each that was told is there"
        assert sorted(found) == found
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_log_that_a_power_cut_tore_opens_with_what_was_before(tmp_path: Path) -> None:
    store = Store(tmp_path / "results.sqlite")
    for number in range(20):
        fill(store, range(number, number + 1), size=2000)
    wal = (tmp_path / "results.sqlite-wal").read_bytes()
    for cut in range(0, len(wal), len(wal) // 10):
        copy = tmp_path / f"cut{cut}.sqlite"
        shutil.copy(tmp_path / "results.sqlite", copy)
        copy.with_name(copy.name + "-wal").write_bytes(wal[:cut])
        found = Store(copy)
        fill(found, range(100, 101))
        found.close()
        numbers = stored(copy)
        assert numbers[-1] == 100
        assert numbers[:-1] == list(range(len(numbers) - 1))
    store.close()


def test_a_store_is_bounded_by_size_and_drops_the_oldest(tmp_path: Path) -> None:
    store = Store(tmp_path / "results.sqlite", StoreLimits(most_bytes=1_000_000))
    for start in range(0, 6000, 500):
        fill(store, range(start, start + 500), size=400)
    numbers = stored(tmp_path / "results.sqlite")
    assert numbers[-1] == 5999
    assert numbers == list(range(numbers[0], 6000))
    assert 1000 < len(numbers) < 3000
    assert store.dropped == numbers[0], "no broker had them"
    store.close()
    assert store.counts()["bytes"] < 1_700_000
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1_700_000 + 5_000_000, "with its log"


def test_a_store_is_bounded_by_the_time_that_it_was_open_not_by_the_clock_of_the_day(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    store = Store(path, StoreLimits(most_s=100.0))
    store.put("gate", '{"frame_index":0,"faces":[]}', captured_at=0.0)  # a Pi without a battery: 1970
    fill(store, range(1, 2))
    store.close()
    store = Store(path, StoreLimits(most_s=100.0))
    fill(store, range(2, 3))
    assert stored(path) == [0, 1, 2]
    store._opened_s -= 100.5
    fill(store, range(3, 4))
    store.close()
    assert stored(path) == [3]


@pytest.mark.parametrize("content", [b"somebody's own photo", b"SQLite format 3\0"])
def test_what_is_not_a_store_is_left_alone_or_moved_aside(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    path.write_bytes(content + bytes(2000) if content.endswith(b"\0") else content)
    if content.endswith(b"\0"):  # a store that a card has damaged
        store = Store(path)
        fill(store, range(3))
        store.close()
        assert stored(path) == [0, 1, 2]
        assert (tmp_path / "results.sqlite.damaged").read_bytes().startswith(content)
        return
    with pytest.raises(SinkError, match="another file"):
        Store(path)
    assert path.read_bytes() == content


def test_a_store_that_is_damaged_while_it_runs_is_moved_aside_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.store.RETRY_S", 0.05)
    path = tmp_path / "results.sqlite"
    store = Store(path)
    fill(store, range(200))
    store.done(store.after(0, 1)[0].number)
    before = store.after(0, 1000)[-1].number
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:  # every page of rows
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    fill(store, range(200, 203))
    assert stored(path) == [200, 201, 202]
    assert [entry.number for entry in store.after(store.done_through, 10)] == [before + 1, before + 2, before + 3]
    assert store.dropped > 0
    store.close()
    assert (tmp_path / "results.sqlite.damaged").is_file()


def test_a_store_that_somebody_removes_while_it_runs_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    store = Store(path)
    fill(store, range(3))
    before = store.after(0, 10)[-1].number
    path.unlink()
    fill(store, range(3, 5))
    assert stored(path) == [3, 4]
    assert [entry.number for entry in store.after(store.done_through, 10)] == [before + 1, before + 2]
    store.close()
    assert stored(path) == [3, 4]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE mine (id)")
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(SinkError, match="another database"):
        open_store(tmp_path / "other.sqlite")
    with pytest.raises(SinkError, match="results"):
        Store(tmp_path / "none" / "results.sqlite")


def test_a_disk_that_takes_nothing_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.store.RETRY_S", 0.05)
    monkeypatch.setattr("edge.store.MOST_PENDING", 5)
    store = Store(tmp_path / "results.sqlite")
    full = threading.Event()
    trim = sys.modules["edge.store"].trim  # type: ignore[attr-defined]

    def failing(*arguments: object) -> int:
        if full.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        return int(trim(*arguments))

    monkeypatch.setattr("edge.store.trim", failing)
    full.set()
    with caplog.at_level(logging.INFO, "edge.sinks"):
        for number in range(9):
            store.put("gate", json.dumps({"frame_index": number, "faces": []}), 0.0)
        assert not store.flush(0.3)
        full.clear()
        assert store.flush(5)
    assert caplog.text.count("disk is full") == 1
    assert "is written again" in caplog.text
    assert (stored(tmp_path / "results.sqlite"), store.dropped) == ([4, 5, 6, 7, 8], 4)
    store.close()


def test_a_sink_stores_changes_and_states(tmp_path: Path) -> None:
    sink = StoreSink(Store(tmp_path / "results.sqlite"), "kitchen")
    for index in range(21):
        frame = frame_of(IMAGE, index, index / 10, "gate")
        sink.write(frame, result_of(frame, "happy" if index < 15 else "sad"))
    sink.tell(CameraStatus.now("gate", CameraState.FROZEN, "the same image"))
    sink.close()
    with reading(tmp_path / "results.sqlite") as connection:
        rows = [(kind, json.loads(line)) for kind, line in connection.execute("SELECT kind, line FROM rows")]
    assert [line.get("frame_index") for _, line in rows] == [0, 10, 15, None]
    assert [kind for kind, _ in rows] == ["result"] * 3 + ["state"]
    assert {(line["device"], line["source"]) for _, line in rows} == {("kitchen", "gate")}


@pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")
def test_after_an_outage_and_a_restart_the_broker_gets_what_it_missed_in_order(
    broker: ServerRig, tmp_path: Path
) -> None:
    path, options = tmp_path / "results.sqlite", MqttOptions(device="door", discovery="")
    store = Store(path)
    fill(store, range(700))
    store.put_state("gate", '{"state":"offline"}', 0.0)
    store.close()  # the process ends while the broker is away
    broker.revive()
    with listening(broker) as listener:
        store = Store(path)
        sink = MqttSink(broker.source, options, store)
        until(lambda: store.count == 0)
        fill(store, range(700, 710))
        until(lambda: len(listener.lines()) == 710)
        sink.close()
        store.close()
        late = [line["frame_index"] for line in listener.lines("home/door/gate/late")]
        assert late == list(range(700))
        assert [line["frame_index"] for line in listener.lines("home/door/gate")] == list(range(700, 710))
        assert all(line["late"] for line in listener.lines("home/door/gate/late"))
        store = Store(path)  # nothing comes twice
        sink = MqttSink(broker.source, options, store)
        until(lambda: sink.link.is_connected)
        fill(store, range(710, 711))
        until(lambda: len(listener.lines()) == 711)
        sink.close()
        store.close()
    assert listener.lines()[-1]["frame_index"] == 710


def test_what_no_broker_was_to_have_is_not_sent_to_one_that_comes_later(tmp_path: Path) -> None:
    store = Store(tmp_path / "results.sqlite", forwards=False)
    fill(store, range(5))
    store.close()
    store = Store(tmp_path / "results.sqlite")
    assert store.after(store.done_through, 10) == []
    store.close()
