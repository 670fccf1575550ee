"""The command `python -m train`; the work is done in `train/training.py`."""

if __name__.endswith("__main__"):  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import need_extra
    from edge.interrupts import end_quietly

    end_quietly()
    need_extra("train", "keras", "matplotlib")

import os

# Set before Keras is imported: torch trains fastest on a CPU; TensorFlow is there because conversion needs it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import sys
from pathlib import Path

from edge.command_line import run_command
from train.config import parse


def _main() -> int:
    config = parse()
    from train.evaluate import rows_of  # they load Keras, which takes seconds: not before the options are right
    from train.training import MODEL, train

    scores = train(config)
    for head, truth, split, score in rows_of(scores):
        low, high = score.interval
        print(f"{head}, {truth}, {split}: {score.accuracy:.2%} of {score.count:,} (95%: {low:.2%} to {high:.2%})")
    print(f"Wrote {Path(config.out) / MODEL} and report.md beside it")
    return 0


def main() -> int:
    """Run the command; return its exit code."""
    return run_command(_main)


if __name__ == "__main__":
    sys.exit(main())
