"""Accept the shipped models as the new reference: `python -m benchmarks.update_reference [--data PATH]`.

It writes the outputs for the generated faces, and the accuracy on FER-2013. Look at the difference in
version control before you commit it: the gates will compare with it.
"""

import json
import logging
import sys
from pathlib import Path

from benchmarks import evaluation, golden, models
from edge.command_line import CommandParser, run_command
from edge.files import replacing
from edge.interpreter import MODELS
from train.data import find_data, load_fer2013, votes_beside

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = CommandParser("python -m benchmarks.update_reference", description=__doc__)
    parser.add_argument("--data", default=None, help="FER-2013 (default: the variable FER2013, else data/)")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder with emotion_*.tflite")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return run_command(lambda: _update(models.shipped(options.models), options.data))


def _update(variants: dict[str, Path], data: str | None) -> int:
    measured = evaluation.measure_all(variants, load_fer2013(data, votes_beside(find_data(data))).test())
    faces = golden.generated_faces()
    accuracy = {
        name: {"sha256": models.sha256(file), "metrics": {k: round(v, 5) for k, v in measured[name].items()}}
        for name, file in variants.items()
    }
    content = {"generated_faces_sha256": golden.digest(faces), "schema": 2, "variants": accuracy}
    with replacing(evaluation.ACCURACY) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    for name, file in variants.items():
        evaluation.write_golden(name, models.predictor(file)(faces))
        logger.info("%s: %d metrics, %d golden outputs", name, len(measured[name]), len(faces))
    return 0


if __name__ == "__main__":
    sys.exit(main())
