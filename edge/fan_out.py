"""Hands every result to every sink: one that fails does not disturb the others, and is tried again."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from edge.results import CameraState, CameraStatus, Frame, FrameResult
from edge.sinks import Sink, WindowClosedError

RETRY_S = 1.0
"""The first pause before a sink that failed is tried again; it doubles up to `LONGEST_RETRY_S`."""
LONGEST_RETRY_S = 30.0
FAULT_S = 1.0
"""A camera's fault that is over sooner is not reported."""

_log = logging.getLogger(__name__)


class _Output:
    """A sink and its state; one that fails is tried again, less and less often."""

    def __init__(self, sink: Sink, clock_s: Callable[[], float]) -> None:
        self.sink = sink
        self.error: OSError | None = None
        """Why the sink fails now; None if it works."""
        self.has_worked = False
        self.told: dict[str, tuple[CameraState, str]] = {}
        """What the sink knows of each camera: its state and the reason."""
        self._clock_s = clock_s
        self._lost = 0
        self._pause_s = RETRY_S
        self._retry_at_s = 0.0

    def try_to(self, call: Callable[[], object], results: int) -> bool:
        """Call a method of the sink, which takes so many results, unless the sink failed a moment ago.

        Return whether it was called, and did not fail.
        """
        if self.error and self._clock_s() < self._retry_at_s:
            self._lost += results
            return False
        try:
            wrote = call()
        except (WindowClosedError, BrokenPipeError):
            raise
        except OSError as error:
            self._fail(error)
            self._lost += results
            return False
        if wrote is not False:
            self._work()
        return True

    def _fail(self, error: OSError) -> None:
        if self.error is None:
            _log.warning("%s; the run goes on without it and tries again", error)
        self.error = error
        self._retry_at_s = self._clock_s() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)

    def _work(self) -> None:
        if self.error:
            _log.info("%s works again; results lost meanwhile: %d", type(self.sink).__name__, self._lost)
        self.error, self.has_worked, self._lost, self._pause_s = None, True, 0, RETRY_S


class FanOut:
    """Hands results to every sink; one that fails does not disturb the others, and is tried again.

    An error is raised if no sink has ever worked, and by `finish` if none works at the end.
    """

    def __init__(self, sinks: Sequence[Sink], clock_s: Callable[[], float] = time.monotonic) -> None:
        self.closed = False
        self._outputs = [_Output(sink, clock_s) for sink in sinks]
        self._clock_s = clock_s
        self._news: dict[str, CameraStatus] = {}
        self._states: dict[str, CameraStatus] = {}
        """What each sink should know."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Hand a result to every sink."""
        self._each(lambda sink: sink.write(frame, result), results=1)
        if not any(output.has_worked for output in self._outputs):
            self.finish()

    def tell(self, status: CameraStatus) -> None:
        """Take a camera's state; a fault reaches the sinks with the first `turn` after `FAULT_S`."""
        self._news[status.name] = status

    def turn(self) -> None:
        """Report changed camera states, and let sinks work while no frame comes: a window must answer."""
        for status in tuple(self._news.values()):
            if not status.state.may_pass or self._clock_s() - status.since_monotonic_s >= FAULT_S:
                self._states[status.name] = self._news.pop(status.name)
        for status in self._states.values():
            self._hand_on(status)
        self._each(lambda sink: getattr(sink, "turn", _nothing)())

    def _hand_on(self, status: CameraStatus) -> None:
        """Tell each sink that does not know it yet; one that fails at the moment is told later."""
        state = (status.state, status.reason)
        for output in tuple(self._outputs):
            if output.told.get(status.name) != state and self._is_done(output, partial(_tell, status)):
                output.told[status.name] = state

    def _each(self, call: Callable[[Sink], object], results: int = 0) -> None:
        for output in tuple(self._outputs):
            self._is_done(output, call, results)

    def _is_done(self, output: _Output, call: Callable[[Sink], object], results: int = 0) -> bool:
        try:
            return output.try_to(partial(call, output.sink), results)
        except WindowClosedError:
            self.closed = True
        except BrokenPipeError:  # the reader of standard output has gone for good
            self._outputs.remove(output)
            self.closed |= not self._outputs
            if self._outputs:
                _log.warning("Nobody reads standard output any more; the run goes on without it")
        return False

    def finish(self) -> None:
        """Raise the error of the only sink, or of the first if all fail."""
        errors = [output.error for output in self._outputs]
        if self._outputs and errors[0] and all(errors):
            raise errors[0]


def _tell(status: CameraStatus, sink: Sink) -> object:
    return getattr(sink, "tell", _nothing)(status)


def _nothing(*_: object) -> bool:
    return False
