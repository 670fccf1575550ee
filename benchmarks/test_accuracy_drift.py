"""Did the shipped models get worse than the committed reference, and what did quantisation cost?

With FER-2013, every figure is measured on it; without it, each model's outputs for generated
faces are compared with the committed ones. The table says which was used.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import drift, evaluation, golden, models
from benchmarks.corruptions import CORRUPTIONS, STRENGTHS
from benchmarks.tables import Tables
from edge.model_info import LABELS
from edge.runtimes import installed_runtimes
from train import measures
from train.data import Dataset
from train.evaluate import HEAD_TRUTHS, TRUTH_OF

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
    committed = evaluation.read_golden(variant)
    reference = evaluation.perfect_golden(committed)
    measured = evaluation.golden_metrics(predict, committed)
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
    committed = evaluation.read_golden(variant)
    measured = evaluation.golden_metrics(predict, committed)
    regressions = drift.compare(evaluation.perfect_golden(committed), measured)
    assert not regressions, "\n".join(map(str, regressions))


def test_quantisation_keeps_what_float_knows(variant: str, variants: dict[str, Path], tables: Tables) -> None:
    faces, float_variant = golden.generated_faces(), models.float_variant(variants)
    outputs, floats = (models.predictor(variants[name])(faces) for name in (variant, float_variant))
    committed = evaluation.read_reference()["variants"]
    for head, probabilities in outputs.items():
        own, theirs = (_accuracy(committed[name]["metrics"], head) for name in (variant, float_variant))
        agreement = committed[variant]["metrics"][f"agreement/{head}/float"]
        tables.add(
            f"Cost of quantisation (against {float_variant})",
            variant=variant,
            head=head,
            size_mb=variants[variant].stat().st_size / 1e6,
            accuracy_lost=theirs - own,
            agreement_fer2013=agreement,
            agreement_generated=measures.agreement(probabilities, floats[head]),
            kl_generated=measures.kl_divergence(probabilities, floats[head]),
        )
        assert probabilities.shape == (len(faces), len(LABELS))
        assert np.allclose(probabilities.sum(axis=1), 1, atol=0.02)
        assert theirs - own < 0.005
        assert agreement > 0.97


def _accuracy(metrics: dict[str, float], head: str) -> float:
    return metrics[f"accuracy/{head}/{TRUTH_OF[head]}/test"]


def _tell(tables: Tables, variant: str, file: Path, measured: dict[str, float], dataset: Dataset | None) -> None:
    if dataset is None:
        title = f"Accuracy drift, on {golden.COUNT} generated faces (FER-2013 is not here: set FER2013)"
        tables.add(title, variant=variant, **measured)
        kept = evaluation.robustness_metrics(models.predictor(file), evaluation.generated_dataset(variant))
        _tell_corruptions(tables, f"Labels of {variant} kept on corrupted generated faces", kept)
        return
    title = f"Accuracy, on FER-2013's {len(dataset)} test images"
    for head in dict.fromkeys(name.split("/")[1] for name in measured if name.startswith("accuracy/")):
        for truth in HEAD_TRUTHS[head]:
            shares = {split: measured[f"accuracy/{head}/{truth}/{split}"] for split in evaluation.SPLITS}
            error = measured[f"calibration/{head}/test"]
            tables.add(title, variant=variant, head=head, right_is=truth, **shares, calibration_error=error)
        for label in LABELS:
            recalls = {split: measured[f"recall/{head}/{split}/{label}"] for split in ("PublicTest", "PrivateTest")}
            tables.add(f"Recall of {variant} by class", head=head, emotion=label, **recalls)
    _tell_corruptions(tables, f"Accuracy of {variant} on corrupted faces", measured)


def _tell_corruptions(tables: Tables, title: str, measured: dict[str, float]) -> None:
    heads = dict.fromkeys(name.split("/")[1] for name in measured if name.startswith("robustness/"))
    for head in heads:
        for name in CORRUPTIONS:
            start = f"robustness/{head}/{name}"
            shares = {f"strength {strength}": measured[f"{start}/{strength}"] for strength in STRENGTHS}
            tables.add(title, head=head, corruption=name, **shares)
