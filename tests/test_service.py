"""The service as systemd runs it: a real user manager, and what systemd says of the unit's exposure."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.processes import NEEDS_SYSTEMD, ROOT, under_systemd
from tests.rigs.broker import MOSQUITTO

UNIT = ROOT / "deploy" / "emotion-edge.service"
MOST_EXPOSED = 25
"""systemd's figure times ten: 2.5 of 10, from 0 (safe) on."""
WHAT = ("killed", "killed, back", "frozen", "frozen, back", "dark", "dark, back")
WHO = {"broker", "health", "metrics", "systemd", "json"}
MOST_S = 5.0

CONFIG = 'headless = true\njournal = true\n[camera.door]\nsource = "demo"\n'
LIFE = """
run() { systemctl --user --no-pager "$@"; }
show() { run show emotion-edge --property "$1" --value; }
until_() {
  for _ in $(seq 100); do [ "$(show "$1")" = "$2" ] && return; sleep 0.1; done
  echo "never $1=$2: $(show "$1")"
}
send() { run kill --signal="$1" --kill-who=main emotion-edge; until_ NRestarts "$2"; until_ ActiveState active; }
cp "$1/emotion-edge.service" "$XDG_CONFIG_HOME/systemd/user/"
cp "$1/emotion-edge.toml" /run/
run daemon-reload
timeout 30 systemctl --user start emotion-edge; echo "start $? $(show ActiveState)"
until_ StatusText "door: 1 in view"; echo "status $(show StatusText)"
send KILL 1; echo "killed $(show ActiveState)"
send STOP 2; echo "hung $(show ActiveState)"
run stop emotion-edge; echo "stop $? $(show ActiveState) $(show Result)"
cat /run/out
"""

SYSTEM_CONFIG = (
    'headless = true\njournal = true\ncsv = "faces.csv"\nstore = "results.sqlite"\n'
    'metrics = "127.0.0.1:9100"\nsnapshot_token = "s3cret"\n[camera.door]\nsource = "demo"\n'
)
SYSTEM_LIFE = r"""
root=$1 site=$2 python=$3 unit=$4
where=/opt/emotion-edge current=/opt/emotion-edge/current
mkdir -p $current/venv/bin $where/src $where/site $where/python
mount --bind "$root" $where/src; mount --bind "$site" $where/site; mount --bind "$python" $where/python
printf '#!/bin/sh\nPYTHONPATH=%s LD_LIBRARY_PATH=%s exec %s -m edge "$@"\n' \
  $where/src:$where/site $where/python/lib $where/python/bin/python3 \
  >$current/venv/bin/emotion-edge
chmod 755 $current/venv/bin/emotion-edge
cp "$root/edge/models/emotion_int8.tflite" $current/emotion.tflite
sed "s|@PREFIX@|$where|g" "$unit" >/etc/systemd/system/emotion-edge.service
install -m 600 "$5" /etc/emotion-edge.toml
systemctl daemon-reload
show() { systemctl show emotion-edge --property "$1" --value; }
until_() {
  for _ in $(seq 600); do [ "$(show "$1")" = "$2" ] && return; sleep 0.1; done
  echo "never $1=$2: $(show "$1")"
}
as_it() { nsenter --target "$pid" --mount --root --setuid "$uid" --setgid "$uid" "$@"; }
facts() {
  pid=$(show MainPID)
  uid=$(awk '/^Uid/{ print $2 }' /proc/"$pid"/status)
  [ "$uid" -ge 61184 ] && [ "$uid" -le 65519 ] && echo "$1: a user of its own"
  echo "$1: $(awk '/^(CapEff|NoNewPrivs|Seccomp):/{ printf "%s %s ", $1, $2 }' /proc/"$pid"/status)"
  for file in faces.csv results.sqlite; do
    echo "$1: $file $(stat -c '%u %a' /var/lib/private/emotion-edge/$file | sed "s/^$uid /its own /")"
  done
  options=$(tr '\0' '\n' </proc/"$pid"/cmdline | grep /run/credentials/)
  as_it cat "$options" >/dev/null && echo "$1: options for itself"
  echo "$1: options for others $(stat -c '%a' /proc/"$pid"/root"$options" | tail -c 2)"
  for place in /etc /opt/emotion-edge /usr /var/lib; do
    as_it touch $place/x 2>/dev/null && echo "$1: it may write to $place"
  done
  as_it cat /etc/emotion-edge.toml >/dev/null 2>&1 && echo "$1: it may read the options of root"
  homes=$(nsenter --target "$pid" --mount --root ls -A /root /home 2>/dev/null | grep -v :)
  [ -z "$homes" ] || echo "$1: it sees homes"
  true
}
timeout 120 systemctl start emotion-edge; echo "start $? $(show ActiveState)"
until_ StatusText "door: 1 in view"; echo "status $(show StatusText)"
facts first
systemctl kill --signal=KILL --kill-who=main emotion-edge
until_ NRestarts 1; until_ ActiveState active; until_ StatusText "door: 1 in view"
facts again
echo "passwords in what systemd shows: $(systemctl show emotion-edge | grep -c s3cret)"
systemctl stop emotion-edge; echo "stop $? $(show ActiveState) $(show Result)"
"""
FACTS = """: a user of its own
: CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2
: faces.csv its own 600
: results.sqlite its own 600
: options for itself
: options for others 0"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The unit in deploy/, without what needs a system manager, on the demo, with a shorter watchdog."""
    (tmp_path / "emotion-edge.toml").write_text(CONFIG)
    skip = ("DynamicUser", "SupplementaryGroups", "LoadCredential", "ProtectHome", "ProtectKernel")
    lines = [line for line in UNIT.read_text().splitlines() if not line.startswith(skip)]
    text = "\n".join(lines).replace("%d/", "/run/").replace("WatchdogSec=20", "WatchdogSec=2")
    text = text.replace("@PREFIX@/current/venv/bin/emotion-edge", f"{sys.executable} -m edge")
    text = text.replace("@PREFIX@/current/emotion.tflite", str(ROOT / "edge" / "models" / "emotion_int8.tflite"))
    text = text.replace("[Service]", f"[Service]\nEnvironment=PYTHONPATH={ROOT}\nStandardOutput=append:/run/out")
    (tmp_path / "emotion-edge.service").write_text(text.replace("RestartSec=2", "RestartSec=0.1"))
    return tmp_path


