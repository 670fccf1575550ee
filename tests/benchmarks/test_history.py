"""Saved runs: a slower one is caught, another machine's is not compared, and a foreign file is refused."""

import json
from pathlib import Path

import pytest

from benchmarks import evaluation
from benchmarks.history import gate, read_runs
from benchmarks.report import main
from edge.errors import DataError


def save_run(folder: Path, number: int, classify_ms: float, yardstick_ms: float = 8.0, machine: str = "a") -> None:
    """A run as pytest-benchmark saves it, with one benchmark."""
    bench = {
        "name": "test_classify[int8-litert-1]",
        "stats": {"min": classify_ms / 1e3},
        "extra_info": {"yardstick_ms": yardstick_ms},
    }
    content = {
        "datetime": f"2030-01-01T00:00:{number:02}+00:00",
        "commit_info": {"id": f"{number:040x}"},
        "machine_info": {"identity": machine, "processor": "Some CPU"},
        "benchmarks": [bench],
    }
    (folder / f"{number:04}.json").write_text(json.dumps(content))


@pytest.mark.parametrize(("newest_ms", "caught"), [(1.1, False), (2.0, True), (0.5, True)])
def test_the_newest_run_must_stay_in_the_band(newest_ms: float, caught: bool, tmp_path: Path) -> None:
    for number in range(3):
        save_run(tmp_path, number, classify_ms=1.0)
    save_run(tmp_path, 3, newest_ms)
    assert bool(gate(read_runs(tmp_path))) is caught


def test_the_newest_run_is_that_of_the_highest_number_whatever_the_clock_said(tmp_path: Path) -> None:
    for number, year in ((1, 2030), (2, 2036), (3, 2031)):
        save_run(tmp_path, number, classify_ms=1.0)
        path = tmp_path / f"{number:04}.json"
        path.write_text(path.read_text().replace("2030-01-01", f"{year}-01-01"))
    assert [run.saved_at[:4] for run in read_runs(tmp_path)] == ["2030", "2036", "2031"]


def test_runs_of_another_python_come_in_their_own_order(tmp_path: Path) -> None:
    for name, number in (("b", 1), ("b", 2), ("a", 8)):
        (tmp_path / name).mkdir(exist_ok=True)
        save_run(tmp_path / name, number, classify_ms=1.0)
    assert [run.saved_at[17:19] for run in read_runs(tmp_path)] == ["01", "02", "08"]


def test_a_slow_moment_of_the_machine_is_no_regression(tmp_path: Path) -> None:
    save_run(tmp_path, 0, classify_ms=1.0, yardstick_ms=8.0)
    save_run(tmp_path, 1, classify_ms=3.0, yardstick_ms=24.0)
    assert gate(read_runs(tmp_path)) == []


def test_another_machine_is_not_compared(tmp_path: Path) -> None:
    save_run(tmp_path, 0, classify_ms=1.0, machine="a")
    save_run(tmp_path, 1, classify_ms=9.0, machine="b")
    assert gate(read_runs(tmp_path)) == []


@pytest.mark.parametrize("content", ["not json", "{}", "[]"])
def test_a_foreign_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "0001.json").write_text(content)
    with pytest.raises(DataError, match="Received: "):
        read_runs(tmp_path)


def test_without_runs_the_report_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--history", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "--benchmark-autosave" in capsys.readouterr().err


def test_the_report_is_written_and_its_gate_fails_on_a_slower_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, out, committed = tmp_path / "runs", tmp_path / "out", tmp_path / "accuracy.json"
    committed.write_text(json.dumps({"variants": {"int8": {"metrics": {"accuracy/people/FER+ majority/test": 0.66}}}}))
    monkeypatch.setattr(evaluation, "ACCURACY", committed)
    runs.mkdir()
    save_run(runs, 0, classify_ms=1.0)
    assert main(["--history", str(runs), "--out", str(out), "--gate"]) == 0
    save_run(runs, 1, classify_ms=2.0)
    assert main(["--history", str(runs), "--out", str(out), "--gate"]) == 1
    report = (out / "report.md").read_text()
    assert "latency/test_classify[int8-litert-1]" in report
    assert "0.660" in report
    assert {file.name for file in out.iterdir()} == {"history.png", "report.md", "stages.png", "tradeoff.png"}


def test_the_report_goes_between_the_marks_of_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, document = tmp_path / "runs", tmp_path / "docs" / "benchmarks.md"
    runs.mkdir()
    document.parent.mkdir()
    save_run(runs, 0, classify_ms=1.0)
    arguments = ["--history", str(runs), "--out", str(tmp_path / "docs" / "images"), "--into", str(document)]
    document.write_text("# Title\n")
    assert main(arguments) == 1
    assert "Received: a text without them" in capsys.readouterr().err
    document.write_text("# Title\n<!-- report -->\nold\n<!-- /report -->\nend\n")
    assert main(arguments) == 0
    text = document.read_text()
    assert text.startswith("# Title\n<!-- report -->\nCommit 00000000")
    assert text.endswith("<!-- /report -->\nend\n")
    assert "(images/stages.png)" in text
    assert "old" not in text
