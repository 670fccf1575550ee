"""`python -m convert`: TFLite files from a Keras file, each proved before it is kept."""

if __name__.endswith("__main__"):  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.command_line import end_quietly

    end_quietly()

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from convert.config import OUTPUT_TYPES, VARIANTS, ConvertConfig
from edge.command_line import CommandParser, quiet_native_code, run_command
from edge.config import EdgeConfig
from edge.errors import ConfigError

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
    parser = build_parser()
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    if arguments.bundle:
        return run_command(lambda: _bundle(arguments.bundle, arguments.model))
    try:
        config = read_config(arguments)
    except ConfigError as error:
        parser.error(str(error))
    return run_command(lambda: _convert(config))


def build_parser() -> CommandParser:
    """The options, with ConvertConfig's defaults."""
    defaults = ConvertConfig(DEFAULT_MODEL)
    parser = CommandParser("python -m convert", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=DEFAULT_MODEL, help="the Keras file")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="TAR_GZ",
        help="convert nothing: pack MODEL, here a .tflite file, or the int8 network of edge/ into a deployment bundle",
    )
    variants = parser.add_argument_group("variants (all, if none is named)")
    for variant in VARIANTS:
        variants.add_argument(
            f"--{variant}", dest="variants", action="append_const", const=variant, help=_HELP[variant]
        )
    parser.add_argument("--out", type=Path, help="folder of the files; the Keras file's own if not given")
    parser.add_argument("--name", help="files are NAME_VARIANT.tflite; the Keras file's stem if not given")
    parser.add_argument(
        "--report", type=Path, help="folder of the report (JSON, Markdown, image); that of the files if not given"
    )
    data = parser.add_argument_group("images")
    data.add_argument("--data", type=Path, help="FER-2013: folder, zip or csv; else the variable FER2013, else data/")
    data.add_argument("--samples-from", type=Path, help="a folder of face images that calibrate in place of FER-2013's")
    data.add_argument("--samples", type=int, default=defaults.samples, help="calibration images")
    data.add_argument("--seed", type=int, default=defaults.seed, help="draws the calibration images")
    how = parser.add_argument_group("how")
    how.add_argument("--int8-output", choices=OUTPUT_TYPES, default=defaults.int8_output, help="type of int8's output")
    how.add_argument("--no-fold", dest="fold", action="store_false", help="leave BatchNorms to TensorFlow's converter")
    how.add_argument("--sparsity", type=float, default=defaults.sparsity, help="share of weights to prune, 0 to 1")
    gate = parser.add_argument_group("gate: no file is kept if one fails")
    gate.add_argument("--max-drop", type=float, default=defaults.max_drop, help="accuracy that may be lost, in points")
    gate.add_argument("--min-agreement", type=float, default=defaults.min_agreement, help="share of equal labels")
    return parser


def read_config(arguments: argparse.Namespace) -> ConvertConfig:
    """The configuration that the command line asks for."""
    options = dict(vars(arguments))
    del options["bundle"]
    options["variants"] = tuple(dict.fromkeys(options["variants"] or VARIANTS))
    return ConvertConfig(**options)


def _bundle(out: Path, model: Path) -> int:
    from convert.bundle import write_bundle

    chosen = EdgeConfig().model_path if model == DEFAULT_MODEL else model
    with quiet_native_code():
        write_bundle(out, chosen)
    sys.stdout.write(f"{chosen} and the edge runtime -> {out}, {out.stat().st_size / 1e6:.1f} MB\n")
    return 0


def _convert(config: ConvertConfig) -> int:
    from convert.convert import convert
    from convert.report import format_line

    try:
        proofs = convert(config)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: no file was written\n")
        raise
    for variant, proof in proofs.items():
        sys.stdout.write(f"{format_line(proof)} -> {config.path(variant)}\n")
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
