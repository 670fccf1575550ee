"""FER-2013 in each layout, its splits, its damage, its duplicates and its votes."""

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edge.errors import DataError
from edge.model_info import LABELS
from tests.train import synthetic
from train.data import BESIDE, describe, limit, load_fer2013, stratified_split
from train.duplicates import find_duplicates


@pytest.fixture(params=["folder", "zip", "csv"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        return synthetic.write_folder(tmp_path / "fer")
    write = {"zip": synthetic.write_zip, "csv": synthetic.write_csv}[request.param]
    return write(tmp_path / f"fer2013.{request.param}")


def test_each_layout_gives_the_same_images(layout: Path) -> None:
    dataset = load_fer2013(layout)
    drawn = synthetic.members(synthetic.SMALL)
    assert len(dataset) == len(drawn)
    expected = {image.tobytes(): name.split("/") for name, image in drawn.items()}
    for image, label, split in zip(dataset.images, dataset.labels, dataset.splits, strict=True):
        _, name, file = expected[image.tobytes()]
        assert (LABELS[label], split) == (name, file.split("_")[0])


def test_says_what_it_found(layout: Path) -> None:
    assert describe(load_fer2013(layout)).splitlines() == [
        "Found 70 images belonging to 7 classes (Training)",
        "Found 21 images belonging to 7 classes (PublicTest)",
        "Found 21 images belonging to 7 classes (PrivateTest)",
    ]


def test_is_found_by_variable_and_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic.write_zip(tmp_path / "fer2013.zip")
    monkeypatch.setenv("FER2013", str(tmp_path))
    assert len(load_fer2013()) == 112


def test_missing_data_says_where_it_looked_and_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"kaggle\.com/datasets/msambare/fer2013.*Received: .*nowhere"):
        load_fer2013(tmp_path / "nowhere")


def test_a_truncated_zip_is_an_error(tmp_path: Path) -> None:
    path = synthetic.write_zip(tmp_path / "fer2013.zip")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"fer2013\.zip"):
        load_fer2013(path)


