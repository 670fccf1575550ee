"""Finds test images that are also training images, by their pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data import Dataset


def find_duplicates(dataset: Dataset, limit: float = 4.0) -> NDArray[np.bool_]:
    """Mask of the test images that are also in Training: (len(dataset.test()),).

    Two images are the same if their mean absolute difference is below `limit` gray levels.
    A matrix product of 8x8 thumbnails finds candidates; only these are compared pixel by pixel.
    """
    train, test = dataset.split("Training"), dataset.test()
    train_small, test_small = _thumbnails(train.images), _thumbnails(test.images)
    train_squares = (train_small**2).sum(1)
    duplicate = np.zeros(len(test), bool)
    for start in range(0, len(test), 512):
        rows = test_small[start : start + 512]
        squares = (rows**2).sum(1)[:, None] + train_squares - 2 * rows @ train_small.T
        for row, column in np.argwhere(squares < rows.shape[1] * (3 * limit) ** 2):
            if not duplicate[start + row]:
                difference = cv2.absdiff(test.images[start + row], train.images[column])
                duplicate[start + row] = difference.mean() < limit
    return duplicate


def _thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = images.reshape(len(images), 8, 6, 8, 6).mean((2, 4), dtype=np.float32)
    return blocks.reshape(len(images), 64)
