"""Compare two machines' result lines of the same source: python -m tests.rigs.same_results HERE.jsonl THERE.jsonl."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

BOX_PX = 4
SCORE = 0.05


def differences(here: list[dict[str, Any]], there: list[dict[str, Any]]) -> list[str]:
    """What is not the same within the tolerances: a line for each frame that differs."""
    if len(here) != len(there) or not here:
        return [f"{len(here)} and {len(there)} frames"]
    return [text for one, other in zip(here, there, strict=True) if (text := _difference(one, other))]


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    where = f"frame {one['frame_index']}: "
    if len(one["faces"]) != len(other["faces"]):
        return where + f"{len(one['faces'])} and {len(other['faces'])} faces"
    for face, twin in zip(one["faces"], other["faces"], strict=True):
        if max(abs(a - b) for a, b in zip(face["box"], twin["box"], strict=True)) > BOX_PX:
            return where + f"boxes {face['box']} and {twin['box']}"
        if max(abs(face["scores"][label] - twin["scores"][label]) for label in face["scores"]) > SCORE:
            return where + f"scores {face['scores']} and {twin['scores']}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("here", type=Path)
    parser.add_argument("there", type=Path)
    arguments = parser.parse_args()
    here, there = (
        [json.loads(line) for line in path.read_text().splitlines()] for path in (arguments.here, arguments.there)
    )
    found = differences(here, there)
    print("\n".join(found) or f"{len(here)} frames: the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
