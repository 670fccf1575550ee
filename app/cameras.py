"""Lists this machine's webcams without opening one, since opening would light its lamp."""

from pathlib import Path

SYSTEM_CAMERAS = Path("/sys/class/video4linux")


def webcams(folder: Path = SYSTEM_CAMERAS) -> dict[str, str]:
    """The names of the webcams by their indices, as the Linux kernel lists them; empty on other systems."""
    if not folder.is_dir():
        return {}
    found = {entry.name.removeprefix("video"): entry for entry in folder.glob("video*") if _is_capture(entry)}
    return {index: _name(found[index]) for index in sorted(found, key=int)}


def _is_capture(entry: Path) -> bool:
    number = entry / "index"  # a webcam has several nodes; the first delivers images, the others metadata
    return entry.name.removeprefix("video").isdigit() and (not number.is_file() or number.read_text().strip() == "0")


def _name(entry: Path) -> str:
    name = entry / "name"
    return name.read_text().strip() if name.is_file() else "camera"
