"""`python -m convert.bundle [OUT] [MODEL]`: pack all that a Raspberry Pi needs to run a network as a service.

emotion-edge-0.2.0/
    install.sh              checks the sums, makes the environment and the service
    emotion_edge_runtime-0.2.0-py3-none-any.whl     only the edge folder
    emotion.tflite          the chosen network, with its contract
    emotion-edge.toml, emotion-edge.service
    wheels/                 with --wheels: the packages, so that the device needs no package index
    LICENSE, NOTICE, SHA256SUMS
"""

import configparser
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import edge
from convert.wheels import MACHINES, PYTHONS, Target, download_wheels
from convert.write import write_all
from edge.command_line import CommandParser, quiet_native_code, run_command
from edge.config import EdgeConfig
from edge.errors import ConfigError
from edge.interpreter import EmotionClassifier

ROOT = Path(__file__).parent.parent
EDITABLE = "emotion-edge.toml"
DEPLOYED = ("install.sh", EDITABLE, "emotion-edge.service")
LEGAL = ("LICENSE", "NOTICE")
RUNTIME_EXTRAS = ("litert", "metrics", "mqtt", "toml")
ENDINGS = (".tar.gz", ".tgz")
EPOCH_S = 315_532_800
"""The date of every file, 1980-01-01, the first one possible in a zip: the same input gives the same bytes."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the bundle that the command line asks for; return the exit code."""
    parser = CommandParser("python -m convert.bundle", description="Pack a network and the edge runtime for a device.")
    parser.add_argument(
        "out", nargs="?", type=Path, default=Path("emotion-edge.tar.gz"), help="archive to write (.tar.gz)"
    )
    parser.add_argument(
        "model", nargs="?", type=Path, default=EdgeConfig(model="int8").model_path, help="a .tflite file"
    )
    parser.add_argument(
        "--wheels", choices=MACHINES, help="pack the packages for this processor, so that the device needs no index"
    )
    parser.add_argument(
        "--python",
        action="append",
        help=f"the devices' Python, with --wheels (default: {' and '.join(PYTHONS)})",
    )
    arguments = parser.parse_args(argv)
    parser.checked(lambda: check_out(arguments.out, arguments.model))
    target = Target(arguments.wheels, tuple(arguments.python or PYTHONS)) if arguments.wheels else None
    return run_command(lambda: _main(arguments.out, arguments.model, target))


def _main(out: Path, model: Path, target: Target | None) -> int:
    with quiet_native_code():
        write_bundle(out, model, target)
    sys.stdout.write(f"{model} and the edge runtime -> {out}, {out.stat().st_size / 1e6:.1f} MB\n")
    return 0


def check_out(out: Path, model: Path) -> None:
    """Raise a ConfigError if `out` is no name of an archive, or is one of the files that go into it."""
    packed = {model, *(ROOT / "deploy" / name for name in DEPLOYED), *(ROOT / name for name in LEGAL)}
    if not out.name.lower().endswith(ENDINGS) or os.path.realpath(out) in map(os.path.realpath, packed):
        expected = f"Expected OUT, the first name, to end in {' or '.join(ENDINGS)} and to be no file that goes in"
        raise ConfigError(f"{expected}. Received: {out}")


def write_bundle(out: Path, model: Path, target: Target | None = None) -> None:
    """Write the archive `out` (.tar.gz) with the network of the `.tflite` file `model`, whole or not at all.

    Raises:
        ConfigError: the package does not run from a checkout, so there is no deploy/ folder.
        ModelError: `model` is not one that the edge runtime accepts, or `out` can't be written.
    """
    EmotionClassifier(model)
    if not (ROOT / "deploy" / DEPLOYED[0]).is_file():
        raise ConfigError(f"Expected a checkout of the project with deploy/. Received: {ROOT}")
    files = {name: (ROOT / "deploy" / name).read_bytes() for name in DEPLOYED}
    files |= {name: (ROOT / name).read_bytes() for name in LEGAL}
    files["emotion.tflite"] = model.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_edge_wheel(Path(folder))
        files[wheel.name] = wheel.read_bytes()
        if target:
            options = _edge_metadata()["options"]["install_requires"], *_extras()
            files |= download_wheels(target, "\n".join(options).splitlines(), Path(folder) / "wheels")
    files["SHA256SUMS"] = _sums(files)
    write_all({out: _archive(files, f"emotion-edge-{edge.__version__}")})


def build_edge_wheel(folder: Path) -> Path:
    """Build a wheel of only the edge folder in `folder`; it requires OpenCV without windows, enough for a service."""
    source = folder / "source"
    shutil.copytree(ROOT / "edge", source / "edge", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*LEGAL, "README.md"):
        shutil.copy(ROOT / name, source)
    with (source / "setup.cfg").open("w") as file:
        _edge_metadata().write(file)
    (source / "setup.py").write_text("import setuptools\n\nsetuptools.setup()\n")
    build = [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str(folder)]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True, env=_build_environment())
    if done.returncode:
        raise ConfigError(f"Expected setuptools to build the wheel. Received: {done.stderr.splitlines()[-1:]}")
    return next(folder.glob("*.whl"))


def _build_environment() -> dict[str, str]:
    return {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH_S)}


def _edge_metadata() -> configparser.ConfigParser:
    """setup.cfg, reduced to the edge folder."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    for section in settings.sections():
        if not section.startswith(("metadata", "options")):
            settings.remove_section(section)
    settings["metadata"]["name"] += "-runtime"
    settings["options"]["packages"] = "edge"
    requires = settings["options"]["install_requires"]
    settings["options"]["install_requires"] = requires.replace("opencv-python", "opencv-python-headless")
    for extra in set(settings["options.extras_require"]) - set(RUNTIME_EXTRAS):
        settings.remove_option("options.extras_require", extra)
    settings["options.entry_points"] = {"console_scripts": "\nemotion-edge = edge.__main__:main"}
    return settings


def _extras() -> list[str]:
    """The packages that the installer needs beyond the edge requirements; the second runtime is not one of them."""
    extras = _edge_metadata()["options.extras_require"]
    return [extras[name] for name in RUNTIME_EXTRAS if name != "litert"]


def _sums(files: dict[str, bytes]) -> bytes:
    """The checksums of all files except the options, which the owner may edit before the installation."""
    checked = sorted((name, content) for name, content in files.items() if name != EDITABLE)
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in checked)
    return "".join(lines).encode()


def _archive(files: dict[str, bytes], folder: str) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=EPOCH_S) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime = len(content), EPOCH_S
            member.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main())
