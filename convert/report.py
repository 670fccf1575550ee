"""What a conversion tells: a line a file on the terminal, and the whole as JSON and Markdown."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from convert.calibrate import ConversionData
from convert.config import ConvertConfig
from convert.metrics import ALL
from convert.source import KerasSource
from convert.verify import Proof


def format_line(proof: Proof) -> str:
    """A line for the terminal: size, agreement, accuracy."""
    losses = proof.losses
    drop = (
        ""
        if losses.drop_points is None
        else f", accuracy {losses.accuracy[ALL]:.4f} (drop {losses.drop_points:+.2f} points)"
    )
    return f"{proof.variant:8} {proof.size_bytes:>9,} bytes, agrees with Keras on {losses.agreement:.2%}{drop}"


def report_json(proofs: Mapping[str, Proof], source: KerasSource, data: ConversionData, config: ConvertConfig) -> str:
    """Everything that was measured, for machines."""
    report = {
        "schema": 1,
        "keras_sha256": source.sha256,
        "name": source.info.name,
        "proved_on": proved_on(data),
        "calibration": {"source": data.source, "seed": config.seed, "indices": data.indices},
        "variants": {variant: asdict(proof) for variant, proof in proofs.items()},
    }
    return json.dumps(report, indent=2, sort_keys=True) + "\n"


def proved_on(data: ConversionData) -> str:
    """What the proof looked at, in words."""
    if data.proves_on_calibration:
        return f"the {len(data.proof)} calibration pictures (no test pictures were given)"
    return f"{len(data.proof)} test pictures"
