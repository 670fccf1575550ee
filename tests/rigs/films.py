"""Films as phones, browsers and cameras make them: rotated, of wide pixels, uneven times, changing sizes."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.results import BgrImage
from edge.sources import DemoSource
from tests.rigs.clips import stamped

CLOCK = Fraction(1, 1000)
FAST = {"deadline": "realtime", "cpu-used": "8"}
"""Options of libvpx."""


def write_film(path: Path, times_ms: list[int], codec: str = "libx264", aspect: Fraction = Fraction(1)) -> Path:
    """A film with a stamped image at each of these times."""
    with av.open(str(path), "w") as container:
        options = (
            {"preset": "ultrafast", "g": "10"} if codec == "libx264" else {"deadline": "realtime", "cpu-used": "8"}
        )
        stream = container.add_stream(codec, rate=1000, options=options)
        stream.width, stream.height, stream.pix_fmt = *DemoSource.size, "yuv420p"
        stream.codec_context.time_base = CLOCK
        stream.codec_context.sample_aspect_ratio = aspect
        for index, time_ms in enumerate(times_ms):
            container.mux(stream.encode(_frame(stamped(index), time_ms)))
        container.mux(stream.encode())
    return path


def without_rate(path: Path) -> Path:
    """The same WebM as browsers record it: its rate is not said."""
    data = path.read_bytes()
    place = data.find(b"\x23\xe3\x83")
    if place >= 0:
        length = 4 + (data[place + 3] & 0x7F)
        path.write_bytes(
            data[:place] + b"\xec" + bytes([0x80 | (length - 2)]) + bytes(length - 2) + data[place + length :]
        )
    return path


def turned(path: Path, degrees: int) -> Path:
    """The same MP4, whose metadata ask to turn it clockwise."""
    data = bytearray(path.read_bytes())
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (number << 16 for number in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def write_changing(path: Path, sizes: list[tuple[int, int]], count: int = 20, codec: str = "libvpx") -> Path:
    """A WebM that has `count` images of each of these sizes, as a browser makes it when the network changes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p"
        for part, size in enumerate(sizes):
            for packet in _packets(size, part * count, count, codec):
                packet.stream = stream
                packet.time_base = CLOCK
                container.mux(packet)
    return path


def write_changing_stream(path: Path, sizes: list[tuple[int, int]], count: int = 60) -> Path:
    """An MPEG stream of H.264, as a recorder makes it of a camera whose size was changed."""
    parts = []
    for part, size in enumerate(sizes):
        place = path.with_name(f"part-{part}{path.suffix}")
        with av.open(str(place), "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for index in range(part * count, (part + 1) * count):
                image = cv2.resize(DemoSource().image(index), size)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
            container.mux(stream.encode())
        parts.append(place.read_bytes())
    path.write_bytes(b"".join(parts))
    return path


def write_jpeg_film(path: Path, images: list[bytes]) -> Path:
    """An AVI of these JPEGs, as a trail camera makes it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = *DemoSource.size, "yuvj420p"
        for index, image in enumerate(images):
            packet = av.Packet(image)
            packet.pts = packet.dts = index
            packet.time_base = Fraction(1, 30)
            packet.stream = stream
            packet.is_keyframe = True
            container.mux(packet)
    return path


def _frame(image: BgrImage, time_ms: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "bgr24")
    frame.pts, frame.time_base = time_ms, CLOCK
    return frame


def _packets(size: tuple[int, int], start: int, count: int, codec: str) -> list[av.Packet]:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *size, "yuv420p", CLOCK
    encoder.options, encoder.bit_rate = FAST, 2_000_000
    packets = []
    for index in range(start, start + count):
        image = cv2.resize(DemoSource().image(index), size)
        packets += encoder.encode(_frame(image, round(index * 1000 / 30)))
    return packets + encoder.encode(None)
