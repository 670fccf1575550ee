"""The device's own health: its temperature, and whether a Raspberry Pi slows down for lack of power or cooling."""

from pathlib import Path

THROTTLING = {"under_voltage": 0, "frequency_capped": 1, "throttled": 2, "soft_temperature_limit": 3}
"""The firmware's bits for "now"; 16 bits higher for "since the start" (see `vcgencmd get_throttled`)."""
SINCE_BOOT = 16
_TEMPERATURE = Path("sys/class/thermal/thermal_zone0/temp")
_THROTTLED = Path("sys/devices/platform/soc/soc:firmware/get_throttled")


def temperature_c(root: Path = Path("/")) -> float | None:
    """The processor's temperature; None if the system does not report it."""
    number = _number(root / _TEMPERATURE, 10)
    return None if number is None else number / 1000


def throttling(root: Path = Path("/")) -> dict[str, tuple[bool, bool]]:
    """For each reason to slow down: whether it holds now, and whether it did since the start; empty except on a Pi."""
    bits = _number(root / _THROTTLED, 16)
    if bits is None:
        return {}
    return {name: (bool(bits >> bit & 1), bool(bits >> bit + SINCE_BOOT & 1)) for name, bit in THROTTLING.items()}


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(), base)
    except (OSError, ValueError):
        return None