def test_a_damaged_image_is_named_counted_and_left_out(tmp_path: Path) -> None:
    path = synthetic.write_zip(tmp_path / "fer2013.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("train/sad/Training_bad.jpg", b"no image")
        archive.writestr("train/sad/Training_empty.png", b"")
    dataset = load_fer2013(path)
    assert len(dataset) == 112
    assert describe(dataset).splitlines()[-1] == (
        "Left out 2 (no image): train/sad/Training_bad.jpg, train/sad/Training_empty.png"
    )


def test_a_member_whose_bytes_changed_is_left_out(tmp_path: Path) -> None:
    path = synthetic.write_zip(tmp_path / "fer2013.zip")
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF  # inside the first image: its sum no longer holds
    path.write_bytes(content)
    dataset = load_fer2013(path)
    assert len(dataset) == 111
    assert list(dataset.left_out) == ["can't be read"]


def test_a_csv_row_without_all_pixels_is_an_error(tmp_path: Path) -> None:
    path = synthetic.write_csv(tmp_path / "fer2013.csv")
    path.write_text(path.read_text() + "3,1 2 3,Training\n")
    with pytest.raises(DataError, match="row 113"):
        load_fer2013(path)


def test_a_member_that_climbs_out_of_the_zip_writes_nothing(tmp_path: Path) -> None:
    path = synthetic.write_zip(tmp_path / "fer2013.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../train/sad/Training_evil.png", zipfile.ZipFile(path).read("train/sad/Training_0.png"))
    before = set(tmp_path.parent.rglob("*"))
    load_fer2013(path)
    assert set(tmp_path.parent.rglob("*")) == before


def test_duplicates_are_found_by_pixels(tmp_path: Path) -> None:
    dataset = load_fer2013(synthetic.write_folder(tmp_path))
    train, test = (np.flatnonzero((dataset.splits == "Training") == wanted) for wanted in (True, False))
    dataset.images[test[5]] = np.clip(dataset.images[train[3]].astype(int) + 2, 0, 255)  # a brighter copy
    dataset.images[test[9]] = dataset.images[train[7]]
    assert np.flatnonzero(find_duplicates(dataset)).tolist() == [5, 9]


def test_votes_are_joined_by_path_and_missing_ones_are_zero(tmp_path: Path) -> None:
    columns = ["path", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    votes = tmp_path / "ferplus.csv"
    with votes.open("w", newline="") as file:
        csv.writer(file).writerows([columns, ["train/happy/Training_0.png", 1, 8, 0, 0, 0, 0, 1]])
    dataset = load_fer2013(synthetic.write_folder(tmp_path / "fer"), votes)
    assert dataset.votes is not None
    row = list(dataset.names).index("train/happy/Training_0.png")
    assert dataset.votes[row].tolist() == [0, 0, 1, 8, 1, 0, 0, 0, 0, 0]
    assert dataset.votes.sum() == 10


def test_votes_for_other_images_are_an_error(tmp_path: Path) -> None:
    votes = tmp_path / "ferplus.csv"
    votes.write_text("path,neutral,happiness,surprise,sadness,anger,disgust,fear\nelsewhere.jpg,1,1,1,1,1,1,1\n")
    with pytest.raises(DataError, match=r"ferplus\.csv"):
        load_fer2013(synthetic.write_folder(tmp_path / "fer"), votes)


def write_row_votes(file: Path, splits: list[str]) -> Path:
    """Votes as in Microsoft's fer2013new.csv: no paths, a row for each row of fer2013.csv, here with its number."""
    columns = ["Usage", "Image name", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    rows = [[split, "", number, 1, 0, 0, 0, 0, 0] for number, split in enumerate(splits)]
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])
    return file


def test_votes_without_paths_are_joined_to_the_rows_of_the_csv(tmp_path: Path) -> None:
    data = synthetic.write_csv(tmp_path / "fer2013.csv")
    splits = load_fer2013(data).splits.tolist()
    votes = load_fer2013(data, write_row_votes(tmp_path / "fer2013new.csv", splits)).votes
    assert votes is not None
    assert votes[:, LABELS.index("neutral")].tolist() == list(range(112))


def test_votes_without_paths_are_not_joined_to_images_of_another_order(layout: Path, tmp_path: Path) -> None:
    splits = load_fer2013(layout).splits.tolist()
    if layout.suffix == ".csv":
        splits.reverse()
    with pytest.raises(DataError, match=r"`path`.*fer2013\.csv in --data.*--heads label"):
        load_fer2013(layout, write_row_votes(tmp_path / "fer2013new.csv", splits))


def test_a_limit_keeps_every_split_and_class(tmp_path: Path) -> None:
    few = limit(load_fer2013(synthetic.write_folder(tmp_path)), 42, seed=0)
    assert {(split, label) for split, label in zip(few.splits, few.labels, strict=True)} == {
        (split, label) for split in synthetic.SMALL for label in range(7)
    }
    assert 35 <= len(few) <= 56


def test_a_stratified_split_takes_its_share_of_each_class() -> None:
    labels = np.repeat(np.arange(7), 20)
    rest, held_out = stratified_split(labels, 0.1, seed=3)
    assert np.bincount(labels[held_out]).tolist() == [2] * 7
    assert sorted([*rest, *held_out]) == list(range(140))


def test_a_stratified_split_leaves_what_it_must_keep() -> None:
    labels = np.array([0, 1, 1, 2, 2, 2])
    rest, held_out = stratified_split(labels, 0.9, seed=3, keep=1)
    assert labels[rest].tolist() == [0, 1, 2]
    assert labels[held_out].tolist() == [1, 2, 2]


def test_votes_beside_the_data_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    mine = synthetic.write_images(tmp_path / "mine" / "my_faces", {"happy/1.png": "happy", "sad/2.png": "sad"})
    fer = synthetic.write_folder(tmp_path / "fer" / "fer2013")
    others = synthetic.write_votes(tmp_path / "mine" / "ferplus.csv", load_fer2013(fer))
    dataset = load_fer2013(mine, BESIDE)
    assert dataset.votes is None
    assert describe(dataset).splitlines()[-1] == f"Left out 1 (votes that do not fit these images): {others}"
    synthetic.write_votes(tmp_path / "fer" / "ferplus.csv", load_fer2013(fer))
    both = load_fer2013([mine, fer], BESIDE)
    assert both.votes is not None
    assert both.votes.any(1).tolist() == [False, False, *[True] * 112]


def test_two_places_are_one_data_set_and_votes_go_to_theirs(tmp_path: Path) -> None:
    columns = ["path", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    votes = tmp_path / "ferplus.csv"
    with votes.open("w", newline="") as file:
        csv.writer(file).writerows([columns, ["train/happy/Training_0.png", 1, 8, 0, 0, 0, 0, 1]])
    first, second = synthetic.write_folder(tmp_path / "fer"), tmp_path / "mine"
    synthetic.write_images(second, {"Happy/1.png": "happy", "sad/2.png": "sad", "happy/bad.jpg": None})
    dataset = load_fer2013([str(first), str(second)], votes)
    assert len(dataset) == 114
    assert dataset.names[-2:].tolist() == ["Happy/1.png", "sad/2.png"]
    assert dataset.splits[-2:].tolist() == ["Training", "Training"]
    assert dataset.votes is not None
    assert (dataset.votes.sum(), dataset.votes[-2:].sum()) == (10, 0)
    assert dataset.left_out == {"no image": ("happy/bad.jpg",)}


@pytest.mark.parametrize("wrong", ["", "not named/1.png", "happy/1.txt"])
def test_a_folder_without_classes_says_what_it_wants(wrong: str, tmp_path: Path) -> None:
    synthetic.write_images(tmp_path, {wrong: "happy"} if wrong else {})
    with pytest.raises(DataError, match=r"^Expected .*folder.*angry, disgust.* Received: "):
        load_fer2013(tmp_path)
