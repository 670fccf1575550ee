"""`python -m convert`: make TFLite files from a Keras file; a file is kept only if it passes its checks."""

if __name__.endswith("__main__"):  # before the rest is loaded: Ctrl-C meanwhile ends without a traceback
    from edge.interrupts import end_quietly

    end_quietly()

    from edge.command_line import need_extra

    need_extra("train", "keras", "tensorflow", "matplotlib")

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from convert.config import VARIANTS, ConvertConfig
from edge.command_line import CommandParser, run_command
from edge.options import add_options

_told: list[int] = []
"""The signals that were received and end the conversion."""
DEFAULT_MODEL = Path("runs/compact/model.keras")
_HELP = {
    "float32": "full precision, the reference",
    "float16": "half-precision weights",
    "dynamic": "int8 weights, float activations",
    "int8": "int8 weights and activations; camera bytes in",
    "int16x8": "int8 weights, int16 activations",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Convert as the command line says; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if "--bundle" in argv:  # another way to call `python -m convert.bundle`
        from convert.bundle import main as bundle

        return bundle([argument for argument in argv if argument != "--bundle"])
    parser = build_parser()
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    config = parser.checked(lambda: read_config(arguments))
    return run_command(lambda: _until_told(config))


def build_parser() -> CommandParser:
    """The options of `ConvertConfig`, and one for each variant."""
    parser = CommandParser("python -m convert", description=__doc__)
    parser.add_argument(
        "model", nargs="?", type=Path, default=DEFAULT_MODEL, help="the Keras file, or a SavedModel's folder"
    )
    variants = parser.add_argument_group("variants (all, if none is named)")
    for variant in VARIANTS:
        variants.add_argument(
            f"--{variant}", dest="variants", action="append_const", const=variant, help=_HELP[variant]
        )
    add_options(parser, ConvertConfig)
    return parser


def read_config(arguments: argparse.Namespace) -> ConvertConfig:
    """The configuration that the command line asks for."""
    options = dict(vars(arguments))
    options["variants"] = tuple(dict.fromkeys(options["variants"] or VARIANTS))
    return ConvertConfig(**options)


def _convert(config: ConvertConfig) -> int:
    from convert.keras_file import use_tensorflow

    use_tensorflow()  # before anything else imports Keras
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


def _until_told(config: ConvertConfig) -> int:
    """Convert; native code may report a signal as an error of its own: turn that back into a KeyboardInterrupt."""
    try:
        return _convert(config)
    except Exception:
        if _told:
            raise KeyboardInterrupt from None
        raise


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _told.append(_signal)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
