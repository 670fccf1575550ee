#!/usr/bin/env bash
# The edge tests on aarch64 CPython 3.11 with the real aarch64 wheels, under user-mode emulation: no chroot, no binfmt.
# It proves that the runtime works there and gives the same results; it says nothing about speed.
#
#   tests/rigs/arm64.sh setup DIR                      once, as root; needs qemu-user-static and mmdebstrap
#   tests/rigs/arm64.sh run DIR -m edge.run --help     any Python command there, from the repository's root
#   tests/rigs/arm64.sh test DIR                       the edge tests there, and the same results as here
set -euo pipefail

verb=$1 root=$(realpath -m "$2")
shift 2
case $verb in
setup)
  mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  mmdebstrap --variant=extract --architectures=arm64 --include=python3.11,libstdc++6,libgcc-s1 --components=main \
    bookworm "$root" "deb $mirror bookworm main"
  python3 -m pip install --target "$root/opt/edge" \
    --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_34_aarch64 --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
    --only-binary=:all: "numpy<2" tflite-runtime==2.14.0 "opencv-python-headless==4.11.0.86" pytest pytest-timeout
  touch "$root/ready"
  ;;
run)
  export QEMU_CPU=${QEMU_CPU:-cortex-a72} QEMU_LD_PREFIX=$root PYTHONHOME=$root/usr PYTHONDONTWRITEBYTECODE=1
  export PYTHONPATH=$root/opt/edge OPENBLAS_NUM_THREADS=1
  libraries=$root/lib/aarch64-linux-gnu:$root/usr/lib/aarch64-linux-gnu
  exec qemu-aarch64-static -L "$root" -E "LD_LIBRARY_PATH=$libraries" "$root/usr/bin/python3.11" "$@"
  ;;
test)
  "$0" run "$root" -m pytest -p no:cacheprovider tests/edge/test_{affect,camera,config,detectors,motion,governor,pipeline,sinks,sources,tracking,tune}.py
  demo=(-m edge.run --headless --source demo --playback fast --max-frames 30 --runtime tflite)
  "$0" run "$root" "${demo[@]}" >"$root/there.jsonl"
  python3 "${demo[@]}" >"$root/here.jsonl"
  python3 -m tests.rigs.same_results "$root/here.jsonl" "$root/there.jsonl"
  ;;
esac
