"""The report of a conversion: a line per file on the terminal, and all figures as JSON, Markdown and an image."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from convert.calibrate import CALIBRATION, REST, ConversionData
from convert.config import ConvertConfig
from convert.keras_file import KerasSource
from convert.losses import Losses
from convert.verify import Proof
from edge.model_info import Head
from train.markdown import table

_SIZES = ("variant", "bytes", "gzip", "latency / float32")
_LOSSES = (
    "variant", "head", "accuracy", "drop, points (95%)", "agreement", "worst class, points of recall",
    "mean / max difference", "KL, nats", "calibration error",
)  # fmt: skip


def format_line(proof: Proof) -> str:
    """A line for the terminal: size, agreement, accuracy."""
    heads = "; ".join(_head_line(head, losses) for head, losses in proof.losses.items())
    return f"{proof.variant:8} {proof.size_bytes:>9,} bytes; {heads}"


def _head_line(head: str, losses: Losses) -> str:
    line = f"{head} agrees with Keras on {losses.agreement:.2%}"
    if losses.overall_accuracy is None:
        return line
    return f"{line}, right on {losses.overall_accuracy:.2%} (drop {losses.drop_points:+.2f} points)"


def proved_on(data: ConversionData) -> str:
    """The images of the proof, in words."""
    count, split = len(data.proof), data.proof.splits[0]
    if split == CALIBRATION:
        return f"the {count} calibration images (there are no test images)"
    if split == REST:
        return f"the {count} images that did not calibrate (there are no test images)"
    return f"{count} test images"


def report_files(
    proofs: Mapping[str, Proof], source: KerasSource, data: ConversionData, config: ConvertConfig
) -> dict[Path, bytes]:
    """The contents of the report's three files, by path."""
    return {
        config.report_path(".json"): report_json(proofs, source, data, config).encode(),
        config.report_path(".md"): report_markdown(proofs, source, data).encode(),
        config.report_path(".png"): draw_image(proofs),
    }


def report_json(proofs: Mapping[str, Proof], source: KerasSource, data: ConversionData, config: ConvertConfig) -> str:
    """All figures as JSON."""
    report = {
        "schema": 2,
        "name": source.info.name,
        "keras_sha256": source.sha256,
        "proved_on": proved_on(data),
        "calibration": {"source": data.source, "seed": config.seed, "indices": data.indices},
        "variants": {variant: asdict(proof) for variant, proof in proofs.items()},
    }
    return json.dumps(report, indent=2, sort_keys=True) + "\n"


def report_markdown(proofs: Mapping[str, Proof], source: KerasSource, data: ConversionData) -> str:
    """The proof as Markdown tables."""
    first = next(iter(proofs.values()))
    lines = [
        f"# Conversion of `{source.info.name}`",
        "",
        f"Proved on {proved_on(data)}, through the edge interpreter ({first.runtime}) in a fresh process. "
        f"Calibrated on {len(data.calibration)} images of {data.source}. Keras file: sha256 `{source.sha256[:16]}`.",
        "",
        *table(_SIZES, [_sizes(proof) for proof in proofs.values()]),
        "",
        "## What each head lost",
        "",
        *table(_LOSSES, [row for proof in proofs.values() for row in _losses(proof)]),
        "",
        "## Accuracy on each split",
        "",
        *_accuracy_table(proofs),
        "",
        "## Labels that flipped, by Keras' label",
        "",
        *(line for head in source.info.heads for line in [*_flips_table(head, proofs), ""]),
        "## Runtimes",
        "",
        *_runtime_table(proofs),
        "",
        "## Operators",
        "",
        *(f"- {v}: {_operators(p)}; {p.graph.multiply_adds:,} multiply-adds" for v, p in proofs.items()),
    ]
    return "\n".join(lines) + "\n"


def draw_image(proofs: Mapping[str, Proof]) -> bytes:
    """Plot accuracy (without labels: agreement) against latency as PNG; a dot's area is the file's size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    labelled = all(_first(proof).overall_accuracy is not None for proof in proofs.values())
    for proof in proofs.values():
        height = (labelled and _first(proof).overall_accuracy) or _first(proof).agreement
        ratio = proof.latency_ratio[proof.runtime]
        axes.scatter(ratio, height, s=proof.size_bytes / 4000, alpha=0.5)
        text = f"{proof.variant}\n{proof.size_bytes / 1e6:.2f} MB"
        axes.annotate(text, (ratio, height), textcoords="offset points", xytext=(0, 8), ha="center", fontsize=8)
    runtime = next(iter(proofs.values())).runtime
    axes.set(
        xscale="log",
        xlabel=f"latency as a ratio to float32 ({runtime}, one thread)",
        ylabel="accuracy" if labelled else "agreement with Keras",
        title="What each file costs: the area of a dot is its size",
    )
    axes.margins(0.2)
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def _first(proof: Proof) -> Losses:
    """The losses of the deciding head."""
    return next(iter(proof.losses.values()))


def _sizes(proof: Proof) -> tuple[str, ...]:
    return proof.variant, f"{proof.size_bytes:,}", f"{proof.gzip_bytes:,}", f"{proof.latency_ratio[proof.runtime]:.2f}"


def _losses(proof: Proof) -> list[tuple[str, ...]]:
    return [(proof.variant, head, *_row(losses)) for head, losses in proof.losses.items()]


def _row(losses: Losses) -> tuple[str, ...]:
    return (
        _or_dash(losses.overall_accuracy, ".4f"),
        "-"
        if losses.drop_interval is None
        else f"{losses.drop_points:+.2f} ({losses.drop_interval[0]:+.2f} to {losses.drop_interval[1]:+.2f})",
        f"{losses.agreement:.4f}",
        _or_dash(max(losses.recall_loss_points.values(), default=None), "+.2f"),
        f"{losses.mean_difference:.5f} / {losses.max_difference:.3f}",
        f"{losses.kl_divergence:.5f}",
        _or_dash(losses.calibration_error, ".4f"),
    )


def _accuracy_table(proofs: Mapping[str, Proof]) -> list[str]:
    first = next(iter(proofs.values())).losses
    measured = [("Keras", {head: losses.keras_accuracy for head, losses in first.items()})]
    measured += [(v, {head: losses.accuracy for head, losses in p.losses.items()}) for v, p in proofs.items()]
    splits = sorted({split for lost in first.values() for part in lost.accuracy.values() for split in part})
    rows = [
        (variant, head, truth, *(_or_dash(by_split.get(split), ".4f") for split in splits))
        for variant, by_head in measured
        for head, by_truth in by_head.items()
        for truth, by_split in by_truth.items()
    ]
    return table(("", "head", "right is", *splits), rows)


def _flips_table(head: Head, proofs: Mapping[str, Proof]) -> list[str]:
    rows = [(variant, *proof.losses[head.name].flips.values()) for variant, proof in proofs.items()]
    return table((head.name, *head.labels), rows)


def _runtime_table(proofs: Mapping[str, Proof]) -> list[str]:
    rows = [
        (variant, head, runtime, f"{losses.agreement:.4f}", _or_dash(losses.drop_points, "+.2f"), ratio)
        for variant, proof in proofs.items()
        for runtime, by_head in proof.losses_by_runtime.items()
        for ratio in [f"{proof.latency_ratio[runtime]:.2f}"]
        for head, losses in by_head.items()
    ]
    return table(("variant", "head", "runtime", "agreement", "drop, points", "latency / float32"), rows)


def _operators(proof: Proof) -> str:
    return ", ".join(f"{count} {name}" for name, count in proof.graph.operators.items())


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
