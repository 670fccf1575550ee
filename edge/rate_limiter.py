"""How many frames pass: at most so many per second, at steady distances."""


class RateLimiter:
    """Thins frames to a rate.

    The loop asks `takes` of each frame; the thread that reads a camera asks `is_early` and need not decode what comes
    too soon. A limiter belongs to one source.

    Usage:
        limiter = RateLimiter(fps=15)
        if limiter.takes(frame.captured_monotonic_s):
            ...
    """

    def __init__(self, fps: float = 0.0) -> None:
        self.fps = fps
        """Most frames per second; 0: all. It may change at any time."""
        self._due_s = 0.0

    def is_early(self, now_s: float) -> bool:
        """Whether a frame of this moment comes too soon; a little early is in time, since cameras jitter."""
        fps = self.fps
        return fps > 0 and now_s < self._due_s - 1 / fps / 4

    def takes(self, captured_s: float) -> bool:
        """Whether the frame captured then passes; the next is due a period after this one was, so `fps` is the mean."""
        if self.is_early(captured_s):
            return False
        period_s = 1 / self.fps if self.fps > 0 else 0.0
        self._due_s = max(self._due_s, captured_s - period_s / 2) + period_s  # what was missed is not made good
        return True
