"""What ten people said of an image: FER+ votes (n, 10) as shares, and as the majority that papers compare with.

Barsoum et al. 2016, arXiv:1608.01041; the rules are those of Microsoft's FERPlus code.
"""

import numpy as np
from numpy.typing import NDArray

from edge.model_info import LABELS

Votes = NDArray[np.float32]
"""(n, 10) counts in the order of train.data.VOTE_COLUMNS."""
NOBODY = -1
"""The majority of an image that has none."""
CONTEMPT = len(LABELS)
"""FER+'s eighth emotion, which our networks do not name."""


def vote_shares(votes: Votes) -> NDArray[np.float32]:
    """(n, labels): how the votes for our classes divide; a row of zeros where there is none."""
    ours = votes[:, : len(LABELS)]
    return ours / np.maximum(ours.sum(1, keepdims=True), 1)


def vote_weights(votes: Votes) -> NDArray[np.float32]:
    """(n,) in [0, 1]: the share of an image's votes that went to our classes; 0 where nobody voted."""
    return votes[:, : len(LABELS)].sum(1) / np.maximum(votes.sum(1), 1)


def majority(votes: Votes) -> NDArray[np.int64]:
    """(n,) the class above half of the votes, single votes dropped as outliers; CONTEMPT, or NOBODY.

    `unknown` and `not a face` count among the votes, and an image with such a majority has NOBODY.
    """
    kept = np.where(votes > 1, votes, 0)
    return _winner(kept, kept.max(1) > 0.5 * kept.sum(1), CONTEMPT)


def clear_majority(votes: Votes) -> NDArray[np.int64]:
    """(n,) the class of ours with more than half of all votes, single ones too; else NOBODY."""
    return _winner(votes, votes.max(1) > 0.5 * votes.sum(1), CONTEMPT - 1)


def _winner(votes: Votes, wins: NDArray[np.bool_], last: int) -> NDArray[np.int64]:
    best = votes.argmax(1)
    return np.where(wins & (votes.max(1) > 0) & (best <= last), best, NOBODY)
