"""Limits frames to a rate, at even intervals."""


class RateLimiter:
    """Limits frames to a rate.

    The main loop calls `takes` for each frame. The thread that reads a camera calls `is_early`, so that it need not
    decode frames that come too soon. A limiter belongs to one source.

    Usage:
        limiter = RateLimiter(fps=15)
        if limiter.takes(frame.captured_monotonic_s):
            ...
    """

    def __init__(self, fps: float = 0.0) -> None:
        self.fps = fps
        """The most frames per second; 0: all. It may change at any time."""
        self._due_s = 0.0

    def is_early(self, now_s: float) -> bool:
        """Whether a frame captured now comes too soon; slightly early is fine, since cameras jitter."""
        fps = self.fps
        return fps > 0 and now_s < self._due_s - 1 / fps / 4

    def takes(self, captured_s: float) -> bool:
        """Whether to take a frame captured at this time; the next is due a period later, so `fps` is the mean rate."""
        if self.is_early(captured_s):
            return False
        period_s = 1 / self.fps if self.fps > 0 else 0.0
        self._due_s = max(self._due_s, captured_s - period_s / 2) + period_s  # missed frames are not made up for
        return True
