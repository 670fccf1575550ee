"""The state of a run, for systemd's status line: each camera's state, and how many people are in view."""

from edge.results import CameraState, CameraStatus, FrameResult


class RunState:
    """Sums up what the engine reports in one sentence.

    Usage:
        state = RunState()
        state.add(result)
        state.sentence()  # "door: 2 in view; hall is offline: connection refused"
    """

    def __init__(self) -> None:
        self._cameras: dict[str, CameraStatus] = {}
        self._in_view: dict[str, int] = {}

    def tell(self, status: CameraStatus) -> None:
        """Take a camera's new state; whoever was in view may be gone."""
        self._cameras[status.name] = status
        if status.state is not CameraState.ONLINE:
            self._in_view.pop(status.name, None)

    def add(self, result: FrameResult) -> None:
        """Take the result of a processed frame."""
        self._in_view[result.source] = len(result.faces)

    def sentence(self) -> str:
        """The state of every camera in one line."""
        return "; ".join(map(self._of, self._cameras.values())) or "starting"

    def _of(self, status: CameraStatus) -> str:
        if status.name in self._in_view and status.state is CameraState.ONLINE:
            return f"{status.name}: {self._in_view[status.name] or 'nobody'} in view"
        return f"{status.name} is {status.state.value}{f': {status.reason}' if status.reason else ''}"
