"""Films: files, and films behind an address. Times are read, not counted; damaged spots are skipped and logged."""

import logging
import tempfile
import time
from pathlib import Path

import cv2

from edge.address import redact
from edge.capture import CaptureSource, FileName, open_capture
from edge.containers import bytes_missing, has_index
from edge.errors import SourceError
from edge.media_type import codec_name, type_at
from edge.photos import decode
from edge.results import BgrImage
from edge.size_change import SizeWatch
from edge.webm import CODECS, PacketWatch

USUAL_FPS = 25.0
"""The rate to assume for a film that declares none, or an implausible one."""
TRUE_FPS = (0.1, 240.0)
"""Rates outside this range are checked against the images' own times."""
SHORTEST_S, LONGEST_S = 1 / 480, 600.0
"""The plausible range of the time from one image to the next."""
LOOKED_AT = 12
"""How many images' times are looked at if the rate is implausible."""
ATTEMPTS = 500
"""After this many reads without an image, a film of unknown length counts as over."""
SLOW_S = 1.0
"""A read that took longer and gave nothing has waited for the network in vain."""

_log = logging.getLogger(__name__)


class FilmClock:
    """The position in a film: its own times, or if those are implausible, the count of images."""

    def __init__(self, fps: float, believed: bool) -> None:
        self.fps = fps
        self._believed = believed
        self._last_s: float | None = None
        self._offset_s = 0.0

    def at(self, told_s: float) -> float:
        """The next image's position, from its time in the film `told_s`; always later than the position before."""
        if self._last_s is None:
            wanted_s = told_s if self._believed and 0 <= told_s < LONGEST_S else 0.0
            self._offset_s = wanted_s - told_s
        elif not self._believed or not 0 < told_s + self._offset_s - self._last_s <= LONGEST_S:
            self._offset_s = self._last_s + 1 / self.fps - told_s  # the times stand still, or jump
        self._last_s = told_s + self._offset_s
        return self._last_s


