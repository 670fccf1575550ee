#!/bin/sh
# Install the emotion recognition service on this machine, from an unpacked bundle; again, to upgrade it.
#   sudo ./install.sh                 into /opt/emotion-edge, with a systemd service that starts now and at each boot
#   sudo ./install.sh --no-service    the same without the service
#   sudo ./install.sh --uninstall     remove what was installed; /etc/emotion-edge.toml stays
# PREFIX=DIR installs elsewhere. Packages come from the index, or from wheels/ beside this file if that is there.
set -eu
cd "$(dirname "$0")"
prefix=${PREFIX:-/opt/emotion-edge} unit=/etc/systemd/system/emotion-edge.service conf=/etc/emotion-edge.toml

fail() { echo "install.sh: $*" >&2; exit 1; }
say() { echo "install.sh: $*"; }
systemd_runs() { [ -d /run/systemd/system ]; }

check_machine() {
  [ "$(id -u)" = 0 ] || fail "Expected to run as root: sudo ./install.sh. Received: user $(id -un)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    fail "Expected Python 3.10 or later: apt install python3 python3-venv. Received: $(python3 --version 2>&1)"
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Expected Python's venv module: apt install python3-venv. Received: a Python without it"
}

check_sums() {
  sha256sum --check --quiet --strict SHA256SUMS || fail "Expected the files of the bundle. Received: damaged ones"
}

make_environment() {
  say "installing into $prefix"
  mkdir -p "$prefix"
  "$prefix/venv/bin/python" -c '' 2>/dev/null || rm -rf "$prefix/venv"
  # A CSI camera's library comes only from the system.
  python3 -c 'import picamera2' 2>/dev/null && set -- --system-site-packages || set --
  python3 -m venv "$@" "$prefix/venv"
  set -- --quiet --disable-pip-version-check --retries 10 --timeout 60
  [ ! -d wheels ] || set -- "$@" --no-index --find-links wheels
  "$prefix/venv/bin/python" -m pip install "$@" ./emotion_edge_runtime-*.whl
  "$prefix/venv/bin/python" -m pip install "$@" --no-deps --force-reinstall ./emotion_edge_runtime-*.whl
}

try_model() {
  summary=$("$prefix/venv/bin/emotion-edge" --headless --model emotion.tflite --source demo --max-frames 30 2>&1 >/dev/null) ||
    fail "Expected the demo to run. Received: $summary"
  say "the demo runs:"
  echo "$summary"
}

copy_files() {
  cp emotion.tflite "$prefix/emotion.tflite.part"
  mv "$prefix/emotion.tflite.part" "$prefix/emotion.tflite"
  [ -e "$conf" ] || install -m 600 emotion-edge.toml "$conf"  # addresses of cameras have passwords
}

start_service() {
  sed "s|@PREFIX@|$prefix|g" emotion-edge.service >"$unit"
  command -v systemctl >/dev/null || { say "no systemd here: $unit waits for one"; return; }
  systemctl enable --quiet emotion-edge
  systemd_runs || { say "the service starts at the next boot"; return; }
  systemctl daemon-reload
  systemctl restart emotion-edge ||
    fail "Expected the service to start; its camera is named in $conf. Received: $(journalctl -u emotion-edge -n 1 -o cat)"
  say "the service runs; its results: journalctl --follow --unit emotion-edge; its options: $conf"
}

uninstall() {
  if systemd_runs && [ -e "$unit" ]; then systemctl disable --quiet --now emotion-edge; fi
  rm -rf "$unit" "$prefix/venv" "$prefix/emotion.tflite"
  [ ! -d "$prefix" ] || rmdir "$prefix"
  say "removed; $conf stays"
}

case ${1:-} in
  --uninstall) uninstall && exit ;;
  '' | --no-service) ;;
  *) fail "Expected no option, --no-service or --uninstall. Received: $1" ;;
esac
check_sums
check_machine
make_environment
try_model
copy_files
[ "${1:-}" = --no-service ] || start_service
say "done: $prefix/venv/bin/emotion-edge --headless --model $prefix/emotion.tflite --source demo"
