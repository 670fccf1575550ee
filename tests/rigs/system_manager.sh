#!/bin/sh
# Run a command under a real systemd system manager of its own, in a copy of this machine's root folder, which ends with
# the command. It starts nothing but what the command asks for. Needs root, systemd and D-Bus' programs.
#   tests/rigs/system_manager.sh sh -c 'systemctl start ...'
# Exit code 77: control groups, or such a copy, can't be made here.
set -eu
rigs=$(cd "$(dirname "$0")" && pwd)

enter_group() {  # a control group of our own, below the one that systemd keeps on this machine
  root=/sys/fs/cgroup
  [ -e "$root/cgroup.procs" ] || root=/sys/fs/cgroup/systemd
  group=$root/emotion-edge-test-$$
  mkdir "$group" 2>/dev/null || exit 77
  trap 'sleep 0.2; find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true' EXIT
  trap 'exit 143' TERM INT HUP
  sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare --cgroup "$@"' \
    "$group" "$rigs/private_root.sh" "$rigs/system_manager.sh" inside "$@"
}

prepare() {
  if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 none /sys/fs/cgroup
  else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
  fi
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys  # the kernel's settings are everybody's
  mount --make-rshared /  # as systemd does itself where it thinks that it is in no container
  rm -rf /etc/systemd/system/*.wants /lib/systemd/system/sysinit.target.wants /lib/systemd/system/*.target.wants
  printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/nothing.target
}

if [ "${1:-}" != inside ]; then enter_group "$@"; exit; fi
shift
prepare
(
  for _ in $(seq 100); do
    systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && break
    sleep 0.1
  done
  code=0
  "$@" || code=$?
  systemctl exit "$code"
) &
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=nothing.target --log-target=null --show-status=0 </dev/null >/dev/null 2>&1
