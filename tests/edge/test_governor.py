"""The governor keeps its budget on a machine whose costs are made up, and settles."""

from edge.config import EdgeConfig
from edge.governor import IDLE_FPS, LADDER, Governor, Intervals, frame_rate


class Machine:
    """Time and use that follow from the intervals: a cost a frame, a detection and a classification."""

    def __init__(self, frame_s: float = 0.002, detect_s: float = 0.02, classify_s: float = 0.004) -> None:
        self.now_s = self.used_s = 0.0
        self.costs_s = (frame_s, detect_s, classify_s)

    def second(self, intervals: Intervals) -> float:
        frame_s, detect_s, classify_s = self.costs_s
        a_frame_s = frame_s + detect_s / intervals.detect_every + classify_s / intervals.classify_every
        self.now_s += 1.001
        self.used_s += a_frame_s * intervals.fps
        return a_frame_s * intervals.fps


def _settle(machine: Machine, governor: Governor, seconds: int, age_ms: float = 20) -> list[float]:
    uses = []
    for _ in range(seconds):
        uses.append(machine.second(governor.intervals))
        governor.update(age_ms)
    return uses


def _governor(machine: Machine, budget: float, fps: float = 0) -> Governor:
    config = EdgeConfig(source="demo", cpu_budget=budget, fps=fps)
    return Governor(config, lambda: machine.now_s, lambda: machine.used_s)


def test_use_stays_below_the_budget_after_a_few_seconds() -> None:
    for budget in (0.05, 0.2, 0.5):
        machine = Machine()
        uses = _settle(machine, _governor(machine, budget), 200)
        assert sum(use > budget for use in uses[5:]) <= 8  # the climbs that were taken back
        assert sum(uses[20:]) / len(uses[20:]) > budget / 3


def test_with_room_it_climbs_to_the_richest() -> None:
    machine = Machine(0.0001, 0.001, 0.0001)
    governor = _governor(machine, 0.9)
    _settle(machine, governor, 30)
    assert governor.intervals == LADDER[0]


def test_it_never_climbs_above_the_asked_rate() -> None:
    machine = Machine(0.0001, 0.001, 0.0001)
    governor = _governor(machine, 0.9, fps=10)
    _settle(machine, governor, 30)
    assert governor.intervals == Intervals(10, 1, 1)


def test_a_slower_machine_makes_it_step_down_at_once() -> None:
    machine = Machine(0.0001, 0.001, 0.0001)
    governor = _governor(machine, 0.3)
    _settle(machine, governor, 30)
    machine.costs_s = (0.01, 0.05, 0.02)
    uses = _settle(machine, governor, 6)
    assert uses[0] > 1
    assert uses[-1] < 0.3


def test_old_results_make_it_step_down_too() -> None:
    machine = Machine(0.0001, 0.001, 0.0001)
    governor = _governor(machine, 0.9)
    _settle(machine, governor, 30)
    _settle(machine, governor, 3, age_ms=500)
    assert LADDER.index(governor.intervals) == 3


def test_an_idle_scene_is_looked_at_less_often() -> None:
    assert frame_rate(Intervals(15, 3, 1), idle=False) == 15
    assert frame_rate(Intervals(15, 3, 1), idle=True) == IDLE_FPS
    assert frame_rate(Intervals(0, 3, 1), idle=True) == IDLE_FPS
    assert frame_rate(Intervals(2, 3, 1), idle=True) == 2
