#!/usr/bin/env bash
# A bare Debian, and in it what a newcomer types: README's `apt install` lines, `git clone`, `make demo`, `make test`.
# Needs root and mmdebstrap; takes what this machine says of its network (names, certificates, pip.conf, proxies).
#
#   tests/rigs/bare.sh setup SUITE DIR       make the root, such as `setup trixie .bare/trixie`; nothing if it is there
#   tests/rigs/bare.sh clone DIR             a fresh clone of this repository's HEAD in it; its environments stay
#   tests/rigs/bare.sh run DIR COMMAND...    a command in the clone, such as `run .bare/trixie make demo`
#
# BARE_MOUNTS names folders of this machine that the root sees too, such as those of a local package index.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
verb=$1
shift

readme_packages() { sed -n 's/^\$ sudo apt install \([^#]*\).*/\1/p' "$here/README.md" | xargs | tr ' ' ','; }

setup() {
  suite=$1 root=$(realpath -m "$2")
  [ ! -f "$root/ready" ] || return 0
  mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  mmdebstrap --variant=minbase --include="ca-certificates,$(readme_packages)" --components=main \
    "$suite" "$root" "deb $mirror $suite main"
  touch "$root/ready"
}

copy_network() {
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  mkdir -p "$1/root/.pip" "$1/root/.config/pip"
  for file in pip.conf .pip/pip.conf .config/pip/pip.conf; do
    from=$HOME/$file to=$1/root/$file
    [ "$file" != pip.conf ] || from=/etc/pip.conf to=$1/etc/pip.conf
    [ ! -f "$from" ] || cp -L "$from" "$to"
  done
}

clone() {
  root=$(realpath "$1") tree=$(realpath "$1")/root/emotion-edge
  git -C "$here" bundle create --quiet "$root/root/emotion-edge.bundle" HEAD
  [ -d "$tree/.git" ] || inside "$root" /root git -c advice.detachedHead=false clone --quiet emotion-edge.bundle emotion-edge
  inside "$root" /root/emotion-edge git fetch --quiet /root/emotion-edge.bundle HEAD
  inside "$root" /root/emotion-edge git reset --quiet --hard FETCH_HEAD
}

# A namespace of its own: its mounts are gone when it ends, however it ends.
inside() {
  root=$1 folder=$2
  shift 2
  copy_network "$root"
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1 folder=$2; shift 2
    mount --bind "$root" "$root"  # a mount point: the tests make namespaces of their own in it
    mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
    for mount in ${BARE_MOUNTS:-}; do mkdir -p "$root$mount"; mount --bind "$mount" "$root$mount"; done
    mapfile -t network < <(env | grep -E "^(PIP_|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|[a-zA-Z]+_(proxy|PROXY)=)")
    exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      "${network[@]}" sh -c "cd \"\$0\" && exec \"\$@\"" "$folder" "$@"
  ' bash "$root" "$folder" "$@"
}

case $verb in
setup) setup "$@" ;;
clone) clone "$@" ;;
run)
  root=$(realpath "$1")
  shift
  inside "$root" /root/emotion-edge "$@"
  ;;
*)
  echo "Expected setup, clone or run. Received: $verb" >&2
  exit 2
  ;;
esac
