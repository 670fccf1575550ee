"""Generated inputs for the commands: images, videos, addresses, names, options, surroundings, signals at any moment.

python -m tests.rigs.fuzz --count 200 --seed 1   # each input that ends in a way that it must not, with its command
"""

import argparse
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from edge.run import build_parser
from edge.sources import DemoSource
from tests.processes import ROOT
from tests.rigs.odd_server import PATHS, OddServer

SECRET = "hunter2hunter2"
"""A password in some addresses: no output may show it."""
LIMIT_S = 120.0
"""So long a command may take that was told to end after a second; this machine may be busy."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DEFECTS = ("Traceback", "Fatal Python error", "Exception ignored", "Segmentation fault", "terminate called", SECRET)
STRANGE_NAMES = (
    "a b", "käse", "caf\udce9", "-dash", "a:b", "0", "demo", "100%", "%d", "x\ny", "'\"", "*", "a=b", "~", "…" * 60,
    "x" * 250, "http:", "IMG.JPG", "._a", ".hidden", "a.mp4.jpg", "\U0001f600",
)  # fmt: skip
STRANGE_NUMBERS = ("nan", "inf", "-1", "0", "1e309", "", "0x10", "9" * 30, "1e-9", "\uff11", "none", "3", "0.5")
STRANGE_VARIABLES: tuple[dict[str, str | None], ...] = (
    {"HOME": None},
    {"HOME": "/dev/null"},
    {"XDG_CONFIG_HOME": "x" * 5000},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"EMOTION_EDGE_DEVICE": "/dev/zero"},
    {"EMOTION_EDGE_DEVICE": f"{ROOT}/README.md"},
    {"EMOTION_EDGE_SOURCE": "demo demo"},
    {"EMOTION_EDGE_MQTT": f"mqtt://u:{SECRET}@127.0.0.1:1/x"},
    {"TMPDIR": "/none"},
    {"PATH": None},
)


@dataclass
class Case:
    """One command, what is sent to it, and what became of it."""

    arguments: list[str]
    variables: dict[str, str | None] = field(default_factory=dict)
    signals: list[tuple[float, signal.Signals]] = field(default_factory=list)
    """Seconds after the start, and what is sent then."""
    code: int | None = None
    output: str = ""
    log: str = ""

    def run(self, folder: Path) -> None:
        """Start it, send the signals, wait for its end."""
        known = {**os.environ, "PYTHONPATH": str(ROOT), **self.variables}
        environment = {name: value for name, value in known.items() if value is not None}
        with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
            command = [sys.executable, *self.arguments]
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=log)
            started_s = time.monotonic()
            for after_s, number in sorted(self.signals):
                time.sleep(max(0.0, started_s + after_s - time.monotonic()))
                process.send_signal(number)
            try:
                self.code = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.output = (folder / "out").read_text(errors="replace")
        self.log = (folder / "log").read_text(errors="replace")

    @property
    def faults(self) -> list[str]:
        """What is wrong with its end; nothing, as it should be."""
        sent = {-number for _, number in self.signals}
        if self.code is None:
            return ["it hangs"]
        if signal.SIGINT in {number for _, number in self.signals} and _is_pythons_own(self.log):
            return []
        faults = [word for word in DEFECTS if word in self.log or word in self.output]
        if self.code not in {0, 1, 2, 130, *sent}:
            faults.append(f"exit code {self.code}")
        if self.code in (1, 2) and not self.log.strip():
            faults.append("an error without a word")
        return faults + [f"no JSON: {line[:80]}" for line in self.output.splitlines() if self._is_wrong(line)][:1]

    def __str__(self) -> str:
        variables = " ".join(f"{name}={str(value)[:40]!r}" for name, value in self.variables.items())
        sent = ", ".join(f"{number.name} after {after_s:.2f} s" for after_s, number in self.signals)
        return f"{variables} {shlex.join(self.arguments)} [{sent}] -> {self.code}\n{self.log[-2000:]}"

    def _is_wrong(self, line: str) -> bool:
        if "edge.tune" in self.arguments or "--help" in self.arguments or self.code not in (0, 1, 2):
            return False
        try:
            return not isinstance(json.loads(line), dict)
        except ValueError:
            return True


def cases(count: int, seed: int, folder: Path, server: OddServer) -> Iterator[tuple[str, Case]]:
    """As many cases, each with its name; a seed and a number make the same one again."""
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        place = folder / str(number)
        place.mkdir()
        yield f"seed {seed}, number {number}", make_case(chance, place, server)


def make_case(chance: random.Random, folder: Path, server: OddServer) -> Case:
    """A command whose inputs lie in `folder`."""
    if chance.random() < 0.12:
        case = Case(["-m", "edge.tune", "--seconds", "0.001", *_tune_options(chance, folder)])
    else:
        source = chance.choice((_image, _image, _folder, _video, _video, _address, _address, _word))
        limits = ["--max-frames", "4", "--seconds", "1", "--playback", "fast"]
        more = [word for make in (_options, _outputs) if chance.random() < 0.4 for word in make(chance, folder)]
        case = Case(["-m", "edge.run", "--headless", *limits, *source(chance, folder, server), *more])
    if chance.random() < 0.3:
        case.variables = dict(chance.choice(STRANGE_VARIABLES))
    if chance.random() < 0.35:
        case.signals = [(chance.uniform(0.0, 2.5), chance.choice(SIGNALS)) for _ in range(chance.choice((1, 1, 2)))]
    return case


def _image(chance: random.Random, folder: Path, _: OddServer) -> list[str]:
    return ["--source", _named(chance, _write_image(chance, folder / "image"))]


def _folder(chance: random.Random, folder: Path, _: OddServer) -> list[str]:
    inside = folder / "photos"
    inside.mkdir()
    for number in range(chance.randrange(4)):
        _write_image(chance, inside / f"{number}{chance.choice(STRANGE_NAMES)[:100]}".replace("/", "_"))
    if chance.random() < 0.3:
        (inside / "folder.jpg").mkdir()
    return ["--source", _named(chance, inside)]


def _video(chance: random.Random, folder: Path, _: OddServer) -> list[str]:
    path = folder / f"clip{chance.choice(('.avi', '.mp4', '.mkv', '.gif', '.m3u8', '.webm', ''))}"
    whole = folder / "whole.avi"
    size = (chance.choice((16, 64, 320, 641)), chance.choice((16, 48, 240)))
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), chance.choice((1, 10, 30)), size)
    for index in range(chance.randrange(6)):
        writer.write(cv2.resize(DemoSource().image(index), size))
    writer.release()
    path.write_bytes(_damaged(chance, whole.read_bytes() if whole.is_file() else b""))
    return ["--source", _named(chance, path)]


def _address(chance: random.Random, _: Path, server: OddServer) -> list[str]:
    user = chance.choice(("", f"me:{SECRET}@", f"me:%zz{SECRET}@", f":{SECRET}@"))
    here = f"127.0.0.1:{server.port}"
    place = chance.choice((here, here, here, "127.0.0.1:1", "127.0.0.1:99999", "[::1", "", "no-such-host.invalid"))
    scheme = "http" if place == here else chance.choice(("http", "rtsp", "https", "file", "mqtt", "x", ""))
    return ["--source", f"{scheme}://{user}{place}/{chance.choice(PATHS)}", *(["--open-timeout-s", "0.5"] * 1)]


def _word(chance: random.Random, *_: object) -> list[str]:
    words = ("demo", "97", "-1", "", " ", "/dev/null", "/dev/zero", "/proc/self/mem", ".", "/none", "x" * 5000, "0 1")
    return [word for _ in range(chance.choice((1, 1, 2))) for word in ("--source", chance.choice(words))]


def _options(chance: random.Random, _: Path) -> list[str]:
    actions = [action for action in build_parser()._actions if action.type in (int, float)]
    action = chance.choice(actions)
    return [action.option_strings[-1], chance.choice(STRANGE_NUMBERS)]


def _outputs(chance: random.Random, folder: Path) -> list[str]:
    os.mkfifo(folder / "pipe")
    for device in ("full", "null"):  # by links: a command that deletes what it finds must not delete devices
        (folder / device).symlink_to(f"/dev/{device}")
    option = chance.choice(("--json", "--csv", "--video", "--snapshots"))
    names = (
        "new",
        "new.avi",
        "new.mp4",
        "pipe",
        ".",
        "none/x",
        "x" * 300,
        "full",
        "null",
        "käse.avi",
        "%d.mp4",
    )
    return [option, chance.choice(names), *chance.choice(([], ["--emit", "changes"]))]


def _tune_options(chance: random.Random, folder: Path) -> list[str]:
    return list(chance.choice((["--dry-run"], ["--out", "/dev/full/x"], ["--out", str(folder / "a" / "b")], ["--out"])))


def _write_image(chance: random.Random, path: Path) -> Path:
    """A file that is an image, or was one, or is called so."""
    suffix = chance.choice((".jpg", ".png", ".webp", ".bmp", ".tif", ".ppm", ".JPG"))
    height, width = chance.choice(((1, 1), (2, 300), (48, 64), (240, 320), (480, 640)))
    image = cv2.resize(DemoSource().image(chance.randrange(50)), (width, height))
    kind = chance.randrange(4)
    if kind == 1:
        image = image[:, :, 0]
    elif kind == 2 and suffix in (".png", ".tif"):
        image = image.astype(np.uint16) * 257
    elif kind == 3 and suffix == ".png":
        image = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
    encoded, data = cv2.imencode(suffix, image)
    data = data if encoded else cv2.imencode(".png", image)[1]  # a PPM has no gray
    path = path.with_name(path.name[:100] + chance.choice((suffix, suffix, ".jpg", ".heic", "")))
    path.write_bytes(_damaged(chance, bytes(data)))
    return path


def _damaged(chance: random.Random, data: bytes) -> bytes:
    """The data, or a part of them, or with bytes changed, or something else."""
    kind = chance.randrange(6)
    if kind == 0:
        return data[: chance.randrange(len(data) + 1)]
    if kind == 1 and data:
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 20)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    if kind == 2:
        return chance.choice((b"", b"\0" * 999, chance.randbytes(5000), b"<html>", b"#EXTM3U\nhttp://127.0.0.1:1/x\n"))
    return data


def _named(chance: random.Random, path: Path) -> str:
    """The path, or the same thing under a strange name."""
    if chance.random() < 0.5:
        return str(path)
    strange = path.with_name(chance.choice(STRANGE_NAMES)[:100] + path.suffix)
    path.rename(strange)
    return chance.choice((strange.name, f"./{strange.name}", str(strange), f"file://{strange}"))


def _is_pythons_own(log: str) -> bool:
    """Whether Ctrl-C came while Python itself started, before the first lines of ours had run."""
    ours = re.findall(rf"{re.escape(str(ROOT))}/(\S+)\"", log)
    return "KeyboardInterrupt" in log and set(ours) <= {"edge/__init__.py", "edge/run.py", "edge/interrupts.py"}


def failures(count: int, seed: int, budget_s: float = float("inf"), tell: Callable[[str], object] = str) -> list[str]:
    """The cases that end as they must not; no new one is begun after `budget_s`."""
    end_s, bad = time.monotonic() + budget_s, []
    with tempfile.TemporaryDirectory() as folder, OddServer() as server:
        for name, case in cases(count, seed, Path(folder), server):
            if time.monotonic() >= end_s:
                break
            case.run(Path(folder) / name.split()[-1])
            if case.faults:
                bad.append(f"{name}: {', '.join(case.faults)}\n{case}")
                tell(bad[-1])
    return bad


def main(argv: Sequence[str] | None = None) -> int:
    """Run as many as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    bad = failures(options.count, options.seed, tell=print)
    print(f"{options.count} inputs, {len(bad)} ended as they must not")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
