#!/bin/sh
# Run a command under a real systemd user manager of its own, which ends with the command. Needs root and systemd.
#   tests/rigs/user_manager.sh sh -c 'systemctl --user start ...'
# A manager takes every process that it sees in the control groups. So it gets namespaces in which it sees only these.
# Exit code 77: control groups can't be made here, as in most containers.
set -eu
rigs=$(cd "$(dirname "$0")" && pwd)
. "$rigs/control_groups.sh"

start_manager() {
  # It starts only where /run says that the machine was booted with systemd.
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system /run/user/0 /run/config/systemd/user
  chmod 700 /run/user/0
  export XDG_RUNTIME_DIR=/run/user/0 XDG_CONFIG_HOME=/run/config
  /lib/systemd/systemd --user --log-target=console --log-level=warning </dev/null >/run/manager.log 2>&1 &
  for _ in $(seq 50); do
    systemctl --user is-system-running >/dev/null 2>&1 && return
    sleep 0.1
  done
  cat /run/manager.log >&2
}

if [ "${1:-}" != inside ]; then
  enter_group --mount --pid --fork --kill-child --mount-proc "$0" inside "$@"
  exit
fi
shift
mount_groups
start_manager
"$@"
