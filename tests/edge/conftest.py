"""What several test files of edge share."""

from collections.abc import Iterator

import pytest

from tests.rigs.faults import ServerRig


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerRig]:
    """A broker that is not there yet, and a sink that asks for it often."""
    from tests.rigs.broker import mosquitto  # needs paho, which most files do without

    monkeypatch.setattr("edge.mqtt_link.MOST_PAUSE_S", 0.5)
    rig = mosquitto()
    yield rig
    rig.kill()
