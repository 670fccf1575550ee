"""The configuration of the runtime: filled by the command line or the app, checked at once, read by every module."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edge.address import redact
from edge.errors import ConfigError
from edge.model_info import LABEL, PEOPLE
from edge.names import camera_name, check_names, own_device
from edge.options import add_options, check, option
from edge.runtimes import RUNTIMES, best_variant

VARIANTS = ("int8", "float16", "float32")
DETECTORS = ("auto", "blazeface", "blazeface-short-range", "haar", "yunet")
SCORES = (PEOPLE, LABEL)
PLAYBACKS = ("real", "fast")
DEVICE_FILE_VARIABLE = "EMOTION_EDGE_DEVICE"
SOURCE_VARIABLE = "EMOTION_EDGE_SOURCE"
"""Variable with the sources, separated by spaces, if there is no `--source`: a list of processes shows no passwords."""
CAMERA_OPTIONS = ("width", "height", "playback", "open_timeout_s", "read_timeout_s", "reconnect_s", "rotate", "mirror")
"""Options that matter when a camera is opened."""
PER_CAMERA = (
    *(*CAMERA_OPTIONS, "fps", "max_faces", "upright_from"),
    *("smoothing_s", "hysteresis", "threshold", "min_quality"),
)
"""Options that may differ from camera to camera; networks, budget and intervals are shared."""


@dataclass(frozen=True)
class EdgeConfig:
    """Every option of the runtime; paths, and the indices of cameras, become texts.

    Usage:
        EdgeConfig(source="demo")
        EdgeConfig(source=("0", "rtsp://host/stream"), detector="haar", detect_every=5, fps=10)

    Raises:
        ConfigError: an option is outside its range.
    """

    source: str | int | os.PathLike[str] | Sequence[str | int | os.PathLike[str]] = option(
        "0",
        "camera index, /dev/*, video file, image, folder of images, rtsp:// or http:// address, picamera2 or demo; "
        f"NAME=SOURCE names the camera; repeat the option for several cameras (default: ${SOURCE_VARIABLE}, or 0)",
        several=True,
    )
    device_name: str = option("", "this device's name in all results (default: its host name and a unique id)")
    model: str = option(
        "auto",
        f"a .tflite file of python -m convert, or a bundled one: {', '.join(VARIANTS)}; "
        "auto takes the faster one, float16 for tflite-runtime on a PC, else int8",
    )
    scores: str = option(
        "people",
        "what a score means: how many of ten people would say so (people), or how likely FER-2013's label is (label)",
        choices=SCORES,
    )
    runtime: str = option(
        "auto", "TFLite runtime; auto takes the fastest that is installed", choices=("auto", *RUNTIMES)
    )
    threads: int = option(1, "TFLite threads; more threads than free cores are slower", low=1, high=64)
    delegate: str = option(
        "", "an accelerator's TFLite delegate for the networks, FILE,key=value,…; if it fails, the processor is used"
    )
    detector: str = option("auto", "face detector; auto takes the one that sees best", choices=DETECTORS)
    detector_model: str = option("", "model file of the detector: needed for yunet, optional for blazeface")
    min_face: int = option(
        40, "find faces from this height in pixels on; half the height means four times the work", low=16, high=4096
    )
    detect_every: int = option(3, "detect on every Nth processed frame; between, faces are followed", low=1, high=1000)
    classify_every: int = option(3, "classify each face on every Nth processed frame", low=1, high=1000)
    max_faces: int = option(100, "follow at most so many faces, the largest ones", low=1, high=1000)
    fps: float = option(15.0, "process at most so many frames per second of a live source; 0: all", low=0, high=1000)
    upright_from: float = option(
        15.0, "turn a face upright if its eyes are tilted by more than so many degrees; 0: never", low=0, high=90
    )
    cpu_budget: float = option(
        0.0, "adaptive mode: use this share of one core on live sources (2: two cores); 0: off", low=0, high=64
    )
    max_age_ms: float = option(150.0, "adaptive mode: keep the age of results below this", low=1, high=60_000)
    smoothing_s: float = option(0.3, "time constant of the smoothed scores in seconds; 0: off", low=0, high=60)
    hysteresis: float = option(0.1, "by how much a new label's score must exceed the shown one's", low=0, high=1)
    threshold: float = option(
        0.5, "show `uncertain` if the best score is below this; 0.5: half of the people would say so", low=0, high=1
    )
    min_quality: float = option(
        0.5, "show `uncertain` for a face of lower quality (small, blurred, cut or turned away)", low=0, high=1
    )
    playback: str = option(
        "real", "play a file in real time, or as fast as possible", choices=PLAYBACKS, older=("--pace",)
    )
    width: int = option(640, "width in pixels to ask of a camera, before --rotate", low=16, high=16_384)
    height: int = option(480, "height in pixels to ask of a camera, before --rotate", low=16, high=16_384)
    rotate: int = option(
        0,
        "rotate the images clockwise by so many degrees, for a camera mounted sideways or upside down",
        choices=(0, 90, 180, 270),
    )
    mirror: bool = option(False, "mirror the images (swap left and right), after --rotate")
    open_timeout_s: float = option(3.0, "longest wait for a source to open", low=0.1, high=600)
    read_timeout_s: float = option(2.0, "longest wait for a frame before the source is `stalled`", low=0.1, high=600)
    reconnect_s: float = option(1.0, "longest pause between attempts to reopen a source", low=0.05, high=600)

    camera_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For a camera's name, those options of `PER_CAMERA` that it sets for itself."""

    def __post_init__(self) -> None:
        for name, value in vars(self).copy().items():
            object.__setattr__(self, name, _plain(value, is_source=name == "source"))
        check(self)
        if not isinstance(self.source, str | tuple) or not all(isinstance(one, str) for one in self.sources):
            shown = redact(repr(self.source))
            raise ConfigError(f"Expected source to be a text, a path or an index, or several. Received: {shown}")
        if not self.sources or not all(self.sources):
            raise ConfigError("Expected source to name one or more sources. Received: an empty name")
        check_names(self.cameras, self.device_name)
        delegate_parts(self.delegate)
        if self.detector == "yunet" and not self.detector_model:
            raise ConfigError("Expected detector_model, the .onnx file of YuNet, with detector yunet. Received: none")
        own = self.camera_options
        if not isinstance(own, Mapping) or not all(isinstance(options, Mapping) for options in own.values()):
            raise ConfigError(f"Expected camera_options to give each camera's name its options. Received: {own!r}")
        for name, options in own.items():
            if wrong := set(map(str, options)) - set(PER_CAMERA):
                raise ConfigError(f"Expected options of one camera: {', '.join(PER_CAMERA)}. Received: {min(wrong)}")
            self.of(name)

    def of(self, camera: str) -> "EdgeConfig":
        """The options of the camera of this name."""
        return replace(self, camera_options={}, **self.camera_options.get(camera, {}))

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all sources, as a tuple even if there is only one."""
        return (self.source,) if isinstance(self.source, str) else self.source  # type: ignore[return-value]

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras' names: as given, else the source without its password."""
        return tuple(map(camera_name, self.sources))

    @property
    def device(self) -> str:
        """The name of this device."""
        return self.device_name or own_device()

    @property
    def model_path(self) -> Path:
        """Where the emotion model lies."""
        model = best_variant(self.runtime) if self.model == "auto" else self.model
        return Path(__file__).parent / "models" / f"emotion_{model}.tflite" if model in VARIANTS else Path(model)


