"""Generated inputs and signals at random moments: no traceback, no hang, no signal but the sent one.

FUZZ_COUNT=200 FUZZ_SEED=7 python -m pytest tests/edge/test_fuzz.py
"""

import os
import signal
import sys

import pytest

from tests.rigs.fuzz import SECRET, Case, failures

COUNT, SEED = int(os.environ.get("FUZZ_COUNT", "24")), int(os.environ.get("FUZZ_SEED", "1"))
BUDGET_S = float("inf") if "FUZZ_COUNT" in os.environ else 45.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")
@pytest.mark.timeout(0)
def test_whatever_comes_in_ends_as_it_should() -> None:
    bad = failures(COUNT, SEED, BUDGET_S, tell=print)
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        (Case([], code=None), "it hangs"),
        (Case([], code=3, log="Traceback"), "Traceback"),
        (Case([], code=-11), "exit code -11"),
        (Case([], code=-15), "exit code -15"),
        (Case([], code=1), "an error without a word"),
        (Case([], code=1, log=f"Received: rtsp://me:{SECRET}@host"), SECRET),
        (Case([], code=0, output="{"), "no JSON: {"),
    ],
)
def test_what_must_not_happen_is_seen(case: Case, fault: str) -> None:
    assert fault in case.faults


def test_what_may_happen_is_no_fault() -> None:
    assert not Case([], code=0, output='{"schema": 2}\n').faults
    assert not Case([], code=-15, signals=[(0.0, signal.SIGTERM)]).faults
    assert not Case([], code=2, log="usage").faults
