"""FER+ votes (n, 10), what ten people said of each image: as shares, and as the majority that papers compare with.

Barsoum et al. 2016, arXiv:1608.01041; the rules are those of Microsoft's FERPlus code.
"""

import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS

Votes = NDArray[np.float32]
"""Counts (n, 10) in the order of train.data.VOTE_COLUMNS."""
NOBODY = -1
"""The class of an image without a majority."""
CONTEMPT = len(LABELS)
"""FER+'s eighth emotion, which our networks do not have."""


def vote_shares(votes: Votes) -> NDArray[np.float32]:
    """The shares of the votes for our classes, (n, labels); a row of zeros if there are none."""
    ours = votes[:, : len(LABELS)]
    return ours / np.maximum(ours.sum(1, keepdims=True), 1)


def vote_weights(votes: Votes) -> NDArray[np.float32]:
    """The share of each image's votes that went to our classes, (n,) in [0, 1]; 0 if nobody voted."""
    return votes[:, : len(LABELS)].sum(1) / np.maximum(votes.sum(1), 1)


def majority(votes: Votes) -> NDArray[np.int64]:
    """The class with more than half of the votes, (n,), or CONTEMPT or NOBODY; single votes are dropped as outliers.

    Votes for `unknown` and `not a face` count too; an image with such a majority gets NOBODY.
    """
    kept = np.where(votes > 1, votes, 0)
    return _winner(kept, kept.max(1) > 0.5 * kept.sum(1), CONTEMPT)


def clear_majority(votes: Votes) -> NDArray[np.int64]:
    """Our class with more than half of all votes, single votes included, (n,); else NOBODY."""
    return _winner(votes, votes.max(1) > 0.5 * votes.sum(1), CONTEMPT - 1)


def _winner(votes: Votes, wins: NDArray[np.bool_], last: int) -> NDArray[np.int64]:
    best = votes.argmax(1)
    return np.where(wins & (votes.max(1) > 0) & (best <= last), best, NOBODY)
