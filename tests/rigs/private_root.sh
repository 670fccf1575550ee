#!/bin/sh
# Run a command in a copy of this machine's root folder: what it writes there, mounts, and leaves running is gone with it.
# It has process numbers and a network of its own, with nothing but 127.0.0.1. Needs root.
#   tests/rigs/private_root.sh COMMAND...
# Exit code 77: such a copy can't be made here.
set -eu

if [ "${1:-}" != inside ]; then
  exec unshare --mount --pid --net --fork --kill-child "$0" inside "$@" || exit 77
fi
shift
here=$PWD root=/mnt/root
mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work $root || exit 77
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay $root || exit 77
# What is mounted in the root folder is no part of it.
awk '{ print $5 }' /proc/self/mountinfo | grep -vE '^/(mnt|proc|sys|dev|run)(/|$)|^/$' | while read -r place; do
  [ -d "$place" ] || : >>"$root$place"
  mount --bind "$place" "$root$place"
done
mount -t proc proc $root/proc
mount --rbind /sys $root/sys
mount --rbind /dev $root/dev
mount -t tmpfs tmpfs $root/run
cd $root
pivot_root . mnt
cd "$here"
umount -l /mnt
exec "$@"
