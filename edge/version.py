"""Which program and which network made a result: `--version` prints it, and the first line of each output holds it."""

import hashlib
from typing import TypeAlias

import edge
from edge.config import EdgeConfig
from edge.errors import ModelError

Identity: TypeAlias = dict[str, str]
"""`version` of the program and `model_sha256` of the model's file."""


def identity(config: EdgeConfig) -> Identity:
    """The versions of the program and the network that these options run.

    Raises:
        ModelError: the file of the network can't be read.
    """
    try:
        digest = hashlib.sha256(config.model_path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise ModelError(f"Expected a model file at {config.model_path}. Received: {error}") from error
    return {"version": edge.__version__, "model_sha256": digest}


def describe(config: EdgeConfig) -> str:
    """The versions in one line of text."""
    known = identity(config)
    return f"emotion-edge {known['version']}, model {config.model_path.name}, sha256 {known['model_sha256']}"