@NEEDS_SYSTEMD
def test_systemd_starts_watches_restarts_and_stops_the_service(folder: Path) -> None:
    run = under_systemd(LIFE, folder)
    assert run.stdout.splitlines()[:5] == [
        "start 0 active",
        "status door: 1 in view",
        "killed active",
        "hung active",
        "stop 0 inactive success",
    ], run.stdout + run.stderr
    assert run.stdout.count('"people":1') == 3


@NEEDS_SYSTEMD
def test_the_unit_as_it_is_has_a_user_of_its_own_and_a_copy_of_the_options(tmp_path: Path) -> None:
    """Under a system manager, since a user's has no DynamicUser= and no rights to hand out."""
    (tmp_path / "options.toml").write_text(SYSTEM_CONFIG)
    places = (ROOT, sysconfig.get_path("purelib"), sys.base_prefix, UNIT, tmp_path / "options.toml")
    run = under_systemd(SYSTEM_LIFE, *places, timeout_s=300, manager="system_manager.sh")
    facts = [f"{when}{fact}" for when in ("first", "again") for fact in FACTS.splitlines()]
    assert [line.rstrip() for line in run.stdout.splitlines()] == [
        "start 0 active",
        "status door: 1 in view",
        *facts,
        "passwords in what systemd shows: 0",
        "stop 0 inactive success",
    ], run.stdout + run.stderr


@pytest.mark.alone
@pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")
@NEEDS_SYSTEMD
def test_all_are_told_of_a_camera_that_is_killed_frozen_or_dark_and_of_its_return_in_five_seconds(folder: Path) -> None:
    """Freezing and darkness take 4 s to tell from a quiet room; so a machine that others load gets three attempts."""
    command = f'cd "{ROOT}" && exec "{sys.executable}" -m tests.rigs.told "$1"'
    best: dict[str, float] = {}
    for _ in range(3):
        run = under_systemd(command, folder, timeout_s=500, PYTHONPATH=str(ROOT))
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        assert [line.pop("what") for line in lines] == list(WHAT), run.stdout + run.stderr
        for what, seconds in zip(WHAT, lines, strict=True):
            assert set(seconds) == WHO
            for who, after_s in seconds.items():
                best[f"{what}: {who}"] = min(after_s, best.get(f"{what}: {who}", after_s))
        if max(best.values()) < MOST_S:
            return
    assert max(best.values()) < MOST_S, best


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_little_exposed_and_bounded(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("@PREFIX@", "/opt/emotion-edge"))

    limit = f"--threshold={MOST_EXPOSED}"
    run = subprocess.run(["systemd-analyze", "security", "--offline=true", limit, unit], capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-200:] + run.stderr
    assert "MemoryMax=" in unit.read_text()
