"""What the model files say of themselves, as a Markdown table: `python -m edge.models_table [FILE ...]`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.command_line import CommandParser, run_command
from edge.interpreter import MODELS
from edge.model_info import read_model_info


def models_table(paths: Iterable[Path]) -> str:
    """A row for each file, a column for each split on which an accuracy was measured."""
    infos = {path: read_model_info(path) for path in paths}
    splits = sorted({split for info in infos.values() for split in info.accuracy})
    rows = [["file", "kB", *splits], ["---"] * (2 + len(splits))]
    for path, info in infos.items():
        accuracies = (f"{info.accuracy[split]:.1%}" if split in info.accuracy else "" for split in splits)
        rows.append([f"`{path.name}`", f"{path.stat().st_size / 1000:.0f}", *accuracies])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = CommandParser("python -m edge.models_table", description=__doc__)
    bundled = sorted(MODELS.glob("emotion_*.tflite"))
    parser.add_argument("files", nargs="*", type=Path, default=bundled, help="files of python -m convert")
    files = parser.parse_args(argv).files
    return run_command(lambda: int(sys.stdout.write(models_table(files)) < 0))


if __name__ == "__main__":
    sys.exit(main())
