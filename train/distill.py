"""Distillation: a network learns from teachers, which see the same augmented images.

A teacher's answer to an image that it was trained on says little more than the image's target. Its answer to the
rotated, blurred or mixed image says more (Beyer et al. 2021, arXiv:2106.05237).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from train.models import RECIPE_SIZE
from train.predict import ONE_HEAD, load_network

Answers = Mapping[str, Any]
"""By the name of the head, backend tensors (batch, labels) with rows that sum to 1."""
QUICK = (layers.Conv2D, layers.DepthwiseConv2D, layers.BatchNormalization, layers.ReLU, layers.Add)
"""A teacher's layers that compute in the pupil's number format; the others stay in float32."""


def learn_from(model: keras.Model, files: Sequence[str], share: float) -> None:
    """Make a compiled model's loss blend the teachers' mean answer into the targets, for heads that they share.

    Args:
        model: the model to change; a saved file does not depend on the teachers.
        files: the teachers' .keras files, for images of 48x48.
        share: the share of the teachers' answer in a target.
    """
    teachers = [load_network(file) for file in files]
    for teacher in teachers:
        teacher.trainable = False
        for layer in teacher._flatten_layers():
            if isinstance(layer, QUICK):
                layer.dtype_policy = model.dtype_policy
    compute_loss = model.compute_loss

    def compute_taught_loss(
        x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        targets = blend(y, [answer(teacher, x) for teacher in teachers], share) if training else y
        return compute_loss(x, targets, y_pred, sample_weight, training)

    model.compute_loss = compute_taught_loss


def answer(teacher: keras.Model, images: Any) -> Answers:
    """Return a teacher's answer to images (batch, height, width, 1) of any size."""
    if images.shape[1:3] != RECIPE_SIZE[:2]:
        images = keras.ops.image.resize(images, RECIPE_SIZE[:2])
    outputs = teacher(images, training=False)
    return outputs if isinstance(outputs, dict) else {ONE_HEAD: outputs}


def blend(targets: Answers, answers: Sequence[Answers], share: float) -> dict[str, Any]:
    """Mix a share of the mean answer into the targets of each head that a teacher has."""
    blended = dict(targets)
    for head, own in targets.items():
        if taught := [one[head] for one in answers if head in one]:
            blended[head] = (1 - share) * own + share * sum(taught) / len(taught)
    return blended
