"""Installs and upgrades that go wrong, under a real systemd: the service that runs goes on running."""

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.bundle import write_bundle
from edge.config import EdgeConfig
from tests.processes import NEEDS_SYSTEMD, ROOT, under_systemd

SITE = sysconfig.get_path("purelib")
"""The installs take NumPy and OpenCV from here: what is tested is the way, not the download."""
CONFIG = 'headless = true\njournal = true\ndetect_every = 50\nclassify_every = 50\n[camera.door]\nsource = "demo"\n'
CURRENT = "/run/opt/edge/current"
DROP_IN = f"""[Service]
DynamicUser=no
SupplementaryGroups=
LoadCredential=
ProtectHome=no
ProtectKernelLogs=no
ProtectKernelTunables=no
Environment=PYTHONPATH={SITE}
RestartSec=0.1
ExecStart=
ExecStart={CURRENT}/venv/bin/emotion-edge --config /run/home/edge.toml --model {CURRENT}/emotion.tflite
"""
UPGRADES = """
bundles=$1 float16=$2
export HOME=/run/home PREFIX=/run/opt/edge CONF=/run/home/edge.toml SYSTEMCTL="systemctl --user"
export UNIT_DIR=$XDG_CONFIG_HOME/systemd/user PIP_NO_DEPS=1 PYTHONPATH=$3 PATH=$4:$PATH
mkdir -p /run/opt $HOME "$UNIT_DIR/emotion-edge.service.d"
mount -t tmpfs -o size=520M tmpfs /run/opt
cp "$bundles/drop-in" "$UNIT_DIR/emotion-edge.service.d/test.conf"
show() { systemctl --user show emotion-edge --property "$1" --value; }
attempt() {  # name, bundle, options
  before=$(show MainPID) name=$1
  (cd "$bundles/$2" && shift 2 && ./install.sh "$@") >/run/said 2>&1
  code=$?
  pid=$( [ "$(show MainPID)" = "$before" ] && echo same || echo another )
  echo "$name: $code, release $(basename "$(readlink $PREFIX/current)") of $(ls $PREFIX/releases | xargs)," \
    "$(show ActiveState), $pid process; $(tail -n 1 /run/said)"
}
attempt first good
[ "$(show ActiveState)" = active ] || { cat /run/said; systemctl --user status --no-pager emotion-edge; exit 1; }
attempt "broken wheel" wheel
attempt "broken model" model
attempt "not ready" service
fallocate -l 150M /run/opt/ballast
attempt "full disk" good
fallocate -l "$(( $(df --output=avail -m /run/opt | tail -n 1) - 3 ))M" /run/opt/more
NEEDED_MB=1 attempt "full meanwhile" good
rm /run/opt/ballast /run/opt/more
PIP_INDEX_URL=http://127.0.0.1:9/simple attempt "no network" network
attempt "another network" good --model "$float16"
cmp "$float16" $PREFIX/current/emotion.tflite && echo "the model is another"
attempt "no network at all" good --model "$bundles/model/emotion.tflite"
mkdir $PREFIX/releases/0
attempt "second" good
(cd "$bundles/good" && ./install.sh --uninstall)
ls /run/opt "$UNIT_DIR"
"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A good bundle, and some that are damaged in the making, so that their sums hold."""
    folder = tmp_path_factory.mktemp("bundles")
    write_bundle(folder / "bundle.tar.gz", EdgeConfig(model="int8").model_path)
    (folder / "good").mkdir()
    subprocess.run(["tar", "xzf", folder / "bundle.tar.gz", "--strip-components=1", "-C", folder / "good"], check=True)
    (folder / "good" / "wheels").mkdir()
    (folder / "good" / "emotion-edge.toml").write_text(CONFIG)  # as its owner may
    (folder / "drop-in").write_text(DROP_IN)
    for name in ("wheel", "model", "service", "network"):
        shutil.copytree(folder / "good", folder / name)
    (folder / "network" / "wheels").rmdir()
    wheel = next((folder / "wheel").glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1000])
    (folder / "model" / "emotion.tflite").write_bytes(EdgeConfig(model="int8").model_path.read_bytes()[:100_000])
    _break_the_service(next((folder / "service").glob("*.whl")))
    for name in ("wheel", "model", "service"):
        _sum_again(folder / name)
    yield folder
    shutil.rmtree(folder)


def _break_the_service(wheel: Path) -> None:
    """Break what only the service uses, so that the demo runs."""
    with zipfile.ZipFile(wheel) as old:
        files = {name: old.read(name) for name in old.namelist()}
    files["edge/journal.py"] += b"\ndef fail(*_):\n    raise SystemExit(5)\n\nJournalSink.write = fail\n"
    with zipfile.ZipFile(wheel, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    assert b"JournalSink" in files["edge/journal.py"]


def _sum_again(folder: Path) -> None:
    names = [line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text("".join(sums))


@NEEDS_SYSTEMD
def test_whatever_goes_wrong_the_service_runs_on(bundles: Path) -> None:
    float16 = EdgeConfig(model="float16").model_path
    run = under_systemd(UPGRADES, bundles, float16, SITE, Path(sys.executable).parent, timeout_s=540)

    said = dict(line.split(": ", 1) for line in run.stdout.splitlines() if ": " in line)
    expected = {
        "first": ("0, release 1 of 1, active, another process; install.sh: done",),
        "broken wheel": ("1, release 1 of 1, active, same process", "Expected the packages to install. Received: "),
        "broken model": ("1, release 1 of 1, active, same process", "Expected the demo to run. Received: "),
        "not ready": ("1, release 1 of 1, active, another process", "the one before is back"),
        "full disk": ("1, release 1 of 1, active, same process", "Expected 450 MB free in /run/opt/edge. Received: "),
        "full meanwhile": (
            "1, release 1 of 1, active, same process",
            "an environment. Received: no message, with ",
        ),
        "no network": ("1, release 1 of 1, active, same process", "Expected the package index to answer"),
        "another network": ("0, release 1 of 1, active, another process", "the network is now"),
        "no network at all": ("1, release 1 of 1, active, same process", "Expected the demo to run"),
        "second": ("0, release 2 of 1 2, active, another process",),  # and not 0, which is older still
    }
    for name, parts in expected.items():
        assert all(part in said.get(name, "") for part in parts), (name, run.stdout, run.stderr)
    assert "the model is another" in run.stdout
    end = run.stdout.partition("install.sh: removed\n")[2]
    assert "stays: /run/home/edge.toml" in end
    assert "emotion-edge.service\n" not in end
    assert end.endswith("/run/opt:\n")  # nothing is left there


def test_the_playbook_is_one() -> None:
    command = [
        Path(sys.executable).with_name("ansible-playbook"),
        "-i",
        "inventory.ini",
        "playbook.yml",
        "--syntax-check",
    ]
    run = subprocess.run(command, cwd=ROOT / "deploy" / "fleet" / "ansible", capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
