"""What `--init` starts from: the kind of network, and the Keras file of the one that is bundled in edge/."""

import hashlib
from pathlib import Path

from edge.config import EdgeConfig
from edge.errors import ConfigError, ModelError
from edge.model_info import network_sha256, read_model_info
from train.architectures import NETWORKS, network_name

BUNDLED = "bundled"
"""The name of the bundled network for `--init`."""
RESULTS = Path(__file__).parent.parent / "docs" / "results"


def arch_of(init: str) -> str:
    """The `--arch` of a `.keras` file or of the bundled network, as its contract says; else the default."""
    try:
        name = network_name(read_model_info(EdgeConfig().model_path if init == BUNDLED else Path(init)).name)
    except (ModelError, OSError):  # whoever loads the file says what is wrong with it
        return NETWORKS[0]
    return name if name in NETWORKS else NETWORKS[0]


def bundled_network(results: Path = RESULTS) -> Path:
    """Find the file in docs/results/ that the bundled int8 network was made from, by the hash in its contract.

    Raises:
        ConfigError: that file is not there.
    """
    wanted = read_model_info(EdgeConfig().model_path).keras_sha256
    for path in sorted(results.glob("*/*.keras")):
        if wanted in (network_sha256(path), hashlib.sha256(path.read_bytes()).hexdigest()):
            return path
    raise ConfigError(f"Expected a checkout with the bundled network's .keras file in {results}. Received: none")
