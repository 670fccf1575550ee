"""A source as the main loop sees it: its frames and its state; it reopens when it fails.

    Camera (the loop's side: take, watch, reopen) -> Reader (the thread: open, read, close) -> a source

A reader that is stuck inside a call is abandoned: it can't be killed, but it closes its own source when the call
returns, and its frames no longer count.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from edge.config import EdgeConfig
from edge.errors import EmotionError, RefusedError, StuckThreadError
from edge.image_watch import ImageWatch
from edge.names import named
from edge.rate_limiter import RateLimiter
from edge.reader import Opener, Opening, Reader, SameImageError
from edge.results import CameraState, CameraStatus, Frame
from edge.sources import is_live, open_source

BACKOFF_S = 0.1
"""The first pause between two attempts to open; it doubles up to `EdgeConfig.reconnect_s`."""
WATCH_S = 0.1
"""How often the cameras are checked while no frame comes."""
REFUSED_S, MOST_REFUSED_S = 10.0, 600.0
"""The first and the longest pause after user or password were refused: cameras lock out clients that ask often."""
MOST_STUCK = 8
"""How many readers of one source may be stuck at a time; then the source is not opened again."""
MOST_REASONS = 10
"""How many different reasons of one outage are logged."""
STUCK_S = 120.0
"""A reader that hangs longer than this is taken to hold its device for ever: only the end of the process frees it."""

_log = logging.getLogger(__name__)


class Camera:
    """One source as the main loop sees it.

    Usage:
        with Camera("demo", EdgeConfig()) as camera:
            frame = camera.wait(1.0)

    A live source that dies after its first frame is reopened for ever, with growing pauses; one that
    can't be opened at the start, and any failing file, raises its SourceError from `take`. One of
    several live sources (`sole` is false) may be absent at the start.
    """

    def __init__(
        self,
        source: str,
        config: EdgeConfig,
        wake: threading.Condition | None = None,
        sole: bool = True,
        opener: Opener | None = None,
    ) -> None:
        self.name, self._address = named(source)
        self.status = CameraStatus.now(self.name, CameraState.OPENING)
        """A new value whenever the state changes."""
        self.reconnects = 0
        self.limiter = RateLimiter(config.fps)
        """Lets the reader skip the decoding of live frames that come too soon; whoever takes frames asks it too."""
        self._may_be_absent = not sole and is_live(self._address)
        self._config = config
        self._opener = opener or open_source
        self.wake = wake or threading.Condition()
        self._dropped_before = 0
        self._skipped_before = 0
        self._failed_before = 0
        self._image_watch = ImageWatch()
        self._refused_s = 0.0
        self._backoff_s = BACKOFF_S
        self._started_s = 0.0
        self._reopen_at_s = 0.0
        self._abandoned: list[Reader] = []
        self._reader: Reader | None = None
        self._next_index = 0
        self._was_online = False
        self._reasons: set[str] = set()
        """Those logged since the state last changed."""
        self._last_frame_s = float("-inf")

    def __enter__(self) -> "Camera":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the reader thread."""
        self._started_s = time.monotonic()
        opening = Opening(self.name, self._address, self._config, self._opener)
        self._reader = Reader(opening, self.wake, self.limiter, self._image_watch)
        self._reader.index = self._next_index
        self._reader.start()

    def tell_to_stop(self) -> None:
        """Ask the threads to end, without waiting."""
        for reader in self._readers:
            reader.tell_to_stop()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the threads; a StuckThreadError names those that are still inside a call after `timeout_s`.

        Those close their source and end when the call returns, within the time-outs of the configuration.
        """
        self.tell_to_stop()
        deadline_s = time.monotonic() + timeout_s
        for reader in self._readers:
            reader.join(max(0.0, deadline_s - time.monotonic()))
        if alive := [reader.name for reader in self._readers if reader.is_alive()]:
            raise StuckThreadError(f"Expected the threads of {self.name} to end. Received: alive {alive}")

    @property
    def _readers(self) -> list[Reader]:
        return [*self._abandoned, *([self._reader] if self._reader else [])]

    @property
    def state(self) -> CameraState:
        """The camera's state now."""
        return self.status.state

    @property
    def absent(self) -> bool:
        """Whether the camera could not be opened and never gave a frame."""
        return self.state is CameraState.OFFLINE and not self._was_online

    @property
    def dropped(self) -> int:
        """Number of frames that newer ones overwrote before anybody took them."""
        return self._dropped_before + (self._reader.dropped if self._reader else 0)

    @property
    def skipped(self) -> int:
        """Number of frames skipped to keep to the limiter's rate."""
        return self._skipped_before + (self._reader.skipped if self._reader else 0)

    @property
    def failed(self) -> int:
        """Number of photos, and damaged spots of a film, that could not be read and were skipped."""
        return self._failed_before + (self._reader.failed if self._reader else 0)

    @property
    def pending(self) -> bool:
        """Whether there is something for the loop to do here: a frame, or a reader that has ended."""
        reader = self._reader
        return reader is not None and (reader.pending or not reader.is_alive())

    def take(self) -> Frame | None:
        """Take the newest frame that was not taken yet (of a file: the next one); None if there is none.

        Raises:
            SourceError: the source can't be opened at all, or a file is damaged.
            StuckThreadError: the source hangs, and only a restart of the process helps.
        """
        frame = self._reader.take() if self._reader else None
        if frame is None:
            self._watch()
            return None
        self._next_index = frame.index + 1
        self._last_frame_s = frame.captured_monotonic_s
        self._backoff_s, self._refused_s = BACKOFF_S, 0.0
        self._was_online = True
        self._set_state(self._image_watch.state, self._image_watch.reason)
        return frame

    def wait(self, timeout_s: float) -> Frame | None:
        """Take a frame as `take` does, but wait up to `timeout_s` for it."""
        return next(iter_frames([self], timeout_s=timeout_s), None)

    def _watch(self) -> None:
        """End, reopen or abandon a reader that gives nothing."""
        now_s = time.monotonic()
        reader = self._reader
        if reader is None:
            self._abandoned = [old for old in self._abandoned if old.is_alive()]
            if any(now_s - max(old.progress_s, self._last_frame_s) > STUCK_S for old in self._abandoned):
                raise StuckThreadError(f"Expected {self.name} to answer within {STUCK_S:g} s. Received: nothing")
            if self.state is not CameraState.ENDED and now_s >= self._reopen_at_s and len(self._abandoned) < MOST_STUCK:
                self.reconnects += 1
                self.start()
        elif not reader.is_alive() and not reader.pending:
            self._lose(reader)
        elif reader.live and now_s - reader.progress_s > self._patience_s(reader):
            reader.tell_to_stop()
            self._abandoned.append(reader)
            self._set_state(CameraState.STALLED, "a read hangs")
            self._reopen_later(reader)
        elif reader.opened and self._image_watch.state is CameraState.FROZEN:
            self._set_state(CameraState.FROZEN, self._image_watch.reason)

    def _patience_s(self, reader: Reader) -> float:
        wait_s = max(self._config.read_timeout_s, reader.silence_s)
        return wait_s if reader.opened else self._config.open_timeout_s + wait_s

    def _lose(self, reader: Reader) -> None:
        if reader.error is None:
            self._set_state(CameraState.ENDED)
            self._forget_reader()
        elif reader.live and isinstance(reader.error, EmotionError) and (self._was_online or self._may_be_absent):
            if not isinstance(reader.error, SameImageError):
                self._set_state(CameraState.OFFLINE, str(reader.error))
            self._reopen_later(reader)
        else:
            raise reader.error

    def _reopen_later(self, reader: Reader) -> None:
        """Plan the next attempt: the pause counts from the start of the last one, since that may have hung for long."""
        self._forget_reader()
        self._next_index = max(self._next_index, reader.index)
        self._reopen_at_s = self._started_s + self._backoff_s
        self._backoff_s = min(2 * self._backoff_s, self._config.reconnect_s)
        if isinstance(reader.error, RefusedError):
            self._refused_s = min(2 * self._refused_s or REFUSED_S, MOST_REFUSED_S)
            self._reopen_at_s = time.monotonic() + self._refused_s

    def _forget_reader(self) -> None:
        self._dropped_before, self._skipped_before, self._failed_before = self.dropped, self.skipped, self.failed
        self._reader = None

    def _set_state(self, state: CameraState, reason: str = "") -> None:
        if state is self.state or (self.state is CameraState.STALLED and state is CameraState.OFFLINE):
            if state is CameraState.OFFLINE and reason != self.status.reason:
                self._change_reason(reason)
            return
        lost = state not in (CameraState.ONLINE, CameraState.ENDED)
        if lost or self.state is not CameraState.OPENING:
            why = f": {reason}" if reason else ""
            _log.log(logging.WARNING if lost else logging.INFO, "camera %s is %s%s", self.name, state.value, why)
        self._reasons = {reason}
        self.status = CameraStatus.now(self.name, state, reason)

    def _change_reason(self, reason: str) -> None:
        """Say why the camera is away now; it has been away since the same time as before."""
        if reason not in self._reasons and len(self._reasons) < MOST_REASONS:
            self._reasons.add(reason)
            _log.warning("camera %s is still offline: %s", self.name, reason)
        self.status = replace(self.status, state=CameraState.OFFLINE, reason=reason)


def visit(
    cameras: Sequence[Camera], stop: threading.Event | None = None, timeout_s: float | None = None
) -> Iterator[tuple[Camera, Frame | None]]:
    """Yield each camera in fair turns, with its next frame or None, until all have ended, `stop` is set or time is up.

    Cameras that share one `wake` condition are visited at once when there is something to take, and at least every
    `WATCH_S`. `cameras` may change between two visits.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    while not (stop and stop.is_set()) and any(camera.state is not CameraState.ENDED for camera in cameras):
        for camera in tuple(cameras):
            yield camera, camera.take()
        if deadline_s is not None and time.monotonic() >= deadline_s:
            return
        with cameras[0].wake:
            cameras[0].wake.wait_for(lambda: any(camera.pending for camera in cameras), WATCH_S)


def iter_frames(
    cameras: Sequence[Camera], stop: threading.Event | None = None, timeout_s: float | None = None
) -> Iterator[Frame]:
    """Yield only the frames of `visit`."""
    return (frame for _, frame in visit(cameras, stop, timeout_s) if frame is not None)
