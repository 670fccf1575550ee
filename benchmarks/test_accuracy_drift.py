"""Did the shipped models get worse than the committed reference, and what did quantisation cost?

With FER-2013 at hand every figure is measured on it; without, each model's outputs for generated
faces are compared with the committed ones. The table says which.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import drift, evaluation, golden, models
from benchmarks.corruptions import CORRUPTIONS, STRENGTHS
from benchmarks.tables import Tables
from edge.interpreter import installed_runtimes
from edge.model_info import LABELS
from train import measures
from train.data import Dataset

HEADLINES = ("accuracy/PublicTest", "accuracy/PrivateTest", "accuracy/test", "calibration/test", "kl/float")
HOW_TO_ACCEPT = "accept a new model with 'python -m benchmarks.update_reference' and look at the difference"


def test_the_reference_is_of_the_shipped_files(variants: dict[str, Path]) -> None:
    reference = evaluation.read_reference()["variants"]
    hashes = {name: reference[name]["sha256"] for name in reference}
    assert hashes == {name: models.sha256(file) for name, file in variants.items()}, HOW_TO_ACCEPT


def test_this_machine_draws_the_same_generated_faces() -> None:
    assert golden.digest(golden.generated_faces()) == evaluation.read_reference()["generated_faces_sha256"]


@pytest.mark.timeout(600)
def test_nothing_got_worse(variant: str, variants: dict[str, Path], dataset: Dataset | None, tables: Tables) -> None:
    predict = models.predictor(variants[variant])
    reference = {"golden/agreement": 1.0, "kl/golden": 0.0}
    measured = evaluation.golden_metrics(predict, evaluation.read_golden(variant))
    if dataset is not None:
        baseline = models.predictor(variants[models.float_variant(variants)])
        reference |= evaluation.read_reference()["variants"][variant]["metrics"]
        measured |= evaluation.dataset_metrics(predict, baseline, dataset)
        measured |= evaluation.robustness_metrics(predict, dataset)
    _tell(tables, variant, variants[variant], measured, dataset)
    regressions = drift.compare(reference, measured)
    assert not regressions, "\n".join(map(str, regressions))


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_every_runtime_gives_the_committed_outputs(variant: str, runtime: str, variants: dict[str, Path]) -> None:
    predict = models.predictor(variants[variant], runtime)
    measured = evaluation.golden_metrics(predict, evaluation.read_golden(variant))
    regressions = drift.compare({"golden/agreement": 1.0, "kl/golden": 0.0}, measured)
    assert not regressions, "\n".join(map(str, regressions))


def test_quantisation_keeps_what_float_knows(variant: str, variants: dict[str, Path], tables: Tables) -> None:
    faces = golden.generated_faces()
    outputs = models.predictor(variants[variant])(faces)
    floats = models.predictor(variants[models.float_variant(variants)])(faces)
    committed = evaluation.read_reference()["variants"]
    lost = _accuracy(committed[models.float_variant(variants)]) - _accuracy(committed[variant])
    tables.add(
        f"Cost of quantisation (against {models.float_variant(variants)})",
        variant=variant,
        size_mb=variants[variant].stat().st_size / 1e6,
        accuracy_lost=lost,
        agreement_fer2013=committed[variant]["metrics"]["agreement/float"],
        agreement_generated=measures.agreement(outputs, floats),
        kl_generated=measures.kl_divergence(outputs, floats),
    )
    assert outputs.shape == (len(faces), len(LABELS))
    assert np.allclose(outputs.sum(axis=1), 1, atol=0.02)
    assert lost < 0.01
    assert committed[variant]["metrics"]["agreement/float"] > 0.95


def _accuracy(committed: dict[str, dict[str, float]]) -> float:
    return committed["metrics"]["accuracy/test"]


def _tell(tables: Tables, variant: str, file: Path, measured: dict[str, float], dataset: Dataset | None) -> None:
    if dataset is None:
        title = f"Accuracy drift, on {golden.COUNT} generated faces (FER-2013 is not here: set FER2013)"
        tables.add(title, variant=variant, **measured)
        kept = evaluation.robustness_metrics(models.predictor(file), evaluation.generated_dataset(variant))
        _tell_corruptions(tables, f"Labels of {variant} kept on corrupted generated faces", kept)
        return
    title = f"Accuracy, on FER-2013's {len(dataset)} test images"
    tables.add(title, variant=variant, **{name: measured[name] for name in HEADLINES})
    _tell_corruptions(tables, f"Accuracy of {variant} on corrupted faces", measured)
    for label in LABELS:
        recalls = {split: measured[f"recall/{split}/{label}"] for split in ("PublicTest", "PrivateTest")}
        tables.add(f"Recall of {variant} by class", emotion=label, **recalls)


def _tell_corruptions(tables: Tables, title: str, measured: dict[str, float]) -> None:
    for name in CORRUPTIONS:
        strengths = {f"strength {strength}": measured[f"robustness/{name}/{strength}"] for strength in STRENGTHS}
        tables.add(title, corruption=name, **strengths)
