"""Certainty, valence, arousal and intensity of known distributions."""

import pytest

from edge.affect import affect, certainty, in_words
from edge.emotions import EMOTIONS, bgr, color
from edge.model_info import LABELS
from edge.results import EmotionScores


def test_a_score_of_the_people_head_is_a_number_of_people() -> None:
    scores = EmotionScores(("happy", "sad"), (0.78, 0.22))
    assert in_words(scores, "people") == "8 of 10 people would say happy"
    assert in_words(scores, "label") == "happy with a probability of 78%"


def test_every_label_has_its_coordinates() -> None:
    assert tuple(EMOTIONS) == LABELS


@pytest.mark.parametrize(("values", "expected"), [((1, 0, 0, 0), 1.0), ((0.25,) * 4, 0.0), ((0.5, 0.5, 0, 0), 0.5)])
def test_certainty_is_one_minus_the_normalised_entropy(values: tuple[float, ...], expected: float) -> None:
    assert certainty(values) == pytest.approx(expected)


def test_a_sure_label_has_its_own_coordinates_and_a_mixture_their_mean() -> None:
    assert affect(("happy", "sad"), (1.0, 0.0))[:2] == (EMOTIONS["happy"].valence, EMOTIONS["happy"].arousal)
    mixed = affect(("happy", "neutral"), (0.5, 0.5))
    assert mixed.valence == pytest.approx(0.405)
    assert mixed.intensity == pytest.approx(affect(("happy",), (1.0,)).intensity / 2)


def test_an_unknown_label_counts_as_neutral() -> None:
    assert affect(("contempt",), (1.0,)) == (0, 0, 0)


def test_every_label_has_a_color_of_its_own_and_another_word_a_gray() -> None:
    colors = [color(label) for label in LABELS]
    assert len(set(colors)) == len(LABELS)
    assert color("uncertain") not in colors
    assert color("angry") == "#D55E00"
    assert bgr("angry") == (0x00, 0x5E, 0xD5)
