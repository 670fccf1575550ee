# What a systemd manager of one's own needs of control groups: read by user_manager.sh and system_manager.sh.

enter_group() {  # run `unshare --cgroup ARGUMENTS` in a group of our own, below the one that systemd keeps on this machine
  root=/sys/fs/cgroup
  [ -e "$root/cgroup.procs" ] || root=/sys/fs/cgroup/systemd
  group=$root/emotion-edge-test-$$
  mkdir "$group" 2>/dev/null || exit 77
  trap 'sleep 0.2; find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true' EXIT
  trap 'exit 143' TERM INT HUP
  # sh writes its own number here, and its children stay there.
  sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare --cgroup "$@"' "$group" "$@"
}

mount_groups() {  # only our own group can be seen from now on
  if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 none /sys/fs/cgroup
  else
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
  fi
}
