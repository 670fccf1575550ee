#!/bin/sh
# Install the emotion recognition service on this machine from an unpacked bundle; run it again to upgrade.
#   sudo ./install.sh                 into /opt/emotion-edge, with a systemd service that starts now and at each boot
#   sudo ./install.sh --no-service    the same without the service
#   sudo ./install.sh --model FILE    replace the network of the installed version
#   sudo ./install.sh --uninstall     remove what was installed; lists what is kept
# Before the first install, you may write cameras and options into emotion-edge.toml beside this file.
# Packages come from wheels/ beside this file, or from the index. PREFIX=DIR installs elsewhere.
#
# The running version is not touched until the new one, built beside it in releases/, has run the demo. Then one rename
# replaces the link `current`. If the service does not become ready with the new version, the previous one is restored.
set -eu
bundle=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-/opt/emotion-edge} conf=${CONF:-/etc/emotion-edge.toml}
unit=${UNIT_DIR:-/etc/systemd/system}/emotion-edge.service
systemctl=${SYSTEMCTL:-systemctl}  # "systemctl --user" in tests
needed_mb=${NEEDED_MB:-450} ready_s=${READY_S:-90}
releases=$prefix/releases current=$prefix/current new=

fail() { echo "install.sh: $*" >&2; exit 1; }
say() { echo "install.sh: $*"; }
systemd_runs() { [ -d /run/systemd/system ]; }
free_mb() { df --output=avail -m "$prefix" | tail -n 1 | tr -d ' '; }
last_line() { text=$(tail -n 1 "$1" 2>/dev/null | cut -c 1-300); echo "${text:-no message}, with $(free_mb) MB free"; }
drop_new() { [ -z "$new" ] || rm -rf "$new" "$new.log"; }

check_machine() {
  [ "$(id -u)" = 0 ] || fail "Expected to run as root: sudo ./install.sh. Received: user $(id -un)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    fail "Expected Python 3.10 or later: apt install python3 python3-venv. Received: $(python3 --version 2>&1)"
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Expected Python's venv module: apt install python3-venv. Received: a Python without it"
}

check_sums() {
  cd "$bundle"
  sha256sum --check --quiet --strict SHA256SUMS || fail "Expected the files of the bundle. Received: damaged ones"
}

check_space() {
  mkdir -p "$releases"
  [ "$(free_mb)" -ge "$needed_mb" ] || fail "Expected $needed_mb MB free in $prefix. Received: $(free_mb) MB"
}

pip() { "$new/venv/bin/python" -m pip --disable-pip-version-check "$@" >"$new.log" 2>&1; }

check_index() {  # fail at once: pip itself would try for minutes
  [ -d wheels ] || pip index versions --retries 0 --timeout 10 numpy ||
    fail "Expected the package index to answer; a bundle with --wheels needs none. Received: $(last_line "$new.log")"
}

build() {
  number=$(ls "$releases" | sort -n | tail -n 1)
  new=$releases/$((${number%%[!0-9]*} + 1))
  trap drop_new EXIT
  say "building $new"
  # A CSI camera's library comes only from the system.
  python3 -c 'import picamera2' 2>/dev/null && set -- --system-site-packages || set --
  python3 -m venv "$@" "$new/venv" >"$new.log" 2>&1 || fail "Expected an environment. Received: $(last_line "$new.log")"
  check_index
  set -- --quiet --retries 5 --timeout 30
  [ ! -d wheels ] || set -- "$@" --no-index --find-links wheels
  wheel=$(echo ./emotion_edge_runtime-*.whl)
  pip install "$@" "${wheel}[metrics,mqtt,toml]" || fail "Expected the packages to install. Received: $(last_line "$new.log")"
  cp emotion.tflite LICENSE NOTICE SHA256SUMS "$new"
  sed "s|@PREFIX@|$prefix|g" emotion-edge.service >"$new/emotion-edge.service"
}

try_demo() {  # arguments: a release, a network
  summary=$("$1/venv/bin/emotion-edge" --headless --model "$2" --source demo --max-frames 30 2>&1 >/dev/null) ||
    fail "Expected the demo to run. Received: $summary"
  say "the demo runs: $(echo "$summary" | head -n 1)"
}

place_conf() {
  [ -e "$conf" ] || install -m 600 emotion-edge.toml "$conf"  # cameras' addresses contain passwords
  cmp -s emotion-edge.toml "$conf" || say "$conf stays as it is; the bundle's emotion-edge.toml is another"
  "$new/venv/bin/emotion-edge" --config "$conf" --print-config >/dev/null 2>"$new.log" ||
    fail "Expected options that this version has in $conf. Received: $(last_line "$new.log")"
}

