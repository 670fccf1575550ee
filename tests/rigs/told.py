"""Kill, freeze and cover a service's camera, and measure when each of those who watch it is told, and of its return.

It runs beside a systemd user manager, with the unit's file and the folder for its options:

    tests/rigs/user_manager.sh python -m tests.rigs.told FOLDER

FOLDER has `emotion-edge.service`, which reads /run/emotion-edge.toml. Prints a JSON line for each fault and return:
the seconds until it was told, by who told it.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.rigs.broker import Listener, listening, mosquitto, until
from tests.rigs.faults import ServerRig, free_port

FOLDER = Path("/run/told")
FAULTS = {"killed": ("offline", "stalled"), "frozen": ("frozen",), "dark": ("dark",)}
"""What a camera of each fault may be called."""
WELL = ("online",)
WAIT_S = 60.0
OPTIONS = """headless = true
journal = true
device_name = "rig"
mqtt = "{mqtt}"
metrics = "127.0.0.1:{port}"
json = "{folder}/results.jsonl"
fps = 10
[camera.gate]
source = "{source}"
"""


class Watchers:
    """Each asks one of those who are told: whether it says that the camera is in one of these states."""

    def __init__(self, listener: Listener, metrics_port: int) -> None:
        self._listener = listener
        self._url = f"http://127.0.0.1:{metrics_port}"
        self.all: dict[str, Callable[[tuple[str, ...]], bool]] = {
            "broker": self._broker,
            "health": self._health,
            "metrics": self._metrics,
            "systemd": self._systemd,
            "json": self._json,
        }

    def _broker(self, states: tuple[str, ...]) -> bool:
        told = json.loads(self._listener.last("home/rig/gate/state") or "{}").get("state")
        here = "online" if states == WELL else "offline"
        return told in states and self._listener.last("home/rig/gate/status") == here

    def _health(self, states: tuple[str, ...]) -> bool:
        code, text = self._get("/healthz")
        return code == 200 if states == WELL else code == 503 and any(f"gate is {state}" in text for state in states)

    def _metrics(self, states: tuple[str, ...]) -> bool:
        text = self._get("/metrics")[1]
        return any(f'camera_state{{camera="gate",device="rig",state="{state}"}} 1.0' in text for state in states)

    def _systemd(self, states: tuple[str, ...]) -> bool:
        command = ["systemctl", "--user", "show", "emotion-edge", "--property", "StatusText", "--value"]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        return "in view" in text if states == WELL else any(f"gate is {state}" in text for state in states)

    def _json(self, states: tuple[str, ...]) -> bool:
        lines = (FOLDER / "results.jsonl").read_text().splitlines()
        return bool(lines) and json.loads(lines[-1]).get("state", "online") in states

    def _get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(self._url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)


def seconds_until_told(watchers: Watchers, states: tuple[str, ...], happened_s: float) -> dict[str, float]:
    """When each of them said so; infinite for who never did."""
    told = dict.fromkeys(watchers.all, float("inf"))
    while waiting := [name for name, seconds in told.items() if seconds == float("inf")]:
        if time.monotonic() - happened_s > WAIT_S:
            break
        for name in waiting:
            if watchers.all[name](states):
                told[name] = round(time.monotonic() - happened_s, 2)
        time.sleep(0.05)
    return told


def order(camera: ServerRig, word: str) -> float:
    """Do this to the camera; the moment from which on it was so."""
    if word == "killed":
        camera.kill()
    elif word == "revived":
        camera.revive()
    else:
        part = FOLDER / "control.part"
        part.write_text(word)
        part.replace(FOLDER / "control")
    return time.monotonic()


def start_service(units: Path, camera: ServerRig, broker: ServerRig, port: int) -> None:
    """The unit's service, with a camera that works."""
    values = {"mqtt": broker.source, "port": port, "folder": FOLDER, "source": camera.source}
    Path("/run/emotion-edge.toml").write_text(OPTIONS.format(**values))
    shutil.copy(units / "emotion-edge.service", "/run/config/systemd/user/")
    for command in ("daemon-reload", "start emotion-edge"):
        subprocess.run(["systemctl", "--user", *command.split()], check=True, timeout=120)


def main() -> None:
    """Each fault and each return, once."""
    FOLDER.mkdir()
    (FOLDER / "control").write_text("ok")
    port, metrics_port = free_port(), free_port()
    command = [sys.executable, "-m", "tests.rigs.mjpeg_server", str(port), "--control", str(FOLDER / "control")]
    camera, broker = ServerRig(command, f"http://127.0.0.1:{port}/", port), mosquitto()
    camera.revive()
    broker.revive()
    try:
        with listening(broker) as listener:
            start_service(Path(sys.argv[1]), camera, broker, metrics_port)
            watchers = Watchers(listener, metrics_port)
            until(lambda: all(watcher(WELL) for watcher in watchers.all.values()), WAIT_S)
            for fault, states in FAULTS.items():
                seconds = seconds_until_told(watchers, states, order(camera, fault))
                print(json.dumps({"what": fault, **seconds}), flush=True)
                back_s = order(camera, "revived" if fault == "killed" else "ok")
                print(json.dumps({"what": f"{fault}, back", **seconds_until_told(watchers, WELL, back_s)}), flush=True)
    finally:
        subprocess.run(["systemctl", "--user", "stop", "emotion-edge"], timeout=60)
        camera.kill()
        broker.kill()


if __name__ == "__main__":
    main()