class VideoSource(CaptureSource):
    """A video file, an animated GIF or PNG, or a film behind an address."""

    live = False

    def __init__(self, path: Path | str, parameters: list[int] | None = None, name: str = "") -> None:
        self._file = FileName(path) if isinstance(path, Path) else None
        self._where = self._file.text if self._file else str(path)
        self._parameters = parameters or []
        self._path = path
        name = name or redact(str(path))
        try:
            capture = open_capture(self._where, "", cv2.CAP_FFMPEG, self._parameters)
        except SourceError as error:
            self._close_file()
            raise SourceError(f"Expected a video that FFmpeg reads at {name}. Received: {_what(path)}") from error
        super().__init__(capture, name)
        self._ask_metadata()
        self._announced = int(max(0.0, capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._read = 0
        self._clock = self._film_clock()
        self.fps = self._clock.fps
        self._is_jpeg = self._takes_packets()
        self._size_watch, self._packet_watch = self._watches()
        self._rest: tempfile.TemporaryDirectory[str] | None = None

    def read(self) -> BgrImage | None:
        """Read the next image, None at the end; a damaged spot is skipped."""
        is_damaged = False
        for _ in range(ATTEMPTS):
            began_s = time.monotonic()
            if (image := self._read_one()) is not None:
                if self._goes_on_in_another_size():
                    continue
                return self._found(image, is_damaged) if not self._has_changed(image) else None
            is_damaged = True
            if 0 < self._announced <= self._read or time.monotonic() - began_s > SLOW_S:
                break
        self._end()
        return None

    def skip(self) -> None:
        """Skip the next image."""
        self.read()

    def close(self) -> None:
        """Release the capture; only the thread that reads may do it."""
        super().close()
        self._close_file()
        if self._packet_watch:
            self._packet_watch.close()
        if self._rest:
            self._rest.cleanup()

    def _read_one(self) -> BgrImage | None:
        ok, image = self._capture.read()
        if ok and self._is_jpeg:
            return decode(image.tobytes())
        return image if ok else None  # type: ignore[return-value]

    def _goes_on_in_another_size(self) -> bool:
        """Whether the size has changed, so that the last image is void; the rest is then read as a separate film."""
        watch = self._packet_watch
        if watch is None or not watch.changes_by(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000):
            return False
        self._rest = self._rest or tempfile.TemporaryDirectory(prefix="emotion-film-", ignore_cleanup_errors=True)
        path = Path(self._rest.name) / f"{self._read}.ivf"
        watch.write_rest(path)
        watch.close()
        self._capture.release()
        self._where = str(path)
        self._capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, self._parameters)
        self._size_watch, self._packet_watch = self._watches()
        return True

    def _watches(self) -> tuple[SizeWatch, PacketWatch | None]:
        codec = _fourcc(self._capture)
        packets = PacketWatch(self._packets(), codec) if codec in CODECS and isinstance(self._path, Path) else None
        return SizeWatch(lambda: cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, self._parameters)), packets

    def _has_changed(self, image: BgrImage) -> bool:
        """Whether the film goes on in another size that can't be read."""
        told_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._is_jpeg or not self._size_watch.sees_change(image, told_s):
            return False
        self.failed += 1
        _log.warning(
            "%s changes the size of its images at about %.1f s, which OpenCV does not follow: the rest is left out; "
            "convert it: ffmpeg -i IN -vf scale=640:480 OUT.mp4",
            self._name,
            self.position_s or 0.0,
        )
        return True

    def _found(self, image: BgrImage, after_damage: bool) -> BgrImage:
        if after_damage and self._read:
            self.failed += 1
            _log.warning("%s is damaged after %.1f s; what follows is read", self._name, self.position_s or 0.0)
        self._read += 1
        self.position_s = self._clock.at(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return self._upright(image)

    def _end(self) -> None:
        """Raise an error if nothing was read; log if the film is cut off, or just shorter than announced."""
        if not self._read:
            codec = codec_name(_fourcc(self._capture))
            remedy = "convert it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p OUT.mp4"
            raise SourceError(f"Expected images of {self._name}. Received: none; its codec is {codec}: {remedy}")
        is_short = self._read < 0.95 * self._announced - 2
        if isinstance(self._path, str) and is_short:
            raise SourceError(f"Expected {self._announced} images of {self._name}. Received: {self._read}")
        if isinstance(self._path, Path) and (missing := bytes_missing(self._path)):
            _log.warning("%s is cut: the last %d bytes that it announces are not there", self._name, missing)
        elif is_short:
            _log.warning("%s ended after %d of about %d images", self._name, self._read, self._announced)

    def _film_clock(self) -> FilmClock:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        if TRUE_FPS[0] <= fps <= TRUE_FPS[1]:
            return FilmClock(fps, believed=True)
        step_s = self._mean_step_s()
        if SHORTEST_S <= step_s <= LONGEST_S:
            return FilmClock(1 / step_s, believed=True)
        return FilmClock(USUAL_FPS, believed=False)

    def _mean_step_s(self) -> float:
        """The mean time between the first images, read with a second capture; 0 if there are none."""
        capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, self._parameters)
        times_s = [capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 for _ in range(LOOKED_AT) if capture.grab()]
        capture.release()
        return (times_s[-1] - times_s[0]) / (len(times_s) - 1) if len(times_s) > 1 else 0.0

    def _takes_packets(self) -> bool:
        """Whether the film is a series of JPEGs: then decode them one by one.

        OpenCV's own decoding fails or crashes if the size or the color format changes within such a film.
        """
        if _fourcc(self._capture).lower() not in ("mjpg", "jpeg"):
            return False
        size = (self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT), self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        trial = self._packets()
        ok, packet = trial.read()
        image = decode(packet.tobytes()) if ok else None
        trial.release()
        if image is None or image.shape[:2] != size:  # half images, or no JPEGs
            return False
        self._capture.release()
        self._capture = self._packets()
        return True

    def _packets(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, self._parameters)
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        return capture

    def _close_file(self) -> None:
        if self._file:
            self._file.close()


def _fourcc(capture: cv2.VideoCapture) -> str:
    return int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True).decode("latin-1").strip("\0 ")


def _what(path: Path | str) -> str:
    """What is at `path`, which OpenCV can't open."""
    if isinstance(path, str):
        return "it does not open"
    kind = type_at(path)
    if not path.stat().st_size:
        return "an empty file"
    if kind == "MP4" and not has_index(path):
        return "an MP4 without its index: it is cut, or its recording was not finished"
    return f"it does not open{f'; it is {kind}' if kind else ', and is none of the known kinds'}"