point_to() { ln -sfn "$1" "$current.part" && mv -T "$current.part" "$current"; }

use_unit() {
  mkdir -p "$(dirname "$unit")"
  cp "$1" "$unit.part" && mv "$unit.part" "$unit"
  ! systemd_runs || $systemctl daemon-reload
}

switch() {
  before=$(readlink "$current" || true)
  [ ! -e "$unit" ] || cp "$unit" "$prefix/unit.before"
  point_to "$new"
  built=$new new=  # from here on the new version is kept
  rm -f "$built.log"
}

start_service() {
  use_unit "$built/emotion-edge.service"
  command -v systemctl >/dev/null || { say "no systemd here: $unit waits for one"; return; }
  $systemctl enable --quiet emotion-edge
  systemd_runs || { say "the service starts at the next boot"; return; }
  restarted || go_back
  say "the service runs; its results: journalctl --follow --unit emotion-edge; its options: $conf"
}

restarts() { $systemctl show emotion-edge --property NRestarts --value; }

restarted() {  # whether the service became ready and stays so; systemd itself would restart a failing one for ever
  $systemctl reset-failed emotion-edge 2>/dev/null || true
  $systemctl restart --no-block emotion-edge
  most=$(($(restarts) + 3)) steady_s=0
  for _ in $(seq "$ready_s"); do
    sleep 1
    case $($systemctl is-active emotion-edge) in
      active) steady_s=$((steady_s + 1)) ;;
      failed) return 1 ;;
      *) steady_s=0 ;;
    esac
    [ "$steady_s" -lt 4 ] || return 0
    [ "$(restarts)" -lt "$most" ] || return 1
  done
  return 1
}

why() { $systemctl status --no-pager --lines 0 emotion-edge | sed -n 's/^ *\(Status\|Active\): //p' | tail -n 1; }

go_back() {
  reason="$(why); its camera is named in $conf; journalctl -u emotion-edge has more"
  [ -e "$prefix/unit.before" ] || fail "Expected the service to become ready. Received: $reason"
  if [ -n "$before" ]; then point_to "$before"; else rm "$current"; fi
  use_unit "$prefix/unit.before"
  rm -rf "$built" "$prefix/unit.before"
  restarted || reason="$reason; the version before does not start either"
  fail "Expected the new version to become ready; the one before is back. Received: $reason"
}

keep_one_before() {
  rm -rf "$prefix/unit.before" "$prefix/venv" "$prefix/emotion.tflite"  # the last two: from installs before releases/
  for release in "$releases"/*; do
    [ "$release" = "$built" ] || [ "$release" = "$before" ] || rm -rf "$release"
  done
}

change_model() {
  [ -f "$1" ] || fail "Expected a .tflite file. Received: $1"
  [ -e "$current" ] || fail "Expected an installed version in $prefix. Received: none"
  try_demo "$current" "$1"
  cp "$1" "$current/emotion.tflite.part"
  ln -f "$current/emotion.tflite" "$current/emotion.tflite.before"
  mv "$current/emotion.tflite.part" "$current/emotion.tflite"
  if systemd_runs && [ -e "$unit" ] && ! restarted; then
    mv "$current/emotion.tflite.before" "$current/emotion.tflite"
    restarted || true
    fail "Expected the service to become ready with $1; the network before is back. Received: $(why)"
  fi
  say "the network is now $1; the one before is $current/emotion.tflite.before"
}

uninstall() {
  if systemd_runs && [ -e "$unit" ]; then $systemctl stop emotion-edge; fi
  [ ! -e "$unit" ] || ! command -v systemctl >/dev/null || $systemctl disable --quiet emotion-edge
  rm -rf "$unit" "$releases" "$current" "$prefix/venv" "$prefix/emotion.tflite"
  ! systemd_runs || $systemctl daemon-reload
  [ ! -d "$prefix" ] || rmdir "$prefix" 2>/dev/null || true
  say "removed"
  for place in "$prefix" "$conf" /etc/emotion-edge.conf /etc/emotion-edge.json \
    /var/lib/emotion-edge /var/lib/private/emotion-edge "$unit.d"; do
    [ ! -e "$place" ] || say "stays: $place"
  done
}

case ${1:-} in
  --uninstall) uninstall && exit ;;
  --model) check_machine && change_model "$(realpath -m "${2:-}")" && exit ;;
  '' | --no-service) ;;
  *) fail "Expected no option, --no-service, --model FILE or --uninstall. Received: $1" ;;
esac
check_sums
check_machine
check_space
build
try_demo "$new" "$new/emotion.tflite"
place_conf
switch
[ "${1:-}" = --no-service ] || start_service
keep_one_before
say "done: $current/venv/bin/emotion-edge --headless --model $current/emotion.tflite --source demo"
