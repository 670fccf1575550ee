"""The type of a file, from its first bytes: names lie, and an error message should say what was received."""

import re
from pathlib import Path

HEAD_BYTES, FULL_BYTES = 64, 4160
"""How many bytes of a file are enough to tell its type, and whether it is animated."""
PHOTO_TYPES = frozenset({"JPEG", "PNG", "WebP", "BMP", "TIFF", "JPEG 2000", "PNM", "Radiance HDR"})
"""Still images that OpenCV reads."""
MOVING_TYPES = frozenset({"GIF", "animated PNG", "animated WebP"})
FOREIGN_TYPES = frozenset({"HEIC", "AVIF", "JPEG XL", "camera raw", "PDF", "SVG", "Photoshop"})
"""Images that the usual OpenCV does not read."""
FOREIGN_SUFFIXES = frozenset(
    {".arw", ".avif", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".orf", ".psd", ".raf", ".rw2"}
)
_SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"GIF8[79]a", "GIF"),
    (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "HEIC"),
    (rb"....ftyp(avif|avis)", "AVIF"),
    (rb"....ftypcrx |FUJIFILMCCD-RAW|IIU\x00|II\*\x00.{4}CR|MMOR|IIRO", "camera raw"),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+", "TIFF"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"BM.{4}\x00\x00\x00\x00", "BMP"),
    (rb"P[1-6]\s", "PNM"),
    (rb"#\?RADIANCE|#\?RGBE", "Radiance HDR"),
    (rb"8BPS", "Photoshop"),
    (rb"%PDF", "PDF"),
    (rb"\s*<(\?xml|svg)", "SVG"),
    (rb"\s*<(!doctype|html|head)", "a web page"),
    (rb"\x00\x05\x16\x07", "a Mac's notes about another file"),
    (rb"....(ftyp|moov|mdat|free|skip|wide)", "MP4"),
    (rb"\x1aE\xdf\xa3", "Matroska"),
    (rb"RIFF....AVI ", "AVI"),
    (rb"#EXTM3U", "a playlist"),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL | re.IGNORECASE), name) for pattern, name in _SIGNATURES)
_CODECS = {
    "av01": "AV1",
    "dav1": "AV1",
    "hev1": "HEVC",
    "hvc1": "HEVC",
    "vvc1": "VVC",
    "apch": "ProRes",
    "apcn": "ProRes",
    "webp": "animated WebP",
}


def type_of(head: bytes) -> str:
    """The type of a file with these first bytes; empty if it is unknown."""
    for pattern, name in _PATTERNS:
        if pattern.match(head):
            return name
    return ""


def full_type_of(content: bytes) -> str:
    """As `type_of`, but animated images are told apart from still ones, by the first `FULL_BYTES`."""
    name = type_of(content[:HEAD_BYTES])
    if name == "WebP" and content[12:16] == b"VP8X" and content[20] & 0x02:
        return "animated WebP"
    return "animated PNG" if name == "PNG" and _has_animation(content[:FULL_BYTES]) else name


def type_at(path: Path) -> str:
    """The full type of the file at `path`; OSError if it can't be read."""
    with path.open("rb") as file:
        return full_type_of(file.read(FULL_BYTES))


def codec_name(four: str) -> str:
    """A codec's four-letter code, with its usual name."""
    usual = _CODECS.get(four.lower())
    return f"{usual} ({four})" if usual else four or "unknown"


def _has_animation(head: bytes) -> bool:
    """Whether a PNG announces an animation before its first image."""
    place = head.find(b"acTL")
    return place > 0 and (place < head.find(b"IDAT") or b"IDAT" not in head)
