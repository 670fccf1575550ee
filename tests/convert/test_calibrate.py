"""Which images calibrate, and which prove."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.calibrate import UNKNOWN, choose_balanced, load_conversion_data, reach_full_range
from convert.config import ConvertConfig
from convert.report import proved_on
from edge.errors import DataError
from edge.model_info import LABELS
from tests.convert.networks import write_dataset
from tests.convert.samples import INFO, make_images


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without FER-2013."""
    monkeypatch.setenv("FER2013", str(tmp_path / "nowhere"))


def test_calibration_is_class_balanced_as_far_as_classes_go() -> None:
    labels = np.array([0] * 500 + [1] * 30 + [2] * 500)
    chosen = choose_balanced(labels, 230, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [100, 30, 100]
    assert len(set(chosen.tolist())) == 230


def test_calibration_is_drawn_by_the_seed() -> None:
    labels = np.arange(700) % 7
    assert np.array_equal(choose_balanced(labels, 70, 1), choose_balanced(labels, 70, 1))
    assert not np.array_equal(choose_balanced(labels, 70, 1), choose_balanced(labels, 70, 2))


def test_calibration_reaches_0_and_255_and_leaves_the_given_images_alone() -> None:
    images = make_images([0, 1])
    faces = reach_full_range(images).faces
    assert (faces.min(), faces.max()) == (0, 255)
    assert (faces != images.faces).sum() == 2
    assert images.faces.max() < 255


def test_no_test_image_calibrates(tmp_path: Path) -> None:
    config = ConvertConfig(Path("model.keras"), data=write_dataset(tmp_path), samples=100)
    data = load_conversion_data(config, INFO)
    assert set(data.calibration.splits) == {"Training"}
    assert all("train/" in name for name in data.calibration.names)
    assert set(data.proof.splits) == {"PublicTest", "PrivateTest"}
    assert len(data.indices) == 100


@pytest.mark.usefixtures("nowhere")
def test_images_of_the_user_are_resized_and_labelled_by_folder(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy" / "a.png"), np.full((96, 80, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "b.jpg"), np.full((30, 30), 90, np.uint8))
    data = load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=tmp_path), INFO)
    assert data.calibration.faces.shape == (2, 48, 48, 1)
    assert sorted(data.calibration.labels.tolist()) == [UNKNOWN, LABELS.index("happy")]


def test_with_images_of_the_user_the_proof_is_still_on_the_test_images(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    config = ConvertConfig(Path("m.keras"), data=dataset, samples_from=dataset / "train", samples=30)
    data = load_conversion_data(config, INFO)
    assert (data.source, proved_on(data)) == ("images of the user", "70 test images")
    assert set(data.proof.splits) == {"PublicTest", "PrivateTest"}


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("samples", "split", "says"),
    [(30, "rest", "the 40 images that did not calibrate"), (70, "calibration", "the 70 calibration images")],
)
def test_without_test_images_the_proof_is_on_those_that_did_not_calibrate_if_any(
    tmp_path: Path, samples: int, split: str, says: str
) -> None:
    folder = write_dataset(tmp_path) / "test"
    data = load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=folder, samples=samples), INFO)
    assert set(data.proof.splits) == {split}
    assert set(data.proof.names).isdisjoint(data.calibration.names) == (split == "rest")
    assert proved_on(data).startswith(says)


@pytest.mark.usefixtures("nowhere")
def test_missing_images_say_both_ways_to_give_some() -> None:
    with pytest.raises(DataError, match=r"--samples-from, or FER-2013 .*--data.* Received: .*nowhere$"):
        load_conversion_data(ConvertConfig(Path("m.keras")), INFO)


def test_fer2013_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    config = ConvertConfig(Path("m.keras"), data=tmp_path / "mistyped", samples_from=write_dataset(tmp_path))
    with pytest.raises(DataError, match=r"Received: .*mistyped$"):
        load_conversion_data(config, INFO)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_folder_without_images_or_with_a_broken_one_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "broken.jpg").write_bytes(content)
    with pytest.raises(DataError, match="Received: "):
        load_conversion_data(ConvertConfig(Path("m.keras"), samples_from=tmp_path), INFO)
