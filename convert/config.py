"""What one conversion is asked to do; argparse's defaults are read from here."""

from dataclasses import dataclass
from pathlib import Path

from convert.foreign import PIXELS, Declared, declare
from edge.errors import ConfigError
from edge.options import check, option

VARIANTS = ("float32", "float16", "dynamic", "int8", "int16x8")
CALIBRATED = ("int8", "int16x8")
"""The variants whose activations are integers, whose ranges are measured on calibration images."""
OUTPUT_TYPES = ("float32", "uint8")
FOREIGN = "a network of another project, whose file has no contract"
GATE = "gate: no file is kept if one fails"


@dataclass(frozen=True)
class ConvertConfig:
    """Options of a conversion.

    Usage:
        ConvertConfig(Path("runs/compact/model.keras"), variants=("int8",), data=Path("fer2013.zip"))
    """

    model: Path
    variants: tuple[str, ...] = VARIANTS
    out: Path | None = option(None, "folder of the files; the Keras file's own if not given", kind=Path)
    name: str | None = option(None, "files are NAME_VARIANT.tflite; the Keras file's stem if not given")
    report: Path | None = option(
        None, "folder of the report (JSON, Markdown, image); that of the files if not given", kind=Path
    )
    labels: str = option("", "its classes in order, angry,happy,..., or a .txt that lists them", group=FOREIGN)
    input: str = option("", "what it sees: gray48, rgb96, or gray64x48 (width x height)", group=FOREIGN)
    pixels: str = option("bytes", "0 to 255 (bytes), 0 to 1 (unit) or -1 to 1 (signed)", tuple(PIXELS), group=FOREIGN)
    data: Path | None = option(
        None, "FER-2013: folder, zip or csv; else the variable FER2013, else data/", kind=Path, group="images"
    )
    samples_from: Path | None = option(
        None, "a folder of face images that calibrate in place of FER-2013's", kind=Path, group="images"
    )
    crop: bool = option(
        False,
        "images of --samples-from that are larger than 64 pixels are whole photographs: crop them",
        group="images",
    )
    samples: int = option(500, "calibration images", low=1, group="images")
    seed: int = option(0, "draws the calibration images", low=0, group="images")
    int8_output: str = option("float32", "type of int8's output", OUTPUT_TYPES, group="how")
    fold: bool = option(True, "fold BatchNorms away, and do not leave them to TensorFlow's converter", group="how")
    sparsity: float = option(0.0, "share of weights to prune", low=0, high=0.99, group="how")
    max_drop: float = option(0.5, "accuracy that may be lost, in percentage points", low=0, high=100, group=GATE)
    min_agreement: float = option(0.97, "least share of images with Keras' label", low=0, high=1, group=GATE)

    def __post_init__(self) -> None:
        check(self)
        if not self.variants or set(self.variants) - set(VARIANTS):
            raise ConfigError(f"Expected variants of {VARIANTS}. Received: {self.variants}")
        if bool(self.labels) != bool(self.input):
            raise ConfigError(
                "Expected --labels and --input together, for a network without a contract. "
                f"Received: --labels {self.labels!r} --input {self.input!r}"
            )
        if self.labels:
            self.declared()
        elif self.pixels != "bytes":
            raise ConfigError(f"Expected --pixels with --labels and --input. Received: {self.pixels!r} without them")

    def declared(self) -> Declared | None:
        """What the options say of a network without a contract; None if they say nothing."""
        return declare(self.labels, self.input, self.pixels) if self.labels else None

    @property
    def stem(self) -> str:
        """What the names of all files begin with."""
        return self.name or self.model.stem

    def path(self, variant: str) -> Path:
        """Where a variant goes, such as `runs/compact/model_int8.tflite`."""
        return (self.out or self.model.parent) / f"{self.stem}_{variant}.tflite"

    def report_path(self, suffix: str) -> Path:
        """Where a part of the report goes, such as `runs/compact/model_conversion.md`."""
        return (self.report or self.out or self.model.parent) / f"{self.stem}_conversion{suffix}"
