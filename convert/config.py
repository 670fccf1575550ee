"""The options of a conversion; the command line takes its defaults from here."""

from dataclasses import dataclass
from pathlib import Path

from convert.foreign import PIXELS, Declared, declare
from edge.errors import ConfigError, SinkError
from edge.options import check, option
from edge.sinks import checked_folder

VARIANTS = ("float32", "float16", "dynamic", "int8", "int16x8")
CALIBRATED = ("int8", "int16x8")
"""The variants with integer activations; their ranges are measured on calibration images."""
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
    out: Path | None = option(None, "folder to write to (default: that of the Keras file)", kind=Path)
    name: str | None = option(None, "write NAME_VARIANT.tflite (default: the Keras file's name without .keras)")
    report: Path | None = option(
        None, "folder for the report (JSON, Markdown, image; default: that of the files)", kind=Path
    )
    labels: str = option("", "its classes in order, angry,happy,..., or a .txt file with them", group=FOREIGN)
    input: str = option("", "its input: gray48, rgb96, or gray64x48 (width x height)", group=FOREIGN)
    pixels: str = option("bytes", "0 to 255 (bytes), 0 to 1 (unit) or -1 to 1 (signed)", tuple(PIXELS), group=FOREIGN)
    data: Path | None = option(
        None, "FER-2013: folder, zip or csv (default: the variable FER2013, else data/)", kind=Path, group="images"
    )
    samples_from: Path | None = option(
        None, "calibrate on this folder of face images instead of FER-2013", kind=Path, group="images"
    )
    crop: bool = option(
        False,
        "images of --samples-from larger than 64 pixels are whole photographs: crop the faces",
        group="images",
    )
    samples: int = option(500, "how many images to calibrate on", low=1, group="images")
    seed: int = option(0, "seed for drawing the calibration images", low=0, group="images")
    int8_output: str = option("float32", "output type of the int8 file", OUTPUT_TYPES, group="how")
    fold: bool = option(True, "fold BatchNorms exactly, instead of leaving them to TensorFlow", group="how")
    sparsity: float = option(0.0, "share of weights to prune", low=0, high=0.99, group="how")
    max_drop: float = option(0.5, "largest loss of accuracy, in percentage points", low=0, high=100, group=GATE)
    min_agreement: float = option(0.97, "least share of images with the same label as Keras", low=0, high=1, group=GATE)

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
        self._check_folders()

    def declared(self) -> Declared | None:
        """The options about a network without a contract; None if they are not given."""
        return declare(self.labels, self.input, self.pixels) if self.labels else None

    def _check_folders(self) -> None:
        """Refuse a folder that can't be written to now, not when the work is done."""
        try:
            for folder in filter(None, (self.out, self.report)):
                checked_folder(folder)
        except SinkError as error:
            raise ConfigError(str(error)) from error

    @property
    def stem(self) -> str:
        """The beginning of all file names."""
        return self.name or self.model.stem

    def path(self, variant: str) -> Path:
        """The path of a variant, such as `runs/compact/model_int8.tflite`."""
        return (self.out or self.model.parent) / f"{self.stem}_{variant}.tflite"

    def report_path(self, suffix: str) -> Path:
        """The path of a part of the report, such as `runs/compact/model_conversion.md`."""
        return (self.report or self.out or self.model.parent) / f"{self.stem}_conversion{suffix}"
