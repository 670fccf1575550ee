#!/bin/sh
# Run a command under a real systemd system manager of its own, in a copy of this machine's root folder, which ends with
# the command. It starts nothing but what the command asks for. Needs root, systemd and D-Bus' programs.
#   tests/rigs/system_manager.sh sh -c 'systemctl start ...'
# Exit code 77: control groups, or such a copy, can't be made here.
set -eu
rigs=$(cd "$(dirname "$0")" && pwd)
. "$rigs/control_groups.sh"

prepare() {
  mount_groups
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys  # the kernel's settings are everybody's
  mount --make-rshared /  # as systemd does itself where it thinks that it is in no container
  rm -rf /etc/systemd/system/*.wants /lib/systemd/system/sysinit.target.wants /lib/systemd/system/*.target.wants
  printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/nothing.target
}

if [ "${1:-}" != inside ]; then
  enter_group "$rigs/private_root.sh" "$rigs/system_manager.sh" inside "$@"
  exit
fi
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
