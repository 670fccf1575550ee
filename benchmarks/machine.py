"""Describes the machine of a measurement: saved with every result, it decides which results can be compared."""

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("ai-edge-litert", "numpy", "opencv-python", "tflite-runtime")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe() -> dict[str, object]:
    """The machine's processor, cores, governor, load and versions."""
    return {
        "processor": _cpu_field("model name") or _cpu_field("Model") or platform.processor(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "governor": GOVERNOR.read_text().strip() if GOVERNOR.is_file() else "unknown",
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := _version(name))},
    }


def identity() -> str:
    """A text that is equal for runs with comparable times: processor, cores and Python, but no host name."""
    parts = [str(describe()[key]) for key in ("processor", "architecture", "cores", "python")]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def has_int8_dot_product() -> bool:
    """Whether one instruction multiplies and adds four int8 pairs per lane (VNNI on x86, dotprod on ARM)."""
    flags = f"{_cpu_field('flags')} {_cpu_field('Features')}".split()
    return bool({"avx512_vnni", "avx_vnni", "asimddp"} & set(flags))


def memory_mb(process: str = "self", field: str = "VmRSS") -> float:
    """Resident memory of a process in MB (10^6); `VmHWM` is the highest so far."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"Expected a field of /proc/{process}/status. Received: {field!r}")


def _cpu_field(name: str) -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
