"""Every option of a training run, and the recipes: which options each architecture starts from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edge.command_line import CommandParser
from edge.errors import ConfigError
from edge.options import add_options, check, option
from train.architectures import NETWORKS, SIZE_FREE, TRANSFER, network_name
from train.augment import Augmentation
from train.bundled import BUNDLED
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
        "FER-2013 as folder, zip or csv, or a folder with a sub-folder of images for each class; several are "
        "trained on together (else the variable FER2013, else data/)",
        several=True,
    )
    crop: bool = option(False, "images larger than 64 pixels are whole photographs: find and crop the largest face")
    ferplus: str | None = option(None, "csv with FER+ votes (else ferplus.csv beside the data, if it is there)")
    out: str = option("runs/compact", "folder for everything that the run writes")
    resume: bool = option(False, "go on from the last finished epoch of an interrupted run in --out")
    log: str = option("none", "what other tools read: log.csv, or a folder for TensorBoard, in --out", LOGS)
    seed: int = option(0, "seed of weights, order and augmentation", low=0, high=2**32 - 1)
    limit: int = option(0, "use only so many images, each class keeping its share (0: all)", low=0)

    epochs: int = option(80, "most passes over the training data", low=1)
    batch_size: int = option(128, "images a step", low=1)
    small_size: int = option(32, "side of the images in the first part of the run (48: as the rest)", low=12, high=48)
    small_share: float = option(0.5, "share of the epochs on small images, which cost less than half", low=0, high=1)
    optimizer: str = option("sgd", "optimizer", ("sgd", "adam", "adamw"))
    learning_rate: float = option(0.1, "(highest) learning rate", low=1e-9, high=1e15)
    schedule: str = option("cosine", "learning rate over time", ("cosine", "plateau"))
    warmup: float = option(0.06, "share of the steps in which the cosine schedule's rate rises from 0", low=0, high=1)
    weight_decay: float = option(5e-4, "weight decay of kernels (not of biases and BatchNorms)", low=0, high=10)
    ema: float = option(0.998, "momentum of the averaged weights, which are kept (0: none)", low=0, high=0.99999)
    plateau_patience: int = option(7, "epochs without a better val_accuracy before the plateau schedule's cut", low=1)
    plateau_factor: float = option(0.2, "the plateau schedule's cut", low=1e-6, high=0.999)
    min_learning_rate: float = option(1e-5, "the plateau schedule's lowest rate", low=0, high=1e6)
    patience: int = option(0, "epochs without a better val_accuracy before the run ends (0: never early)", low=0)

    heads: str = option(
        "auto", "what to learn (auto: people and label if there are FER+ votes, else label)", ("auto", "both", "label")
    )
    label_weight: float = option(1.0, "weight of the label head's loss beside the people head's", low=0, high=1e6)
    blend: float = option(0.25, "label head: share of what FER-2013 calls images that were voted alike", low=0, high=1)
    label_smoothing: float = option(0.05, "label head: share of the uniform distribution in a target", low=0, high=1)
    class_balance: float = option(
        0.2, "label head: weight of a class is its frequency to minus this power (0: none, 1: equal)", low=0, high=2
    )
    mixup: float = option(0.0, "alpha of mixup on every second batch (0: none)", low=0, high=100)
    init: str | None = option(
        None, f"a .keras file of the same --arch to start from, or {BUNDLED}: the network that edge/ carries"
    )
    average_init: bool = option(False, "average the best epoch's weights with those of --init, if that is better")
    distill: str | Sequence[str] | None = option(
        None,
        "a .keras file to learn from too, by its answer to each augmented image (of several: the mean)",
        several=True,
    )
    distill_share: float = option(0.5, "share of --distill's answers in the targets", low=0, high=1)
    select_on: str = option(
        "auto",
        "what picks the best epoch (auto: PublicTest if it is there, else split)",
        ("auto", "PublicTest", "split"),
    )
    select_share: float = option(0.1, "share of Training held out by --select-on split", low=0.001, high=0.999)

    precision: str = option("float32", "arithmetic of the layers", ("float32", "bfloat16", "float16"))
    weights: str | None = option(
        None, "file without a head: " + "; ".join(f"{arch}: {file}" for arch, file in TRANSFER.items())
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
        """Where the images are; none where nobody said."""
        return _as_tuple(self.data)

    @property
    def teachers(self) -> tuple[str, ...]:
        """The files whose answers are learned too."""
        return _as_tuple(self.distill)

    @property
    def validation_split(self) -> str:
        """What the report calls the images that pick the epoch."""
        return SPLITS[1] if self.select_on == "PublicTest" else f"{self.select_share:.0%} of Training"

    def size_of(self, epoch: int) -> int:
        """The side of the training images in an epoch (counted from 0)."""
        return self.small_size if epoch < round(self.small_share * self.epochs) else 48

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report."""
        return asdict(self)

    def recipe(self) -> dict[str, Any]:
        """What must be the same when a run is resumed: all that is not where things are, or how they are logged."""
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


def parse(arguments: list[str] | None = None) -> TrainConfig:
    """The configuration of a command line: the recipe of its --arch, then its options."""
    first = CommandParser("python -m train", add_help=False)
    first.add_argument("--arch", default=NETWORKS[0], type=network_name)
    recipe = RECIPES.get(first.parse_known_args(arguments)[0].arch, _DEFAULT)
    parser = CommandParser(
        "python -m train",
        description=f"Train an emotion network on FER-2013. Defaults shown are those of --arch {recipe.arch}.",
    )
    add_options(parser, TrainConfig, vars(recipe))
    add_options(parser, Augmentation, vars(recipe.augmentation))
    given = vars(parser.parse_args(arguments))
    changes = {one.name: given.pop(one.name) for one in fields(Augmentation)}
    return parser.checked(lambda: TrainConfig(**given, augmentation=Augmentation(**changes)))
