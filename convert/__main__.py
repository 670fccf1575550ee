"""`python -m convert`: TFLite files from a Keras file, each proved before it is kept."""

import argparse
import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from convert.config import OUTPUT_TYPES, VARIANTS, ConvertConfig
from edge.errors import ConfigError, EmotionError

DEFAULT_MODEL = Path("runs/edge/model.keras")
_HELP = {
    "float32": "full precision, the reference",
    "float16": "half-precision weights",
    "dynamic": "int8 weights, float activations",
    "int8": "int8 weights and activations; camera bytes in",
    "int16x8": "int8 weights, int16 activations",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Convert as the command line says; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _convert(read_config(arguments))
    except ConfigError as error:
        return _fail(error, 2)
    except EmotionError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted; no file was written", 130)
    except Exception:
        traceback.print_exc()
        return 3


def build_parser() -> argparse.ArgumentParser:
    """The options, with ConvertConfig's defaults."""
    defaults = ConvertConfig(DEFAULT_MODEL)
    parser = argparse.ArgumentParser(
        prog="python -m convert", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, default=DEFAULT_MODEL, help="the Keras file")
    variants = parser.add_argument_group("variants (all, if none is named)")
    for variant in VARIANTS:
        variants.add_argument(
            f"--{variant}", dest="variants", action="append_const", const=variant, help=_HELP[variant]
        )
    parser.add_argument("--out", type=Path, help="folder of the files; the Keras file's own if not given")
    parser.add_argument("--name", help="files are NAME_VARIANT.tflite; the Keras file's stem if not given")
    data = parser.add_argument_group("pictures")
    data.add_argument("--data", type=Path, help="FER-2013: folder, zip or csv; else the variable FER2013, else data/")
    data.add_argument("--samples-from", type=Path, help="a folder of face pictures in place of FER-2013")
    data.add_argument("--samples", type=int, default=defaults.samples, help="calibration pictures")
    data.add_argument("--seed", type=int, default=defaults.seed, help="draws the calibration pictures")
    how = parser.add_argument_group("how")
    how.add_argument("--int8-output", choices=OUTPUT_TYPES, default=defaults.int8_output, help="type of int8's output")
    how.add_argument("--no-fold", dest="fold", action="store_false", help="leave BatchNorms to TensorFlow's converter")
    gate = parser.add_argument_group("gate: no file is kept if one fails")
    gate.add_argument("--max-drop", type=float, default=defaults.max_drop, help="accuracy that may be lost, in points")
    gate.add_argument("--min-agreement", type=float, default=defaults.min_agreement, help="share of equal labels")
    return parser


def read_config(arguments: argparse.Namespace) -> ConvertConfig:
    """The configuration that the command line asks for."""
    options = dict(vars(arguments))
    options["variants"] = tuple(dict.fromkeys(options["variants"] or VARIANTS))
    return ConvertConfig(**options)


def _convert(config: ConvertConfig) -> int:
    from convert.convert import convert
    from convert.report import format_line

    for variant, proof in convert(config).items():
        sys.stdout.write(f"{format_line(proof)} -> {config.folder / config.file_name(variant)}\n")
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(reason: object, code: int) -> int:
    sys.stderr.write(f"convert: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
