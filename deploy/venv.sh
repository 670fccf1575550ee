#!/bin/sh
# Make a virtual environment with this package in it, in editable form.
# Usage: deploy/venv.sh PYTHON VENV [EXTRAS], for example deploy/venv.sh python3 .venv app,train
set -eu
python=$1 venv=$2 extras=${3:-}

fail() { echo "$*" >&2; exit 1; }

command -v "$python" >/dev/null ||
  fail "Expected Python 3.10 or later: sudo apt install python3 python3-venv. Received: no command $python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  fail "Expected Python 3.10 or later: make PYTHON=python3.11 ... Received: $("$python" --version 2>&1)"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "Expected Python's venv module: sudo apt install python3-venv. Received: $python has none"

# pip's output goes to a file; if it fails, we print one line that says why.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --retries 5 --timeout 60 "$@" >"$log" 2>&1; }
no_answer() { sed -n "s/.*connection broken by '\(.*\)': .*/\1/p" "$log" | tail -n 1; }
network_failed() { grep -qiE 'connection broken|timed out|incompleteread|HTTP error 5' "$log"; }
explain() {
  if [ -n "$(no_answer)" ]; then fail "Expected the package index to answer (pip config list shows which). Received: $(no_answer)"; fi
  fail "Expected packages from the index. Received: $(grep -E '^ *(ERROR|error):|not be loaded' "$log" | tail -n 1)"
}
install() {
  for pause_s in ${PAUSES_S:-5 20 0}; do
    pip install --quiet "$@" && return
    network_failed || break
    sleep "$pause_s"
  done
  explain
}

echo "Installing ${extras:-the edge requirements} into $venv" >&2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
install --no-compile --editable ".${extras:+[$extras]}"
"$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null || true  # on all cores; some packages hold files of other Pythons

# OpenCV's usual wheel can open windows, and needs the system's libGL; without libGL, take the wheel without windows.
if ! reason=$("$venv/bin/python" -c 'import cv2' 2>&1); then
  echo "No window here, taking opencv-python-headless; for a window: sudo apt install libgl1 libglib2.0-0" >&2
  echo "${reason##*ImportError: }" >&2
  version=$("$venv/bin/python" -m pip list --format freeze | sed -n 's/^opencv-python==//p')
  pip uninstall --quiet --yes opencv-python
  # Reinstall it even if it is installed: uninstalling the other wheel has removed the files that they share.
  install --force-reinstall --no-deps "opencv-python-headless==$version"
fi
"$venv/bin/python" -c 'import cv2'
