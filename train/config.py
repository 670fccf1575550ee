"""Every option of a training run, and the recipes: the default options of each architecture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edge.command_line import CommandParser
from edge.errors import ConfigError
from edge.options import add_options, check, option
from train.architectures import NETWORKS, SIZE_FREE, TRANSFER, network_name
from train.augment import Augmentation
from train.bundled import BUNDLED, arch_of
from train.data import SPLITS

LOGS = ("none", "csv", "tensorboard")


@dataclass(frozen=True)
class TrainConfig:
    """The options of `python -m train`; the defaults are the recipe of `--arch compact`.

    Usage:
        TrainConfig()
        replace(RECIPES["original"], epochs=1, limit=2000)
    """

    arch: str = option(NETWORKS[0], "network to train", NETWORKS, kind=network_name)
    data: str | Sequence[str] | None = option(
        None,
        "FER-2013 as folder, zip or csv, or a folder with a sub-folder of images for each class; repeat the option "
        "to train on several (default: the variable FER2013, else data/)",
        several=True,
    )
    crop: bool = option(False, "images larger than 64 pixels are whole photographs: find and crop the largest face")
    ferplus: str | None = option(None, "csv with FER+ votes (default: ferplus.csv beside the data, if it exists)")
    out: str = option("runs/compact", "folder for everything that the run writes")
    resume: bool = option(False, "continue an interrupted run in --out after its last finished epoch")
    log: str = option("none", "also log the figures in --out, as log.csv or for TensorBoard", LOGS)
    seed: int = option(0, "seed of weights, order and augmentation", low=0, high=2**32 - 1)
    limit: int = option(0, "use only so many images, with the same share of each class (0: all)", low=0)

    epochs: int = option(80, "most passes over the training data", low=1)
    batch_size: int = option(128, "images per step", low=1)
    small_size: int = option(32, "image size in the first part of the run, to save time (48: full)", low=12, high=48)
    small_share: float = option(0.5, "share of the epochs that train on images of --small-size", low=0, high=1)
    optimizer: str = option("sgd", "optimizer", ("sgd", "adam", "adamw"))
    learning_rate: float = option(0.1, "highest learning rate of the schedule", low=1e-9, high=1e15)
    schedule: str = option("cosine", "how the learning rate falls over time", ("cosine", "plateau"))
    warmup: float = option(0.06, "share of the steps in which the cosine schedule's rate rises from 0", low=0, high=1)
    weight_decay: float = option(5e-4, "weight decay of kernels (not of biases and BatchNorms)", low=0, high=10)
    ema: float = option(0.998, "keep a moving average of the weights, with this momentum (0: off)", low=0, high=0.99999)
    plateau_patience: int = option(7, "cut the rate after so many epochs without a better val_accuracy", low=1)
    plateau_factor: float = option(0.2, "the plateau schedule multiplies the rate by this", low=1e-6, high=0.999)
    min_learning_rate: float = option(1e-5, "the plateau schedule's lowest rate", low=0, high=1e6)
    patience: int = option(0, "end the run after so many epochs without a better val_accuracy (0: never)", low=0)

    heads: str = option(
        "auto", "heads to train (auto: people and label if there are FER+ votes, else label)", ("auto", "both", "label")
    )
    label_weight: float = option(1.0, "weight of the label head's loss; that of the people head is 1", low=0, high=1e6)
    blend: float = option(0.25, "label head: share of FER-2013's usual labels for such votes", low=0, high=1)
    label_smoothing: float = option(0.05, "label head: share of the uniform distribution in targets", low=0, high=1)
    class_balance: float = option(
        0.2, "label head: weigh a class by its frequency to the power of minus this (0: off, 1: equal)", low=0, high=2
    )
    mixup: float = option(0.0, "alpha of mixup on every second batch (0: none)", low=0, high=100)
    init: str | None = option(
        None, f"start from this .keras file of the same --arch, or {BUNDLED}: the network in edge/, with its --arch"
    )
    average_init: bool = option(False, "average the best epoch's weights with those of --init if that is better")
    distill: str | Sequence[str] | None = option(
        None,
        "also learn the answers of this .keras file to each augmented image; of several files, their mean",
        several=True,
    )
    distill_share: float = option(0.5, "share of the answers of --distill in the targets", low=0, high=1)
    select_on: str = option(
        "auto",
        "images that choose the best epoch (auto: PublicTest if available, else split: a part of Training)",
        ("auto", "PublicTest", "split"),
    )
    select_share: float = option(0.1, "share of Training held out by --select-on split", low=0.001, high=0.999)

    precision: str = option("float32", "number format of the layers' arithmetic", ("float32", "bfloat16", "float16"))
    weights: str | None = option(
        None, "pretrained weights without a head: " + "; ".join(f"{arch}: {file}" for arch, file in TRANSFER.items())
    )
    data_parallel: bool = option(False, "split batches over all devices (KERAS_BACKEND=jax)")
    augmentation: Augmentation = field(
        default=Augmentation(rotation=12, zoom=0.12, shear=5, brightness=0.08, contrast=0.2, erasing=0.25, camera=0.3)
    )

    def __post_init__(self) -> None:
        check(self)
        if self.weights:
            self._expect(self.arch in TRANSFER, "weights", f"only with --arch {' or '.join(TRANSFER)}")
            self._expect(Path(self.weights).is_file(), "weights", TRANSFER[self.arch])
        self._expect(self.init in (None, BUNDLED) or Path(str(self.init)).is_file(), "init", "a .keras file")
        self._expect(all(Path(file).is_file() for file in self.teachers), "distill", "a .keras file")
        self._expect(bool(self.init) or not self.average_init, "average_init", "with --init")
        if self.arch not in SIZE_FREE and self.size_of(0) != 48:
            raise ConfigError(f"Expected --small-size 48 for --arch {self.arch}. Received: {self.small_size}")

    @property
    def places(self) -> tuple[str, ...]:
        """Where the images are; empty if not given."""
        return _as_tuple(self.data)

    @property
    def teachers(self) -> tuple[str, ...]:
        """The teacher files of --distill."""
        return _as_tuple(self.distill)

    @property
    def validation_split(self) -> str:
        """The report's name for the images that choose the best epoch."""
        return SPLITS[1] if self.select_on == "PublicTest" else f"{self.select_share:.0%} of Training"

    def size_of(self, epoch: int) -> int:
        """The side of the training images in an epoch (counted from 0)."""
        return self.small_size if epoch < round(self.small_share * self.epochs) else 48

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report."""
        return asdict(self)

    def recipe(self) -> dict[str, Any]:
        """The options that must not change when a run is resumed: all but paths and logging.

        A run may be moved, so `train.checkpoint.terms` compares what its paths lead to.
        """
        plain = {**self.as_dict(), **asdict(self.augmentation)}
        elsewhere = (
            "augmentation",
            "data",
            "ferplus",
            "out",
            "resume",
            "log",
            "data_parallel",
            "init",
            "distill",
            "weights",
        )
        return {name: value for name, value in plain.items() if name not in elsewhere}

    def _expect(self, holds: bool, name: str, what: str) -> None:
        if not holds:
            raise ConfigError(f"Expected --{name.replace('_', '-')} {what}. Received: {getattr(self, name)}")


def _as_tuple(values: str | Sequence[str] | None) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values or ())


_DEFAULT = TrainConfig()
_ORIGINAL = TrainConfig(
    arch="original",
    out="runs/original",
    epochs=50,
    batch_size=64,
    small_share=0.0,
    optimizer="adam",
    learning_rate=0.001,
    schedule="plateau",
    weight_decay=0.0,
    ema=0.0,
    patience=15,
    heads="label",
    blend=0.0,
    label_smoothing=0.0,
    class_balance=0.0,
    augmentation=Augmentation(),
)
RECIPES = {
    "compact": _DEFAULT,
    "original": _ORIGINAL,
    "resnet18": replace(_DEFAULT, arch="resnet18", out="runs/resnet18"),
    "teacher": replace(_DEFAULT, arch="teacher", out="runs/teacher", epochs=120, small_share=0.0, mixup=0.2),
    "mobilenetv3": replace(_DEFAULT, arch="mobilenetv3", out="runs/mobilenetv3", small_share=0.0, learning_rate=0.02),
    "efficientnet": replace(
        _DEFAULT, arch="efficientnet", out="runs/efficientnet", small_share=0.0, learning_rate=0.02
    ),
    "mobilenet": replace(
        _DEFAULT,
        arch="mobilenet",
        out="runs/mobilenet",
        epochs=40,
        small_share=0.0,
        optimizer="adamw",
        learning_rate=6e-4,
        weight_decay=0.05,
        mixup=0.2,
    ),
}
RECIPES["mobilenet_full"] = replace(RECIPES["mobilenet"], arch="mobilenet_full", out="runs/mobilenet_full")


def recipe(init: str, **options: Any) -> TrainConfig:
    """The recipe of the network in `init`, to go on from it: `bundled`, or a `.keras` file.

    Usage:
        train(recipe("bundled", data="my_faces", epochs=5, out="runs/mine"))

    Raises:
        ConfigError: `init` is no file, or an option is outside its range.
    """
    return replace(RECIPES[arch_of(init)], init=init, **options)


def parse(arguments: list[str] | None = None) -> TrainConfig:
    """The configuration of a command line: the recipe of its --arch, then its options."""
    first = CommandParser("python -m train", add_help=False)
    first.add_argument("--arch", type=network_name)
    first.add_argument("--init")
    known = first.parse_known_args(arguments)[0]
    defaults = RECIPES.get(known.arch or (arch_of(known.init) if known.init else ""), _DEFAULT)
    parser = CommandParser(
        "python -m train",
        description=f"Train an emotion network on FER-2013. Defaults shown are those of --arch {defaults.arch}.",
    )
    add_options(parser, TrainConfig, vars(defaults))
    add_options(parser, Augmentation, vars(defaults.augmentation))
    given = vars(parser.parse_args(arguments))
    changes = {one.name: given.pop(one.name) for one in fields(Augmentation)}
    return parser.checked(lambda: TrainConfig(**given, augmentation=Augmentation(**changes)))
