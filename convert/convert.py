"""One conversion, top to bottom."""

import hashlib
import logging
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from convert.calibrate import ConversionData, load_conversion_data
from convert.config import CALIBRATED, ConvertConfig
from convert.quantize import Quantizer
from convert.report import proved_on, report_json
from convert.source import KerasSource, load_source
from convert.verify import REFERENCE, Proof, check_gate, prove
from convert.write import write_all
from edge.model_info import ModelInfo, write_model_info

log = logging.getLogger(__name__)


def convert(config: ConvertConfig) -> dict[str, Proof]:
    """Convert, prove, and write every file with its contract, or none; returns variant to proof.

    Raises:
        ModelError: the Keras file, a variant or the gate failed.
        DataError: there are no pictures.
    """
    source = load_source(config.model)
    data = load_conversion_data(config, source.info)
    log.info("Converting %s; the proof is on %s", config.model, proved_on(data))
    contents = quantize_all(source, data, config)
    keras = source.predict(data.proof.faces)
    with tempfile.TemporaryDirectory(prefix="convert-") as scratch:
        staged = stage(contents, source, Path(scratch))
        proofs = prove(staged, keras, data.proof, source.info.labels, Path(scratch))
        proofs = {variant: proofs[variant] for variant in config.variants}
        check_gate(proofs, config)
        files = with_figures(contents, source, proofs, data, config, Path(scratch))
    report = config.folder / f"{config.name or config.model.stem}_conversion.json"
    files[report] = report_json(proofs, source, data, config).encode()
    write_all(files)
    return proofs


def quantize_all(source: KerasSource, data: ConversionData, config: ConvertConfig) -> dict[str, bytes]:
    """The bytes of every variant that was asked for, and of float32, the reference, without contracts."""
    from convert.fold import fold_model
    from convert.graph import build_model, read_graph

    graph = read_graph(source.model)
    model = fold_model(source.model)[0] if config.fold else build_model(graph)
    quantizer = Quantizer(model, data.calibration.faces, config.int8_output)
    wanted = dict.fromkeys((REFERENCE, *config.variants))
    contents = {}
    for variant in wanted:
        log.info("Converting to %s", variant)
        contents[variant] = quantizer.convert(variant)
    return contents


def stage(contents: Mapping[str, bytes], source: KerasSource, folder: Path) -> dict[str, Path]:
    """Write each variant with a contract without figures, so that the edge interpreter takes it."""
    staged = {variant: folder / f"{variant}.tflite" for variant in contents}
    for variant, path in staged.items():
        path.write_bytes(contents[variant])
        write_model_info(path, contract(source, variant, contents[variant]))
    return staged


def with_figures(
    contents: Mapping[str, bytes],
    source: KerasSource,
    proofs: Mapping[str, Proof],
    data: ConversionData,
    config: ConvertConfig,
    folder: Path,
) -> dict[Path, bytes]:
    """The final files: their contracts say what the proof found, but no time, so that bytes repeat."""
    files = {}
    for variant, proof in proofs.items():
        info = contract(source, variant, contents[variant])
        how: dict[str, str | int | float] = {
            "calibrated_on": data.source,
            "samples": len(data.calibration),
            "seed": config.seed,
        }
        figures: dict[str, str | int | float] = {
            "agreement": round(proof.losses.agreement, 6),
            "drop_points": round(proof.losses.drop_points or 0.0, 4),
            "proved_on": proved_on(data),
        }
        how = how if variant in CALIBRATED else {}
        info = replace(info, accuracy=proof.losses.accuracy, conversion={**info.conversion, **how, **figures})
        path = folder / f"final_{variant}.tflite"
        path.write_bytes(contents[variant])
        write_model_info(path, info)
        files[config.folder / config.file_name(variant)] = path.read_bytes()
    return files


def contract(source: KerasSource, variant: str, content: bytes) -> ModelInfo:
    """The Keras file's contract as that of one of its variants."""
    versions = {"tensorflow": _tensorflow_version(), "keras": version("keras"), "python": platform.python_version()}
    return replace(
        source.info,
        variant=variant,
        accuracy={},
        keras_sha256=source.sha256,
        conversion={"graph_sha256": hashlib.sha256(content).hexdigest()},
        versions={**source.info.versions, **versions},
    )


def _tensorflow_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
