#!/bin/sh
# Run a command under a real systemd user manager of its own, which ends with the command. Needs root and systemd.
#   tests/rigs/user_manager.sh sh -c 'systemctl --user start ...'
# A manager takes every process that it sees in the control groups. So it gets namespaces in which it sees only these.
# Exit code 77: control groups can't be made here, as in most containers.
set -eu

enter_group() {  # a control group of our own, below the one that systemd keeps on this machine
  root=/sys/fs/cgroup
  [ -e "$root/cgroup.procs" ] || root=/sys/fs/cgroup/systemd
  group=$root/emotion-edge-test-$$
  mkdir "$group" 2>/dev/null || exit 77
  trap 'sleep 0.2; find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true' EXIT
  trap 'exit 143' TERM INT HUP
  # sh writes its own number here, and its children stay there.
  sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup "$@"' \
    "$group" "$0" inside "$@"
}

mount_groups() {
  if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 none /sys/fs/cgroup
  else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
  fi
}

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

if [ "${1:-}" != inside ]; then enter_group "$@"; exit; fi
shift
mount_groups
start_manager
"$@"
