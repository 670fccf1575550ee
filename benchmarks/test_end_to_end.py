"""Runs faces with known places and labels through detection, crop and network: how many are found and right?"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import end_to_end, scenes
from benchmarks.end_to_end import DetectionScore, PastedFaces
from benchmarks.tables import Tables
from edge.config import EdgeConfig
from edge.detectors import create_detector
from edge.interpreter import EmotionClassifier
from edge.model_info import LABELS
from edge.preprocess import resize_face, to_gray
from edge.results import GrayImage
from train.data import Dataset
from train.measures import Labels

COUNT = 800
"""How many faces of PublicTest are used: a margin must not be chosen on PrivateTest, which papers report."""
MARGINS = (-0.1, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
DETECTORS = ("blazeface", "blazeface-short-range", "haar")
DEFAULT = "blazeface"
JUDGED = (DEFAULT, "haar")
"""The detectors that are tested."""
TILTED_COUNT = 200
TILTS = (0, 20, 40)
UPRIGHT_FROM = (0, 10, 15, 25)


@pytest.fixture(scope="module")
def images(dataset: Dataset | None) -> PastedFaces:
    """Pasted test faces."""
    return end_to_end.paste_faces(*_some_faces(dataset, COUNT))


def _some_faces(dataset: Dataset | None, count: int) -> tuple[list[GrayImage], Labels]:
    """Faces of FER-2013's PublicTest; without the data set the demo's portrait, which smiles."""
    if dataset is None:
        face = to_gray(scenes.portrait_face(margin=0.25))
        return [face] * 40, np.full(40, LABELS.index("happy"))
    rows = np.random.default_rng(0).permutation(np.flatnonzero(dataset.splits == "PublicTest"))[:count]
    return list(dataset.images[rows]), dataset.labels[rows]


@pytest.fixture(scope="module")
def detections(images: PastedFaces) -> dict[str, DetectionScore]:
    """By detector."""
    return {name: end_to_end.detect(create_detector(EdgeConfig(detector=name)), images) for name in DETECTORS}


@pytest.fixture(scope="module")
def classifier(variants: dict[str, Path]) -> EmotionClassifier:
    """The `label` head: FER-2013's labels are the truth here."""
    return EmotionClassifier(variants["int8"], scores="label")


def test_pasted_faces_are_found(
    detections: dict[str, DetectionScore], images: PastedFaces, tables: Tables, dataset: Dataset | None
) -> None:
    what = "FER-2013 test faces" if dataset is not None else "portraits (FER-2013 is not here)"
    title = f"Detection of {len(images.labels)} pasted {what}, recall by side in pixels"
    for name, seen in detections.items():
        sides = {f"{side} px": recall for side, recall in seen.recall_by_side.items()}
        row = {"recall": seen.recall, "precision": seen.precision, **sides}
        tables.add(title, detector=name, **row)
    default = detections[DEFAULT]
    assert default.precision > 0.9
    assert default.recall_by_side[200] > 0.6, "FER-2013's crops show no head around the face, which BlazeFace looks for"


def test_the_shipped_margin_is_about_the_best(
    detections: dict[str, DetectionScore],
    images: PastedFaces,
    classifier: EmotionClassifier,
    tables: Tables,
) -> None:
    shipped = classifier.info.crop_margin
    for name in JUDGED:
        found = detections[name].found
        accuracies = {
            margin: end_to_end.accuracy_of_found(images, found, classifier.info, classifier.predict, margin)
            for margin in sorted({*MARGINS, shipped})
        }
        by_margin = {f"{margin:+.2f}": accuracy for margin, accuracy in accuracies.items()}
        tables.add(f"Accuracy of the found faces by crop margin (shipped: {shipped:+.2f})", detector=name, **by_margin)
        assert max(accuracies.values()) - accuracies[shipped] < 0.04, "two standard errors of 600 faces"


def test_detection_and_cropping_keep_the_accuracy(
    detections: dict[str, DetectionScore],
    images: PastedFaces,
    classifier: EmotionClassifier,
    tables: Tables,
) -> None:
    """On the same faces: the image itself, and the crop that the pipeline makes of it."""
    margin = classifier.info.crop_margin
    for name in JUDGED:
        found = detections[name].found
        cropped = end_to_end.accuracy_of_found(images, found, classifier.info, classifier.predict, margin)
        whole = _accuracy_of_images(images, [hit.face for hit in found], classifier)
        row = {"detector": name, "faces": len(found), "whole_image": whole, "pipeline_crop": cropped}
        tables.add("Accuracy end to end, on the faces found", **row)
        assert cropped > whole - 0.06


def test_turning_crops_upright_is_worth_it(
    dataset: Dataset | None, classifier: EmotionClassifier, tables: Tables
) -> None:
    """Tilted images: the crop as it is, and turned upright by the eyes from some tilt on."""
    faces, labels = _some_faces(dataset, TILTED_COUNT)
    detector, info, gains = create_detector(EdgeConfig()), classifier.info, {}
    for degrees in TILTS:
        tilted = end_to_end.paste_faces(end_to_end.tilted(faces, degrees), labels)
        seen = end_to_end.detect(detector, tilted)
        accuracies = {
            limit: end_to_end.accuracy_of_found(
                tilted, seen.found, info, classifier.predict, info.crop_margin, upright_from=limit
            )
            for limit in UPRIGHT_FROM
        }
        row = {f"from {limit}" if limit else "never": accuracy for limit, accuracy in accuracies.items()}
        tables.add("Accuracy of tilted faces, crops turned upright", tilt=degrees, recall=seen.recall, **row)
        gains[degrees] = accuracies[round(EdgeConfig().upright_from)] - accuracies[0]
    assert gains[0] > -0.02
    assert gains[40] > (-0.01 if dataset is None else 0.05)


def _accuracy_of_images(images: PastedFaces, faces: list[int], classifier: EmotionClassifier) -> float:
    crops = []
    for face in faces:
        scene, place = divmod(face, len(end_to_end.SIDES))
        x, y, width, height = images.scenes[scene].boxes[place]
        pixels = to_gray(images.scenes[scene].image)[y : y + height, x : x + width]
        crops.append(resize_face(pixels, classifier.info))
    return float(np.mean(classifier.predict(np.stack(crops)).argmax(axis=1) == images.labels[faces]))