def _plain(value: Any, is_source: bool) -> Any:
    """An option's value, with texts for paths; a source may also be a camera's index, or a list of sources."""
    if is_source and isinstance(value, list | tuple):
        return tuple(_plain(one, is_source) for one in value)
    if is_source and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def delegate_parts(delegate: str) -> tuple[str, dict[str, str]]:
    """Split `FILE,key=value,…` into the library's file and its options.

    Raises:
        ConfigError: an option is not of the form key=value.
    """
    library, *pairs = delegate.split(",")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    if delegate and (not library or not all("=" in pair and not pair.startswith("=") for pair in pairs)):
        raise ConfigError(f"Expected delegate to be FILE,key=value,… Received: {delegate}")
    return library, options


def device_file() -> Path | None:
    """Where `python -m edge.tune` keeps the best options for this device; None for a user without a home folder."""
    if named := os.environ.get(DEVICE_FILE_VARIABLE):
        return Path(named)  # a service's user may have no home
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):  # the standard of this variable says that others do not count
        folder = os.path.expanduser("~/.config")
    return Path(folder) / "emotion-edge" / "device.json" if os.path.isabs(folder) else None


def device_defaults() -> dict[str, Any]:
    """The options that `edge.tune` chose for this device; none if it has not run.

    Raises:
        ConfigError: the file is damaged, or it was named and can't be read. A file in a home folder that this user
            may not read is ignored.
    """
    path = device_file()
    try:
        text = path.read_text() if path and path.is_file() else None
    except OSError as error:
        if DEVICE_FILE_VARIABLE in os.environ:
            raise ConfigError(f"Expected to read ${DEVICE_FILE_VARIABLE}, {path}. Received: {error}") from error
        return {}
    except ValueError as error:
        text = str(error)  # no text, so no options
    return {} if text is None else _options_in(text, path)


def _options_in(text: str, path: Path | None) -> dict[str, Any]:
    try:
        options = dict(json.loads(text)["options"])
        EdgeConfig(**options)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(
            f"Expected the options that python -m edge.tune writes in {path}: run it again, or remove the file. "
            f"Received: {error}"
        ) from error
    return options


def add_arguments(parser: argparse.ArgumentParser, names: Sequence[str] = ()) -> None:
    """Add an option for each field of `EdgeConfig` (or of `names`); its default is the device's, else the field's."""
    add_options(parser, EdgeConfig, device_defaults(), names)


def config_from(arguments: argparse.Namespace) -> EdgeConfig:
    """The configuration that `add_arguments`' options describe."""
    known = {field.name for field in fields(EdgeConfig)}
    given = {name: value for name, value in vars(arguments).items() if name in known and value is not None}
    if sources := given.pop("source", None) or os.environ.get(SOURCE_VARIABLE, "").split():
        given["source"] = sources[0] if len(sources) == 1 else tuple(sources)
    return EdgeConfig(**given)
