"""Folders as people have them: names of classes, sizes, lists, whole photographs; nothing is dropped in silence."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import DataError
from edge.model_info import LABELS
from edge.preprocess import resize_face, to_gray
from edge.sources import PORTRAIT
from tests.train.synthetic import draw_face, write_images
from train.class_names import class_of
from train.data import Dataset, describe, load_fer2013
from train.face_images import INPUT


def classes(dataset: Dataset) -> dict[str, str]:
    return {str(name): LABELS[label] for name, label in zip(dataset.names, dataset.labels, strict=True)}


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("anger", "angry"), ("Angry", "angry"), ("HAPPINESS", "happy"), ("03-sadness", "sad"),
        ("my happy faces", "happy"),
        ("Surprised", "surprise"), ("fearful", "fear"), ("neutral_images", "neutral"), ("disgusted", "disgust"),
        ("Contempt", "contempt"), ("contempt", "contempt"),
        ("holidays", None), ("not happy", None), ("happy sad", None), ("17", None), ("", None),
    ],
)  # fmt: skip
def test_folders_are_called_as_people_call_them(folder: str, label: str | None) -> None:
    assert class_of(folder) == label


def test_folders_in_folders_and_splits_of_any_case(tmp_path: Path) -> None:
    write_images(
        tmp_path,
        {
            "Train/Happy/monday/1.JPG": "happy",
            "TEST/Anger/2.png": "angry",
            "validation/sadness/a/b/3.bmp": "sad",
            "neutral/4.webp": "neutral",
        },
    )
    dataset = load_fer2013(tmp_path)
    splits = dict(zip(classes(dataset).values(), dataset.splits.tolist(), strict=True))
    assert splits == {"happy": "Training", "angry": "Test", "sad": "PublicTest", "neutral": "Training"}


def test_what_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    files = {"happy/1.png": "happy", "contempt/2.png": "sad", "aunt Mary/3.png": "sad", "happy/4.jpg": None}
    write_images(tmp_path, {**files, **{f"contempt/more{i}.png": "sad" for i in range(4)}})
    (tmp_path / "happy/5.heic").write_bytes(b"a phone's")
    (tmp_path / "happy/notes.txt").write_bytes(b"beside the images")
    (tmp_path / "happy/.hidden.png").write_bytes(b"")
    dataset = load_fer2013(tmp_path)
    assert classes(dataset) == {"happy/1.png": "happy"}
    assert {reason.split(",")[0]: len(names) for reason, names in dataset.left_out.items()} == {
        "class contempt": 5,
        "folder aunt Mary is not named like a class": 1,
        "no image": 1,
        "a .heic file": 1,
    }
    contempt = next(line for line in describe(dataset).splitlines() if "contempt" in line)
    assert contempt.startswith("Left out 5 (class contempt")
    assert contempt.endswith(", ...")


def test_other_sizes_and_colors_are_resized_by_the_edge_s_own_function(tmp_path: Path) -> None:
    large = cv2.cvtColor(cv2.resize(draw_face("happy", np.random.default_rng(0)), (101, 90)), cv2.COLOR_GRAY2BGR)
    large[:, :, 2] = large[:, :, 2] // 2
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy/large.png"), large)
    cv2.imwrite(str(tmp_path / "happy/small.png"), large[:20, :20, 0])
    large_read, small_read = load_fer2013(tmp_path).images
    assert (large_read == resize_face(to_gray(large), INPUT)[..., 0]).all()
    assert (small_read == resize_face(large[:20, :20, 0], INPUT)[..., 0]).all()


def test_links_to_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    write_images(tmp_path / "elsewhere", {"1.png": "happy"})
    (tmp_path / "data").mkdir()
    (tmp_path / "data/happy").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "data")
    assert "happy/1.png" in load_fer2013(tmp_path / "data").names


def test_affectnet_s_folders_are_numbers_from_0_to_7(tmp_path: Path) -> None:
    write_images(tmp_path, {f"train_class/{number}/{number}.png": "happy" for number in range(8)})
    dataset = load_fer2013(tmp_path)
    assert [classes(dataset)[f"train_class/{n}/{n}.png"] for n in range(7)] == [
        "neutral", "happy", "sad", "surprise", "fear", "disgust", "angry",
    ]  # fmt: skip
    assert sum(map(len, dataset.left_out.values())) == 1


def test_numbers_that_may_mean_two_things_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path, {f"{number}/a.png": "happy" for number in range(7)})
    with pytest.raises(DataError, match="numbers count in more than one way"):
        load_fer2013(tmp_path)


def test_raf_db_by_its_list(tmp_path: Path) -> None:
    write_images(
        tmp_path, {"Image/aligned/train_00001_aligned.jpg": "happy", "Image/aligned/test_0001_aligned.jpg": "sad"}
    )
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel/list_patition_label.txt").write_text(
        "train_00001.jpg 4\ntest_0001.jpg 5\ntrain_00002.jpg 1\n"
    )
    dataset = load_fer2013(tmp_path)
    assert list(classes(dataset).values()) == ["happy", "sad"]
    assert dataset.splits.tolist() == ["Training", "Test"]
    assert list(dataset.left_out.values()) == [("train_00002.jpg",)]


@pytest.mark.parametrize("line", ["train_00001.jpg 9", "train_00001.jpg", "train_00001.jpg happy"])
def test_a_wrong_line_of_raf_db_is_refused_by_its_number(line: str, tmp_path: Path) -> None:
    write_images(tmp_path, {"train_00001.jpg": "happy"})
    (tmp_path / "list_patition_label.txt").write_text(f"train_00001.jpg 4\n{line}\n")
    if " " not in line:
        assert len(load_fer2013(tmp_path)) == 1
    else:
        with pytest.raises(DataError, match="line 2"):
            load_fer2013(tmp_path)


def test_affectnet_s_csv_names_photographs_and_their_faces(tmp_path: Path) -> None:
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[50:98, 100:148] = draw_face("sad", np.random.default_rng(0))[..., None]
    (tmp_path / "Manually_Annotated/12").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "Manually_Annotated/12/a.png"), photo)
    with (tmp_path / "training.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "expression"])
        writer.writerow(["12/a.png", 100, 50, 48, 48, 2])
        writer.writerow(["12/a.png", 100, 50, 48, 48, 7])
        writer.writerow(["12/gone.png", 100, 50, 48, 48, 1])
    dataset = load_fer2013(tmp_path)
    assert list(classes(dataset).values()) == ["sad"]
    assert dataset.images[0].mean() > photo.mean() * 2
    assert sorted(map(len, dataset.left_out.values())) == [1, 1]


def test_whole_photographs_are_cropped_by_the_edge_s_detector(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    scene = cv2.copyMakeBorder(portrait, 200, 200, 300, 300, cv2.BORDER_CONSTANT)
    cv2.imwrite(str(tmp_path / "happy/photo.jpg"), scene)
    cv2.imwrite(str(tmp_path / "happy/wall.png"), np.full((300, 300, 3), 128, np.uint8))
    cv2.imwrite(str(tmp_path / "happy/face.png"), draw_face("happy", np.random.default_rng(0)))
    whole, cropped = load_fer2013(tmp_path), load_fer2013(tmp_path, crop=True)
    assert cropped.names.tolist() == ["happy/face.png", "happy/photo.jpg"]
    assert cropped.left_out == {"no face found by --crop": ("happy/wall.png",)}
    assert (cropped.images[0] == whole.images[0]).all()
    assert cropped.images[1].mean() > 1.5 * whole.images[1].mean()  # the black around the face is gone
