"""Start broker and Prometheus with the files of `deploy/fleet` in the places that compose.yaml gives them.

    tests/rigs/private_root.sh python -m tests.rigs.composed FOLDER

There is no Docker in it: this machine's own programs take the place of the images, with the images' default commands.
FOLDER is a copy of deploy/fleet. Prints a JSON object of what a device and somebody who looks on found.
"""

import fcntl
import json
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import yaml

COMMANDS = {
    "broker": "chown -R mosquitto: /mosquitto; exec mosquitto -c /mosquitto/config/mosquitto.conf",
    "prometheus": "exec prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus",
}
"""What the images do by themselves: eclipse-mosquitto's entry point, prom/prometheus' command."""
PASSWORD = "s3cret-of-the-broker"
WAIT_S = 120.0
SUBSCRIBE = ("mosquitto_sub", "-h", "broker", "-W", "5", "-C", "1", "-t", "home/+/status")


def wait_for(what: Callable[[], Any]) -> Any:
    """What it gives, once it gives something."""
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        try:
            if found := what():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    return None


def use_loopback() -> None:
    """Bring 127.0.0.1 up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS, up and running


def make_passwords(folder: Path) -> None:
    """The command that compose.yaml's head names; it asks for the password twice."""
    text = re.sub(r"\n#\s*", " ", (folder / "compose.yaml").read_text())
    found = re.search(r"sh -c \\\s*'(.*?)'", text)
    assert found
    subprocess.run(["sh", "-c", found[1]], cwd=folder, check=True, input=2 * f"{PASSWORD}\n", text=True)


def place(folder: Path, service: dict[str, Any]) -> None:
    """Mount a service's files, and give its volumes an empty folder."""
    for volume in service["volumes"]:
        source, target, *options = volume.split(":")
        if not source.startswith("."):
            Path(target).mkdir(parents=True, exist_ok=True)
            continue
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
        subprocess.run(["mount", "--bind", folder / source, target], check=True)
        if options == ["ro"]:
            subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)


def start(name: str) -> subprocess.Popen[bytes]:
    """The program of an image."""
    return subprocess.Popen(["sh", "-c", COMMANDS[name]], stdout=subprocess.DEVNULL, stderr=sys.stderr)


def ask(query: str) -> list[dict[str, Any]]:
    """What Prometheus answers, at the address that Grafana is given."""
    datasource = yaml.safe_load(Path("/etc/grafana/provisioning/datasources/emotion-edge.yaml").read_text())
    with urlopen(f"{datasource['datasources'][0]['url']}/api/v1/{query}", timeout=10) as page:
        answer = json.load(page)["data"]
    return list(answer.get("result") or answer.get("groups") or [])


def heard(*options: str) -> str:
    """A retained status of a device, or why not."""
    done = subprocess.run([*SUBSCRIBE, *options], capture_output=True, text=True)
    return (done.stdout or done.stderr).partition("\n")[0]


def main() -> None:
    """All of it, once."""
    folder = Path(sys.argv[1])
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    use_loopback()
    make_passwords(folder)
    (job,) = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target.partition(":")[0] for target in job["static_configs"][0]["targets"]]
    (folder / "hosts").write_text(f"127.0.0.1 localhost {' '.join([*services, *targets])}\n")
    subprocess.run(["mount", "--bind", folder / "hosts", "/etc/hosts"], check=True)
    for service in services.values():
        place(folder, service)
    broker, prometheus = start("broker"), start("prometheus")
    address = f"mqtt://edge:{PASSWORD}@broker/home"
    options = ("--headless", "--source", "door=demo", "--device-name", "door", "--metrics", "0.0.0.0:9100")
    device = subprocess.Popen(
        [sys.executable, "-m", "edge.run", *options, "--mqtt", address], stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    user = ("-u", "edge", "-P", PASSWORD)
    found: dict[str, Any] = {"device": wait_for(lambda: "line" in heard(*user) and heard(*user))}
    found["without a password"] = heard()
    found["up"] = wait_for(lambda: len(up := ask(f"query?query={quote('up==1')}")) == len(targets) and len(up))
    found["frames"] = bool(wait_for(lambda: ask(f"query?query={quote('emotion_edge_frames_total>0')}")))
    found["rules"] = [group["name"] for group in ask("rules")]
    broker.terminate()
    broker.wait(20)
    device.kill()
    broker = start("broker")
    found["after a restart"] = wait_for(lambda: "line" in heard(*user) and heard(*user))
    for process in (broker, prometheus):
        process.terminate()
        process.wait(20)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
