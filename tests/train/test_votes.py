"""Majorities as Microsoft's code takes them, and as ten people would."""

import numpy as np

from train.votes import CONTEMPT, NOBODY, clear_majority, majority, vote_shares, vote_weights

# anger, disgust, fear, happiness, neutral, sadness, surprise, contempt, unknown, not a face
VOTES = np.array(
    [
        [0, 0, 0, 9, 1, 0, 0, 0, 0, 0],  # nearly all say happy
        [1, 1, 0, 4, 1, 1, 1, 0, 1, 0],  # four of ten, but all others are single votes
        [0, 0, 0, 5, 5, 0, 0, 0, 0, 0],  # a tie
        [0, 0, 0, 2, 0, 0, 0, 8, 0, 0],  # contempt
        [0, 0, 0, 2, 0, 0, 0, 0, 8, 0],  # unknown
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # FER+ has no such image
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # single votes only
    ],
    np.float32,
)


def test_the_majority_drops_single_votes_and_needs_more_than_half_of_the_rest() -> None:
    assert majority(VOTES).tolist() == [3, 3, NOBODY, CONTEMPT, NOBODY, NOBODY, NOBODY]


def test_a_clear_majority_needs_more_than_half_of_all_votes_for_one_of_our_classes() -> None:
    assert clear_majority(VOTES).tolist() == [3, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY]


def test_shares_are_of_the_votes_for_our_classes() -> None:
    assert np.allclose(vote_shares(VOTES)[3], [0, 0, 0, 1, 0, 0, 0])
    assert vote_shares(VOTES)[5].sum() == 0
    assert np.allclose(vote_weights(VOTES), [1, 0.9, 1, 0.2, 0.2, 0, 0.7])
