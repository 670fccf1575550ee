"""The capture thread: opens a source, reads its images at the right time, and closes it.

OpenCV crashes when another thread releases a capture that is being read, so a reader owns its source from opening to
closing. It keeps the newest frame of a live source, and every frame of a file.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from edge.command_line import CAMERA_THREAD
from edge.config import EdgeConfig
from edge.errors import SourceError
from edge.image_watch import ImageWatch
from edge.orientation import orient
from edge.preprocess import checked_image, checked_position
from edge.rate_limiter import RateLimiter
from edge.results import BgrImage, CameraState, Frame
from edge.sources import Source

FILE_QUEUE = 2
"""How many frames of a file are read ahead."""
LONGEST_PAUSE_S = 60.0
"""The longest pause between two images of a film that is played, whatever its timestamps say."""
POLL_S, SHORTEST_POLL_S = 0.02, 1 / 30
"""How often to check whether to request an image, and the least time between two requests."""

Opener: TypeAlias = Callable[[str, EdgeConfig], Source]
"""A function that opens a source by its name, as `open_source` does."""


class SameImageError(SourceError):
    """A source repeats the same image, and must be reopened."""


class Opening(NamedTuple):
    """How to open a source."""

    camera: str
    """The camera's name."""
    address: str
    config: EdgeConfig
    opener: Opener


class Reader(threading.Thread):
    """Opens a source, reads it until told to stop, and closes it, all in this thread."""

    def __init__(
        self, opening: Opening, wake: threading.Condition, limiter: RateLimiter, image_watch: ImageWatch
    ) -> None:
        self._shown_name = opening.camera
        super().__init__(name=f"{CAMERA_THREAD}{self._shown_name}", daemon=True)
        self.error: Exception | None = None
        self.progress_s = time.monotonic()
        """When the last blocking call began, for the watchdog."""
        self.opened = False
        self.index = 0
        self.dropped = 0
        self.skipped = 0
        self.failed = 0
        self.live = True
        self.silence_s = 0.0
        self._opening = opening
        self._wake = wake
        self._limiter = limiter
        self._image_watch = image_watch
        self._asked_s = float("-inf")
        self._frames: deque[Frame] = deque()
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Open, read and close the source; the thread runs this."""
        try:
            source = self._opening.opener(self._opening.address, self._opening.config)
            try:
                self.live, self.silence_s = source.live, source.silence_s
                self._read_all(source)
            finally:
                source.close()
        except Exception as error:  # passed to the main loop, which raises it or reopens the source
            self.error = error
        with self._wake:
            self._wake.notify_all()

    def take(self) -> Frame | None:
        """Take the oldest waiting frame, if any (a live source keeps only the newest)."""
        with self._wake:
            frame = self._frames.popleft() if self._frames else None
            self._wake.notify_all()
        return frame

    def tell_to_stop(self) -> None:
        """Ask the thread to end; it does so when its current call returns."""
        self._stop_event.set()
        with self._wake:
            self._frames.clear()
            self._wake.notify_all()

    @property
    def pending(self) -> bool:
        """Whether a frame waits."""
        return bool(self._frames)

    def _read_all(self, source: Source) -> None:
        player = _Player(self._stop_event) if not source.live and self._opening.config.playback == "real" else None
        while not self._stop_event.is_set():
            self.progress_s = time.monotonic()
            if source.live and self._is_early(source):
                continue
            image = source.read()
            if image is None:
                self.failed = source.failed
                return
            image = checked_image(image, self._shown_name)
            position_s = self._position_s(source)
            if player and position_s is not None:
                player.wait_for(position_s)
            if not source.live or self._sees(image, source):
                self._put(self._frame(image, source, position_s))
            self.index += 1

    def _is_early(self, source: Source) -> bool:
        """Skip the next image if it would come too soon: don't decode it, or don't even request it. True if skipped."""
        if source.is_polled:
            period_s = max(1 / self._limiter.fps if self._limiter.fps > 0 else 0.0, SHORTEST_POLL_S)
            if self._limiter.is_early(self.progress_s) or self.progress_s < self._asked_s + period_s:
                self._stop_event.wait(POLL_S)
                return True
            self._asked_s = self.progress_s
        elif self._limiter.is_early(self.progress_s):
            source.skip()
            self.index += 1
            self.skipped += 1
            return True
        return False

    def _sees(self, image: BgrImage, source: Source) -> bool:
        """Whether a live source gives new images; raise a SameImageError if it froze and should be reopened."""
        now_s = time.monotonic()
        self.opened = True
        state = self._image_watch.see(image, now_s)
        if self._image_watch.wants_reopening(now_s, source.decoder_sticks):
            raise SameImageError(f"Expected {self._shown_name} to change. Received: the same image again and again")
        return state is not CameraState.FROZEN

    def _position_s(self, source: Source) -> float | None:
        """The last image's position in its film; a source of your own need not know it."""
        position_s = checked_position(source.position_s, self._shown_name)
        if source.live or position_s is not None or not source.fps:
            return position_s
        return self.index / source.fps

    def _frame(self, image: BgrImage, source: Source, position_s: float | None) -> Frame:
        is_still = not source.live and position_s is None
        if is_still:
            self.index += source.failed - self.failed  # a photo's index is its place among all
        self.failed = source.failed
        config = self._opening.config
        small = None if source.small is None else checked_image(source.small, self._shown_name)
        if not source.turns_itself:
            image, small = orient(image, config), small if small is None else orient(small, config)
        return Frame(
            image=image,
            index=self.index,
            captured_monotonic_s=time.monotonic(),
            captured_at=time.time(),
            source=self._shown_name,
            position_s=position_s,
            small=small,
            is_still=is_still,
            file=source.file,
        )

    def _put(self, frame: Frame) -> None:
        with self._wake:
            if self.live:
                self.dropped += len(self._frames)
                self._frames.clear()
            else:
                self._wake.wait_for(lambda: len(self._frames) < FILE_QUEUE or self._stop_event.is_set())
            self.opened = True
            self.progress_s = time.monotonic()
            if not self._stop_event.is_set():
                self._frames.append(frame)
            self._wake.notify_all()


class _Player:
    """Plays a film in real time, by its own timestamps."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._due_s = time.monotonic()
        self._last_s: float | None = None

    def wait_for(self, position_s: float) -> None:
        """Wait until this position is due; if the main loop is slow, the film is late, but never rushes to catch up."""
        step_s = 0.0 if self._last_s is None else min(max(0.0, position_s - self._last_s), LONGEST_PAUSE_S)
        self._last_s = position_s
        self._due_s = max(self._due_s + step_s, time.monotonic() - step_s)
        self._stop.wait(max(0.0, self._due_s - time.monotonic()))
