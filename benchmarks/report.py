"""Make images and tables of the saved runs: `python -m benchmarks.report`; `--gate` fails if something got worse.

It reads .benchmarks/ (from `pytest benchmarks --benchmark-autosave`) and the committed accuracy. It writes history.png,
stages.png, tradeoff.png and report.md, or puts the report between two marks in a document:
    python -m benchmarks.report --out docs/images/benchmarks --into docs/benchmarks.md
"""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks import evaluation, history, models
from benchmarks.history import Run
from benchmarks.tables import to_markdown
from edge.command_line import EXIT_FAILED, CommandParser, run_command
from edge.files import replacing
from edge.model_info import PEOPLE
from edge.runtimes import choose_runtime, installed_runtimes
from train.evaluate import TRUTH_OF
from train.markdown import between_marks

matplotlib.use("Agg")
from matplotlib import pyplot as plt

CLASSIFY = f"test_classify[int8-{choose_runtime('auto')}-1]"
STAGES = {
    "test_gray": "gray",
    "test_shrink": "shrink",
    "test_detect[blazeface]": "one look, BlazeFace (every third frame)",
    "test_find_again": "a known face again (every third frame)",
    "test_follow": "follow (the frames between)",
    "test_crop": "crop",
    CLASSIFY: "classify, int8 (every third frame)",
    "test_track_and_smooth": "track and smooth",
    "test_encode": "JSON line",
    "test_draw": "draw (only for a window or video)",
}
HISTORY = {
    "test_a_frame[640x480-1]": "whole frame, 640x480, one face",
    "test_detect[blazeface]": "one look, BlazeFace",
    CLASSIFY: "classify, int8",
    "test_crop": "crop",
}
"""The benchmarks in the history image."""
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m benchmarks.report", description=__doc__)
    parser.add_argument("--history", type=Path, default=history.FOLDER, help="folder with the saved runs")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for images and report.md")
    parser.add_argument("--into", type=Path, help="put the report between the marks of this Markdown file instead")
    parser.add_argument("--gate", action="store_true", help="exit with 1 if the newest run is outside its band")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return run_command(lambda: _report(history.read_runs(options.history), options.out, options.into, options.gate))


def _report(runs: Sequence[Run], out: Path, into: Path | None, gate: bool) -> int:
    out.mkdir(parents=True, exist_ok=True)
    _save(draw_history(runs), out / "history.png")
    _save(draw_stages(runs[-1]), out / "stages.png")
    _save(draw_tradeoff(runs[-1]), out / "tradeoff.png")
    document = into or out / "report.md"
    report = to_report(runs, os.path.relpath(out, document.parent))
    with replacing(document) as part:
        part.write_text(between_marks(into.read_text(), "report", report) if into else report)
    regressions = history.gate(runs)
    for regression in regressions:
        logger.warning("%s", regression)
    logger.info("%d runs, %d figures outside their band; see %s", len(runs), len(regressions), document)
    return EXIT_FAILED if gate and regressions else 0


def draw_history(runs: Sequence[Run]) -> Any:
    """Plot the latency in yardsticks for all runs on the newest run's machine."""
    same = [run for run in runs if run.machine == runs[-1].machine]
    figure, axes = plt.subplots(figsize=(8, 4))
    for name, title in HISTORY.items():
        points = [(index, run.ratios[name]) for index, run in enumerate(same) if name in run.ratios]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=title)
    axes.set(ylabel="time in yardsticks", yscale="log", title="Latency of each saved run on this machine")
    axes.yaxis.set_major_formatter("{x:g}")
    moments = [f"{run.saved_at[:16].replace('T', ' ')}\n{run.commit}" for run in same]
    axes.set_xticks(range(len(same)), moments, rotation=30, ha="right")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_stages(run: Run) -> Any:
    """Plot how long each stage takes on a 640x480 frame with one face."""
    present = {title: run.fastest_ms[name] for name, title in STAGES.items() if name in run.fastest_ms}
    figure, axes = plt.subplots(figsize=(8, 3.5))
    bars = axes.barh(list(present)[::-1], list(present.values())[::-1])
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.margins(x=0.12)
    axes.set(xlabel="ms (fastest)", title="Stages of a 640x480 frame with one face")
    return figure


def draw_tradeoff(run: Run) -> Any:
    """Plot accuracy against latency for each variant and runtime; a dot's area is the file's size."""
    figure, axes = plt.subplots(figsize=(8, 4))
    rows = sorted(tradeoff(run), key=lambda row: row["ms per face"])
    for number, row in enumerate(rows):
        place = row["ms per face"], 100 * row["accuracy"]
        axes.scatter(*place, s=row["MB"] * 200, alpha=0.5)
        text = f"{row['variant']}, {row['runtime']}\n{row['MB']:.1f} MB"
        lift = -28 if number % 2 else 28  # neighbors' words on different sides
        axes.annotate(text, place, xytext=(0, lift), textcoords="offset points", ha="center", va="center")
    axes.set(
        xlabel="ms per face (fastest, one thread)", ylabel="agreement with the FER+ majority of all test images, %"
    )
    accuracies, slowest = [100 * row["accuracy"] for row in rows], max((row["ms per face"] for row in rows), default=1)
    axes.set(xlim=(0, 1.2 * slowest), ylim=(min(accuracies, default=0) - 1, max(accuracies, default=100) + 1))
    axes.grid(alpha=0.3)
    axes.set_title("Accuracy, latency, size (area)")
    return figure


def tradeoff(run: Run) -> list[dict[str, Any]]:
    """One row per variant and runtime: the run's latency, the committed reference's accuracy, the file's size."""
    committed = evaluation.read_reference()["variants"]
    rows = []
    for variant, file in models.shipped().items():
        for runtime in installed_runtimes():
            time_ms = run.fastest_ms.get(f"test_classify[{variant}-{runtime}-1]")
            if time_ms is not None and variant in committed:
                accuracy = committed[variant]["metrics"][f"accuracy/{PEOPLE}/{TRUTH_OF[PEOPLE]}/test"]
                size_mb = file.stat().st_size / 1e6
                rows.append(
                    {
                        "variant": variant,
                        "runtime": runtime,
                        "ms per face": time_ms,
                        "accuracy": accuracy,
                        "MB": size_mb,
                    }
                )
    return rows


def to_report(runs: Sequence[Run], images: str) -> str:
    """The newest run as Markdown; `images` is the folder of the images, relative to the document."""
    newest = runs[-1]
    times = [
        {"benchmark": name.removeprefix("test_"), "fastest ms": time_ms, "in yardsticks": newest.ratios[name]}
        for name, time_ms in newest.fastest_ms.items()
    ]
    worse = "\n".join(f"- {regression}" for regression in history.gate(runs)) or "- nothing left its band"
    return f"""Commit {newest.commit}, {newest.saved_at[:16].replace("T", " ")} UTC, {newest.processor}.

![Milliseconds of each stage]({images}/stages.png)

![Accuracy against latency of each variant]({images}/tradeoff.png)

{to_markdown(tradeoff(newest))}

![Latency of the saved runs]({images}/history.png)

Against the earlier runs on this machine:

{worse}

{to_markdown(times)}
"""


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
