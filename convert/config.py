"""What one conversion is asked to do; argparse's defaults are read from here."""

from dataclasses import dataclass
from pathlib import Path

from edge.errors import ConfigError

VARIANTS = ("float32", "float16", "dynamic", "int8", "int16x8")
CALIBRATED = ("int8", "int16x8")
"""The variants whose activations are integers, whose ranges are measured on calibration images."""
OUTPUT_TYPES = ("float32", "uint8")


@dataclass(frozen=True)
class ConvertConfig:
    """Options of a conversion.

    Usage:
        ConvertConfig(Path("runs/edge/model.keras"), variants=("int8",), data=Path("fer2013.zip"))
    """

    model: Path
    variants: tuple[str, ...] = VARIANTS
    out: Path | None = None
    """The folder of the files; None is the Keras file's own."""
    name: str | None = None
    """The files are NAME_VARIANT.tflite; None is the Keras file's stem."""
    report: Path | None = None
    """The folder of the report; None is that of the files."""
    data: Path | None = None
    """FER-2013; None looks in the variable FER2013 and in data/."""
    samples_from: Path | None = None
    """A folder of face images that calibrate in place of FER-2013's."""
    samples: int = 500
    seed: int = 0
    int8_output: str = "float32"
    fold: bool = True
    sparsity: float = 0.0
    max_drop: float = 0.5
    """The greatest loss of accuracy that a file may have, in percentage points."""
    min_agreement: float = 0.97
    """The least share of images on which a file must choose Keras' label."""

    def __post_init__(self) -> None:
        if unknown := set(self.variants) - set(VARIANTS):
            raise ConfigError(f"Expected variants of {VARIANTS}. Received: {sorted(unknown)}")
        if not self.variants:
            raise ConfigError(f"Expected at least one variant of {VARIANTS}. Received: none")
        if self.int8_output not in OUTPUT_TYPES:
            raise ConfigError(f"Expected int8_output of {OUTPUT_TYPES}. Received: {self.int8_output!r}")
        if self.samples < 1:
            raise ConfigError(f"Expected at least 1 calibration sample. Received: {self.samples}")
        if not 0 <= self.sparsity < 1:
            raise ConfigError(f"Expected a sparsity in [0, 1). Received: {self.sparsity}")
        if not 0 <= self.max_drop <= 100:
            raise ConfigError(f"Expected a max_drop in percentage points, 0 to 100. Received: {self.max_drop}")
        if not 0 <= self.min_agreement <= 1:
            raise ConfigError(f"Expected a min_agreement in [0, 1]. Received: {self.min_agreement}")

    @property
    def stem(self) -> str:
        """What the names of all files begin with."""
        return self.name or self.model.stem

    def path(self, variant: str) -> Path:
        """Where a variant goes, such as `runs/edge/model_int8.tflite`."""
        return (self.out or self.model.parent) / f"{self.stem}_{variant}.tflite"

    def report_path(self, suffix: str) -> Path:
        """Where a part of the report goes, such as `runs/edge/model_conversion.md`."""
        return (self.report or self.out or self.model.parent) / f"{self.stem}_conversion{suffix}"
