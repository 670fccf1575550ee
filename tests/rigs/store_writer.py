"""Writes rows to a store for ever, and prints the number of each that is on the disk: to be killed at any moment.

python -m tests.rigs.store_writer results.sqlite 0
"""

import itertools
import json
import os
import sys
import time
from pathlib import Path

from edge.store import Store


def main() -> None:
    """Store and tell until the end comes."""
    store = Store(Path(sys.argv[1]))
    for number in itertools.count(int(sys.argv[2])):
        store.put("gate", json.dumps({"frame_index": number, "faces": [], "text": "x" * 500}), time.time())
        if store.flush():
            os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main()
