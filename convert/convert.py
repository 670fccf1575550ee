"""A whole conversion."""

import gzip
import hashlib
import logging
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from convert.calibrate import ConversionData, check_numbers, load_conversion_data
from convert.config import CALIBRATED, VARIANTS, ConvertConfig
from convert.foreign import is_black_box, with_one_face
from convert.keras_file import KerasSource, checked, load_source, use_tensorflow
from convert.quantize import Quantizer
from convert.report import proved_on, report_files
from convert.verify import REFERENCE, Proof, check_gate, prove
from convert.write import write_all
from edge.errors import ModelError
from edge.model_info import ModelInfo, with_model_info
from edge.results import FaceInput
from edge.sinks import checked_folder

log = logging.getLogger(__name__)


def convert(config: ConvertConfig) -> dict[str, Proof]:
    """Convert, check, and write either every file with its contract or none; return the proofs by variant.

    Raises:
        ModelError: the Keras file, a variant or the gate failed.
        DataError: there are no images.
        SinkError: the folder can't be written to.
    """
    source = load_source(config.model, config.declared())
    checked_folder(config.path(REFERENCE).parent)  # before the work; options are checked before TensorFlow is loaded
    data = load_conversion_data(config, source.info)
    for line in check_numbers(data, config):
        log.warning(line)
    source = checked(source, data.calibration.faces)
    log.info("Converting %s; the proof is on %s", config.model, proved_on(data))
    contents = quantize_all(source, data, config)
    proofs, files = prove_all(contents, source, data, config)
    write_all({**files, **report_files(proofs, source, data, config)})
    return proofs


def prove_all(
    contents: Mapping[str, bytes], source: KerasSource, data: ConversionData, config: ConvertConfig
) -> tuple[dict[str, Proof], dict[Path, bytes]]:
    """Make and check each wanted variant; return the proofs and the final files. Only a scratch folder is written to.

    Raises:
        ModelError: a runtime refuses a file, one fails the gate, or there is no room for scratch files.
    """
    keras = source.predict(data.proof.faces)
    try:
        with tempfile.TemporaryDirectory(prefix="convert-") as scratch:
            staged = stage(contents, source, Path(scratch))
            proofs = prove(staged, keras, data.proof, source.info, Path(scratch))
            proofs = {variant: proofs[variant] for variant in config.variants}
            check_gate(proofs, config)
            files = with_figures(contents, source, proofs, data, config)
    except OSError as error:
        raise ModelError(f"Expected room for scratch files in {tempfile.gettempdir()}. Received: {error}") from error
    return {variant: with_sizes(proof, files[config.path(variant)]) for variant, proof in proofs.items()}, files


def quantize_all(source: KerasSource, data: ConversionData, config: ConvertConfig) -> dict[str, bytes]:
    """Convert to every variant that was asked for, and to float32, the reference; the bytes have no contracts yet."""
    faces = data.calibration.faces
    models = rewrite(source, faces, config)
    contents = {}
    for variant in dict.fromkeys((REFERENCE, *config.variants)):
        log.info("Converting to %s", variant)
        contents[variant] = Quantizer(models[variant], faces, config.int8_output).convert(variant)
    return contents


def rewrite(source: KerasSource, faces: FaceInput, config: ConvertConfig) -> dict[str, Any]:
    """The rewritten network for each variant."""
    from convert.correct import correct_biases
    from convert.equalize import equalize_graph
    from convert.fold import fold_graph
    from convert.graph import build_model, read_graph
    from convert.prune import prune_graph

    if is_black_box(source.model):
        return dict.fromkeys(VARIANTS, with_one_face(source.model, use_tensorflow()))
    graph = read_graph(source.model)
    if config.fold:
        fold_graph(graph)
    prune_graph(graph, config.sparsity)
    models = dict.fromkeys(VARIANTS, build_model(graph))
    if config.fold:
        equalize_graph(graph, faces)
        models["int16x8"] = build_model(graph)
        correct_biases(graph, faces)
        models["int8"] = build_model(graph)
    return models


def stage(contents: Mapping[str, bytes], source: KerasSource, folder: Path) -> dict[str, Path]:
    """Write each variant with a contract, still without figures, so that the edge interpreter accepts it."""
    staged = {variant: folder / f"{variant}.tflite" for variant in contents}
    for variant, path in staged.items():
        path.write_bytes(with_model_info(contents[variant], contract(source, variant, contents[variant])))
    return staged


def with_figures(
    contents: Mapping[str, bytes],
    source: KerasSource,
    proofs: Mapping[str, Proof],
    data: ConversionData,
    config: ConvertConfig,
) -> dict[Path, bytes]:
    """The final files: their contracts hold the results of the proof, but no times, so that the bytes repeat."""
    files = {}
    for variant, proof in proofs.items():
        info = contract(source, variant, contents[variant])
        how: dict[str, str | int | float] = {
            "calibrated_on": data.source,
            "samples": len(data.calibration),
            "seed": config.seed,
        }
        figures: dict[str, Any] = {
            "agreement": {head: round(losses.agreement, 6) for head, losses in proof.losses.items()},
            "proved_on": proved_on(data),
        }
        drops = {head: losses.drop_points for head, losses in proof.losses.items()}
        if measured := {head: round(drop, 4) for head, drop in drops.items() if drop is not None}:
            figures["drop_points"] = measured
        how = how if variant in CALIBRATED else {}
        how |= {"sparsity": config.sparsity} if config.sparsity else {}
        heads = tuple(replace(head, accuracy=proof.losses[head.name].accuracy) for head in info.heads)
        info = replace(info, heads=heads, conversion={**info.conversion, **how, **figures})
        files[config.path(variant)] = with_model_info(contents[variant], info)
    return files


def with_sizes(proof: Proof, content: bytes) -> Proof:
    """The proof with the sizes of the final file."""
    return replace(proof, size_bytes=len(content), gzip_bytes=len(gzip.compress(content, mtime=0)))


def contract(source: KerasSource, variant: str, content: bytes) -> ModelInfo:
    """The contract of a variant, made from the Keras file's contract."""
    versions = {"tensorflow": _tensorflow_version(), "keras": version("keras"), "python": platform.python_version()}
    return replace(
        source.info,
        variant=variant,
        heads=tuple(replace(head, accuracy={}) for head in source.info.heads),
        keras_sha256=source.sha256,
        conversion={"graph_sha256": hashlib.sha256(content).hexdigest()},
        versions={**source.info.versions, **versions},
    )


def _tensorflow_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
