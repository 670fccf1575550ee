"""What the model files say of themselves, as a Markdown table: `python -m edge.models_table [FILE ...]`."""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.command_line import CommandParser, run_command
from edge.interpreter import MODELS
from edge.model_info import read_model_info


def models_table(paths: Iterable[Path]) -> str:
    """A row for each file and head, a column for each split on which an accuracy was measured."""
    measured = [
        (path, head.name, truth, by_split)
        for path in paths
        for head in read_model_info(path).heads
        for truth, by_split in head.accuracy.items()
    ]
    splits = sorted({split for *_, by_split in measured for split in by_split})
    rows = [["file", "kB", "scores", "right is", *splits], ["---"] * (4 + len(splits))]
    for path, head, truth, by_split in measured:
        shares = (f"{by_split[split]:.1%}" if split in by_split else "" for split in splits)
        rows.append([f"`{path.name}`", f"{path.stat().st_size / 1000:.0f}", head, truth, *shares])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def update_text(text: str, table: str) -> str:
    """The text with `table` between its two marks, the comments `models` and `/models`."""
    return re.sub(r"(?<=<!-- models -->\n).*(?=<!-- /models -->)", lambda _: table, text, flags=re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or write it into a document."""
    parser = CommandParser("python -m edge.models_table", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="files of python -m convert; the bundled ones if none")
    parser.add_argument("--into", type=Path, help="replace the table in this Markdown file instead of printing it")
    arguments = parser.parse_args(argv)
    return run_command(lambda: _show(arguments))


def _show(arguments: argparse.Namespace) -> int:
    table = models_table(arguments.files or sorted(MODELS.glob("emotion_*.tflite")))
    if arguments.into:
        arguments.into.write_text(update_text(arguments.into.read_text(), table))
    else:
        sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
