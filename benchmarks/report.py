"""Pictures and tables of the saved runs: `python -m benchmarks.report`; `--gate` fails when something got worse.

Reads .benchmarks/ (from `pytest benchmarks --benchmark-autosave`) and the committed accuracy; writes
history.png, stages.png, tradeoff.png and report.md.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks import evaluation, history, models
from benchmarks.history import Run
from benchmarks.tables import to_markdown
from edge.command_line import EXIT_FAILED, CommandParser, run_command

matplotlib.use("Agg")
from matplotlib import pyplot as plt

STAGES = {
    "test_gray": "gray",
    "test_downscale": "downscale",
    "test_detect[blazeface]": "detect (every third frame)",
    "test_crop": "crop",
    "test_classify[int8-litert-1]": "classify, int8",
    "test_track_and_smooth": "track",
    "test_encode": "JSON line",
}
HISTORY = ("test_classify[int8-litert-1]", "test_detect[blazeface]", "test_a_frame[640x480-1]", "test_crop")
"""What the history picture follows."""
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = CommandParser("python -m benchmarks.report", description=__doc__)
    parser.add_argument("--history", type=Path, default=history.FOLDER, help="folder of saved runs")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for the report")
    parser.add_argument("--gate", action="store_true", help="exit with 1 if the newest run left its band")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return run_command(lambda: _report(options.history, options.out, options.gate))


def _report(folder: Path, out: Path, gate: bool) -> int:
    runs = history.read_runs(folder)
    out.mkdir(parents=True, exist_ok=True)
    _save(draw_history(runs), out / "history.png")
    _save(draw_stages(runs[-1]), out / "stages.png")
    _save(draw_tradeoff(runs[-1]), out / "tradeoff.png")
    (out / "report.md").write_text(to_report(runs))
    regressions = history.gate(runs)
    for regression in regressions:
        logger.warning("%s", regression)
    logger.info("%d runs, %d outside their band; see %s", len(runs), len(regressions), out / "report.md")
    return EXIT_FAILED if gate and regressions else 0


def draw_history(runs: Sequence[Run]) -> Any:
    """Latency in yardsticks over the runs of the newest one's machine."""
    same = [run for run in runs if run.machine == runs[-1].machine]
    figure, axes = plt.subplots(figsize=(8, 4))
    for name in HISTORY:
        points = [(index, run.ratios[name]) for index, run in enumerate(same) if name in run.ratios]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=name.removeprefix("test_"))
    axes.set(xlabel="run", ylabel="time in yardsticks", yscale="log", title=f"Latency on machine {same[-1].machine}")
    axes.set_xticks(range(len(same)), [run.commit for run in same], rotation=45)
    axes.legend()
    return figure


def draw_stages(run: Run) -> Any:
    """Where a 640x480 frame with one face spends its time."""
    present = {title: run.fastest_ms[name] for name, title in STAGES.items() if name in run.fastest_ms}
    figure, axes = plt.subplots(figsize=(8, 3))
    axes.barh(list(present)[::-1], list(present.values())[::-1])
    axes.set(xlabel="ms (fastest)", title="Stages of a 640x480 frame with one face")
    return figure


def draw_tradeoff(run: Run) -> Any:
    """Accuracy against latency of each variant and runtime; a disc's area is the file's size."""
    figure, axes = plt.subplots(figsize=(8, 4))
    for row in tradeoff(run):
        axes.scatter(row["ms a face"], row["accuracy"], s=row["MB"] * 150, alpha=0.5)
        axes.annotate(f"{row['variant']}, {row['runtime']}", (row["ms a face"], row["accuracy"]))
    axes.set(xlabel="ms a face (fastest, one thread)", ylabel="accuracy on all test images", xscale="log")
    axes.set_title("Accuracy, latency, size (area)")
    return figure


def tradeoff(run: Run) -> list[dict[str, Any]]:
    """One row a variant and runtime: latency of the run, accuracy of the committed reference, size of the file."""
    committed = evaluation.read_reference()["variants"]
    rows = []
    for variant, file in models.shipped().items():
        for runtime in ("litert", "tflite"):
            time_ms = run.fastest_ms.get(f"test_classify[{variant}-{runtime}-1]")
            if time_ms is not None and variant in committed:
                accuracy = committed[variant]["metrics"]["accuracy/test"]
                size_mb = file.stat().st_size / 1e6
                rows.append(
                    {"variant": variant, "runtime": runtime, "ms a face": time_ms, "accuracy": accuracy, "MB": size_mb}
                )
    return rows


def to_report(runs: Sequence[Run]) -> str:
    """The newest run as Markdown."""
    newest = runs[-1]
    times = [
        {"benchmark": name.removeprefix("test_"), "fastest ms": time_ms, "in yardsticks": newest.ratios[name]}
        for name, time_ms in newest.fastest_ms.items()
    ]
    worse = "\n".join(f"- {regression}" for regression in history.gate(runs)) or "Nothing left its band."
    return f"""# Benchmarks of {newest.commit}, {newest.saved_at[:16]}, machine {newest.machine}

{to_markdown(times)}

## Accuracy, latency, size

{to_markdown(tradeoff(newest))}

![tradeoff](tradeoff.png)
![stages](stages.png)
![history](history.png)

## Against earlier runs on this machine

{worse}
"""


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
