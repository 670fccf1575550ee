"""What one camera costs broker, Prometheus and store, and what a thousand cost the broker; for docs/fleet.md.

    python -m tests.rigs.fleet_load --seconds 60

One camera is the command itself on the demo, one face in view all the time. A thousand are as many of its own lines per
second, sent by a few clients with QoS 1, while one listener takes them all.
"""

import argparse
import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.rigs.broker import Listener, listening, mosquitto, until
from tests.rigs.faults import EdgeProcess, ServerRig, free_port

CLIENTS = 10
TICKS = os.sysconf("SC_CLK_TCK")
COUNTS = {"bytes": "$SYS/broker/bytes/received", "messages": "$SYS/broker/publish/messages/received"}


class Counts:
    """What mosquitto says of itself, each second."""

    def __init__(self, port: int) -> None:
        self.values: dict[str, int] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("$SYS/broker/#")
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, client: object, data: object, message: Any) -> None:
        for name, topic in COUNTS.items():
            if message.topic == topic:
                self.values[name] = int(message.payload)

    def close(self) -> None:
        """Stop listening."""
        self._client.disconnect()
        self._client.loop_stop()

    def during(self, seconds: float) -> dict[str, float]:
        """What came per second."""
        until(lambda: len(self.values) == len(COUNTS), 30)
        before, started_s = dict(self.values), time.monotonic()
        time.sleep(seconds)
        taken_s = time.monotonic() - started_s
        return {name: (self.values[name] - before[name]) / taken_s for name in COUNTS}


def one_camera(broker: ServerRig, counts: Counts, seconds: float) -> str:
    """Run it, and print what it sends, shows and stores; one of its lines."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "results.sqlite"
        options = ["--mqtt", broker.source, "--metrics", f"127.0.0.1:{port}", "--store", str(store)]
        with EdgeProcess("--source", "door=demo", "--device-name", "door", *options) as edge:
            with listening(broker) as listener:
                until(lambda: len(listener.lines()) > 3, 60)
                sent = counts.during(seconds)
                line = _payload(listener)
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
                metrics = page.read().decode()
            edge.terminate()
        rows = _rows(store)
    series = [line for line in metrics.splitlines() if not line.startswith("#")]
    own = [one for one in series if 'camera="door"' in one]
    size = sent["bytes"] / sent["messages"]
    print(f"one camera sends {sent['messages']:.2f} messages per second, {size:.0f} bytes each; a line has {len(line)}")
    print(f"/metrics has {len(series)} series, {len(own)} of them of the camera, in {len(metrics)} bytes")
    print(f"the store has {rows[0]} rows of {rows[1] / rows[0]:.0f} bytes each")
    return line


def _payload(listener: Listener) -> str:
    return next(text for topic, text in reversed(listener.heard) if '"faces"' in text)


def _rows(store: Path) -> tuple[int, int]:
    with sqlite3.connect(store) as connection:
        (count,) = connection.execute("SELECT count(*) FROM rows").fetchone()
        (size,) = connection.execute("SELECT sum(length(line)) FROM rows").fetchone()
    return count, size


def many_cameras(broker: ServerRig, counts: Counts, line: str, rate: int, seconds: float) -> None:
    """Send so many lines per second; print what the broker needed for it."""
    stop, port = threading.Event(), urlsplit(broker.source).port or 0
    threads = [threading.Thread(target=_send, args=(port, line, rate / CLIENTS, stop, n)) for n in range(CLIENTS)]
    assert broker._process
    pid = broker._process.pid
    with listening(broker) as listener:
        for thread in threads:
            thread.start()
        time.sleep(2)
        used_s, heard, started_s = _processor_s(pid), len(listener.heard), time.monotonic()
        sent = counts.during(seconds)
        taken_s = time.monotonic() - started_s
        share, heard = (_processor_s(pid) - used_s) / taken_s, len(listener.heard) - heard
        stop.set()
        for thread in threads:
            thread.join(10)
    megabytes = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    print(
        f"{sent['messages']:.0f} messages and {sent['bytes'] / 1e3:.0f} kB per second take {share:.1%} of a core and "
        f"{megabytes:.0f} MB of mosquitto; a listener heard {heard / taken_s:.0f} per second"
    )


def _send(port: int, line: str, rate: float, stop: threading.Event, number: int) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    due_s, sent = time.monotonic(), 0
    while not stop.wait(max(0.0, due_s - time.monotonic())):
        client.publish(f"home/device{number}/camera{sent % 100}", line, qos=1)
        sent, due_s = sent + 1, due_s + 1 / rate
    client.disconnect()
    client.loop_stop()


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = mosquitto("allow_anonymous true", "sys_interval 1", folder=Path(folder))
        broker.revive()
        counts = Counts(urlsplit(broker.source).port or 0)
        try:
            line = one_camera(broker, counts, arguments.seconds)
            many_cameras(broker, counts, line, arguments.rate, arguments.seconds)
        finally:
            counts.close()
            broker.kill()


if __name__ == "__main__":
    main()
