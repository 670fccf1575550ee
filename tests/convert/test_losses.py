"""What a file lost against Keras."""

import numpy as np
import pytest

from convert.calibrate import UNKNOWN
from convert.losses import accuracies, measure_losses
from edge.model_info import LABELS
from tests.convert.samples import HEAD, make_images, one_hot
from train.evaluate import OWN_LABEL, Truth


def test_losses_of_a_file_that_flips_one_label_of_four() -> None:
    images = make_images([0, 0, 1, 2], ["PublicTest", "PublicTest", "PrivateTest", "PrivateTest"])
    keras, file = one_hot([0, 0, 1, 1], 0.7), one_hot([0, 1, 1, 1], 0.7)
    losses = measure_losses(keras, file, images, HEAD)
    assert losses.accuracy == {OWN_LABEL: {"PrivateTest": 0.5, "PublicTest": 0.5, "all test": 0.5}}
    assert losses.keras_accuracy[OWN_LABEL]["all test"] == 0.75
    assert losses.drop_points == 25
    assert losses.drop_interval is not None
    assert losses.drop_interval[0] < 0 < losses.drop_interval[1]  # four images prove nothing
    assert losses.agreement == 0.75
    assert losses.flips == {label: int(label == "angry") for label in LABELS}
    assert losses.recall_loss_points == {"angry": 50.0, "disgust": 0.0, "fear": 0.0}
    assert losses.max_difference == pytest.approx(0.65, abs=1e-6)
    assert losses.kl_divergence == pytest.approx((0.7 - 0.05) * np.log(0.7 / 0.05) / 4, rel=1e-5)


def test_losses_without_labels_are_about_agreement_alone() -> None:
    probabilities = one_hot([1, 2])
    losses = measure_losses(probabilities, probabilities, make_images([UNKNOWN, UNKNOWN]), HEAD)
    assert (losses.accuracy, losses.drop_points, losses.calibration_error) == ({}, None, None)
    assert (losses.agreement, losses.kl_divergence, losses.overall_accuracy) == (1, 0, None)


def test_one_split_is_its_own_total() -> None:
    truth = Truth(np.array([0, 0]), one_hot([0, 0]))
    assert accuracies(one_hot([0, 1]), truth, np.array(["calibration"] * 2)) == {"calibration": 0.5}
