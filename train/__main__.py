"""`python -m train`: the command; what it does is in `train/training.py`."""

if __name__.endswith("__main__"):  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import need_extra
    from edge.interrupts import end_quietly

    end_quietly()
    need_extra("train", "keras", "matplotlib")

import os

# Before Keras is imported: torch trains the fastest on a CPU, TensorFlow is what conversion needs anyway.
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
    """The exit code of the command line."""
    return run_command(_main)


if __name__ == "__main__":
    sys.exit(main())
