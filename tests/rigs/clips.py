"""Images and clips of the demo's face with a frame counter in them: age, loss and repeats are read, not guessed."""

import functools
import time
from pathlib import Path

import cv2
import numpy as np

from edge.results import BgrImage
from edge.sources import DemoSource

BITS, SIDE = 20, 32


def stamped(index: int, demo: DemoSource | None = None) -> BgrImage:
    """The demo's image with `index` as 20 black or white squares along its top; survives JPEG and H.264."""
    image = (demo or DemoSource()).image(index)
    draw_stamp(image, index)
    return image


def draw_stamp(image: BgrImage, stamp: int) -> None:
    """Write `stamp` into the image."""
    for bit in range(BITS):
        image[:SIDE, bit * SIDE : (bit + 1) * SIDE] = 255 if stamp >> bit & 1 else 0


def read_stamp(image: BgrImage) -> int:
    """The index in an image that `stamped` made."""
    middles = image[SIDE // 2, SIDE // 2 :: SIDE].mean(axis=1) > 127
    return int(sum(1 << bit for bit, white in enumerate(middles[:BITS]) if white))


def milliseconds() -> int:
    """The machine's monotonic clock, as far as a stamp can hold it: all processes agree on it."""
    return time.monotonic_ns() // 1_000_000 % (1 << BITS)


def age_ms(image: BgrImage) -> int:
    """How long ago an image stamped with `milliseconds` was made."""
    return (milliseconds() - read_stamp(image)) % (1 << BITS)


def jpeg(stamp: int) -> bytes:
    """One image, always of the same scene, with this stamp."""
    image = _scene().copy()
    draw_stamp(image, stamp)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


@functools.cache
def _scene() -> BgrImage:
    return DemoSource().image(0)


def jpegs(count: int) -> list[bytes]:
    """Stamped images 0 to `count` - 1 as JPEG files."""
    demo = DemoSource()
    return [cv2.imencode(".jpg", stamped(index, demo))[1].tobytes() for index in range(count)]


def write_mjpeg(path: Path, count: int) -> Path:
    """Concatenated JPEGs."""
    path.write_bytes(b"".join(jpegs(count)))
    return path


def write_avi(path: Path, count: int, fps: float = 30.0) -> Path:
    """A Motion-JPEG file; cut anywhere, its beginning still plays."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, DemoSource.size)
    demo = DemoSource()
    for index in range(count):
        writer.write(stamped(index, demo))
    writer.release()
    return path


def write_h264(path: Path, count: int, fps: int = 30) -> Path:
    """An H.264 file without B frames, as an IP camera sends it."""
    import av

    demo = DemoSource()
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = *DemoSource.size, "yuv420p"
        for index in range(count):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(stamped(index, demo)), "bgr24"))
            )
        container.mux(stream.encode())
    return path
