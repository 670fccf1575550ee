"""Run the command on the demo, take its broker away for a while, and compare what came with what was seen.

python -m tests.rigs.outage --seconds 60 --store
"""

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.rigs.broker import listening, mosquitto, until
from tests.rigs.faults import EdgeProcess, ServerRig


def main() -> None:
    """One outage; prints what came late, what twice, and the largest gap in the film (a line comes each second)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--store", action="store_true", help="with a store, not in memory")
    arguments = parser.parse_args()
    broker = mosquitto()
    broker.revive()
    with tempfile.TemporaryDirectory() as folder:
        store = ["--store", str(Path(folder) / "results.sqlite")] if arguments.store else []
        try:
            lines = _lines(["--source", "gate=demo", "--mqtt", broker.source, *store], broker, arguments.seconds)
        finally:
            broker.kill()
    places = [line["position_s"] for line in lines]
    late, twice = sum("late" in line for line in lines), len(places) - len(set(places))
    gap_s = max(later - sooner for sooner, later in pairwise(places))
    print(f"{len(lines)} lines, {late} late, {twice} twice, in order: {places == sorted(places)}, gap {gap_s:.2f} s")


def _lines(options: list[str], broker: ServerRig, seconds: float) -> list[dict[str, Any]]:
    """What listeners heard before and after the outage."""
    with EdgeProcess(*options, "--device-name", "rig") as edge:
        with listening(broker) as before:
            until(lambda: len(before.lines()) >= 5, 60)
        broker.kill()
        time.sleep(seconds)
        broker.revive()
        with listening(broker) as after:
            until(lambda: len(after.lines("home/rig/gate")) >= 5, 120)
            edge.process.terminate()
            edge.process.wait(20)
            time.sleep(0.5)
    return before.lines() + after.lines()


if __name__ == "__main__":
    main()
