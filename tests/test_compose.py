"""The fleet's compose file: what can be shown of it without Docker."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.processes import ROOT
from tests.rigs.broker import MOSQUITTO

FLEET = ROOT / "deploy" / "fleet"
COMPOSE = FLEET / "compose.yaml"
PROGRAMS = (MOSQUITTO, *map(shutil.which, ("mosquitto_passwd", "mosquitto_sub", "prometheus", "unshare")))
NO_ROOT_OF_OUR_OWN = 77


def test_every_file_that_is_mounted_is_there_and_every_volume_is_declared() -> None:
    content = yaml.safe_load(COMPOSE.read_text())
    mounts = [mount.split(":") for service in content["services"].values() for mount in service["volumes"]]
    files = {FLEET / source for source, *_ in mounts if source.startswith(".")}
    missing = {path.name for path in files if not path.is_file()}
    assert missing == {"mosquitto.passwords"}, "the one that its head says how to make"
    assert {source for source, *_ in mounts if not source.startswith(".")} == set(content["volumes"])
    assert all(":" in service["image"] for service in content["services"].values()), "a version each"


def test_grafana_finds_the_dashboard_and_its_source_of_data() -> None:
    grafana = yaml.safe_load(COMPOSE.read_text())["services"]["grafana"]
    places = {target for _, target, *_ in (mount.split(":") for mount in grafana["volumes"])}
    (provider,) = yaml.safe_load((FLEET / "grafana" / "dashboards.yaml").read_text())["providers"]
    assert any(place.startswith(provider["options"]["path"] + "/") for place in places)
    (source,) = yaml.safe_load((FLEET / "grafana" / "datasource.yaml").read_text())["datasources"]
    text = (FLEET / "grafana" / "dashboard.json").read_text()
    assert set(re.findall(r'"type": "prometheus",\s*"uid": "([^"]*)"', text)) == {source["uid"]}


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="needs Debian's docker-compose")
def test_compose_itself_takes_the_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE.read_text())
    command = ["docker-compose", "-f", tmp_path / "compose.yaml", "config", "--quiet"]
    for password, code in (("secret", 0), ("", 1)):
        environment = {**os.environ, "GRAFANA_PASSWORD": password}
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert run.returncode == code, run.stderr
    assert "set a password" in run.stderr


@pytest.mark.skipif(None in PROGRAMS or os.getuid() != 0, reason="needs root, Prometheus, mosquitto and its clients")
def test_broker_and_prometheus_work_with_the_files_where_compose_puts_them(tmp_path: Path) -> None:
    folder = shutil.copytree(FLEET, tmp_path / "fleet")
    command = [ROOT / "tests" / "rigs" / "private_root.sh", sys.executable, "-m", "tests.rigs.composed", folder]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, start_new_session=True)
    if run.returncode == NO_ROOT_OF_OUR_OWN:
        pytest.skip("a copy of the root folder can't be made here")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "device": "online",
        "without a password": "Connection error: Connection Refused: not authorised.",
        "up": 2,
        "frames": True,
        "rules": ["emotion-edge"],
        "after a restart": "offline",  # the last will of the device, which was killed meanwhile
    }, run.stderr
    assert "s3cret" not in run.stdout + run.stderr
