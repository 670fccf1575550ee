"""Make a Markdown table from the contracts of model files: `python -m benchmarks.models_table [FILE ...]`."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.command_line import CommandParser, run_command
from edge.files import replacing
from edge.interpreter import MODELS
from edge.model_info import read_model_info
from train.markdown import between_marks, table


def models_table(paths: Iterable[Path]) -> str:
    """A row for each file and head, a column for each split on which an accuracy was measured."""
    measured = [
        (path, head.name, truth, by_split)
        for path in paths
        for head in read_model_info(path).heads
        for truth, by_split in head.accuracy.items()
    ]
    splits = sorted({split for *_, by_split in measured for split in by_split})
    rows = []
    for path, head, truth, by_split in measured:
        shares = (f"{by_split[split]:.1%}" if split in by_split else "" for split in splits)
        rows.append([f"`{path.name}`", f"{path.stat().st_size / 1000:.0f}", head, truth, *shares])
    return "\n".join(table(["file", "kB", "scores", "right is", *splits], rows)) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or write it into a document."""
    parser = CommandParser("python -m benchmarks.models_table", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="files of python -m convert (default: the bundled ones)")
    parser.add_argument("--into", type=Path, help="replace the table in this Markdown file instead of printing it")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _show(arguments))


def _show(arguments: argparse.Namespace) -> int:
    text = models_table(arguments.files or sorted(MODELS.glob("emotion_*.tflite")))
    if arguments.into:
        content = between_marks(arguments.into.read_text(), "models", text)
        with replacing(arguments.into) as part:
            part.write_text(content)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
