"""BlazeFace files: anchors and input are told from the tensors, and a file that does not fit is refused."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.blazeface import BlazeFace, anchor_centers, find_layout, merge_overlapping
from edge.boxes import overlap
from edge.config import EdgeConfig
from edge.detectors import BACK, SHORT_RANGE, create_detector
from edge.errors import ModelError
from edge.interpreter import MODELS
from edge.sources import DemoSource
from tests.edge.test_detectors import FACE


@pytest.mark.parametrize(("name", "side", "reach"), [(SHORT_RANGE, 128, 0.2), (BACK, 256, 0.1)])
def test_each_bundled_file_finds_the_face_once_with_its_own_anchors(name: str, side: int, reach: float) -> None:
    network = BlazeFace(MODELS / name)
    (face,) = network.detect(DemoSource().image(0))
    assert overlap(face.box, FACE) > 0.6
    assert (network.side, network.reach) == (side, reach)


@pytest.mark.parametrize(
    ("side", "count", "layout"),
    [(128, 896, ((8, 2), (16, 6))), (256, 896, ((16, 2), (32, 6))), (192, 2304, ((4, 1),)), (192, 896, None)],
)
def test_the_anchors_belong_to_the_file(side: int, count: int, layout: tuple[tuple[int, int], ...] | None) -> None:
    assert find_layout(side, count) == layout
    if layout:
        assert anchor_centers(side, layout).shape == (count, 2)


def test_anchors_are_the_published_grid() -> None:
    anchors = anchor_centers(128, ((8, 2), (16, 6)))
    assert anchors[0].tolist() == anchors[1].tolist() == [0.5 / 16, 0.5 / 16]
    assert anchors[512].tolist() == [0.5 / 8, 0.5 / 8]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 48), (8000, 100), (100, 3000)])
def test_an_image_of_any_size_can_be_shown(size: tuple[int, int]) -> None:
    network = BlazeFace(MODELS / SHORT_RANGE)
    assert network.detect(np.full((size[1], size[0], 3), 128, np.uint8)) == []


def test_a_small_image_is_enlarged() -> None:
    small = cv2.resize(DemoSource().image(0)[100:420, 160:480], (40, 40), interpolation=cv2.INTER_AREA)
    (face,) = BlazeFace(MODELS / BACK).detect(small)
    assert 10 < face.box.width < 25


def test_overlapping_candidates_are_averaged_by_score() -> None:
    points = np.zeros((3, 8, 2), np.float32)
    points[:, 0] = [(50, 50), (54, 50), (200, 50)]
    points[:, 1] = (40, 40)
    merged = merge_overlapping(points, np.array([0.9, 0.3, 0.6], np.float32))
    assert [round(float(face[0, 0]), 1) for face, _ in merged] == [51.0, 200.0]
    assert [round(score, 1) for _, score in merged] == [0.9, 0.6]


@pytest.mark.parametrize("detector", ["auto", "blazeface"])
def test_a_file_that_is_no_blazeface_is_one_line(detector: str, tmp_path: Path) -> None:
    emotions = EdgeConfig(detector=detector, detector_model=str(MODELS / "emotion_int8.tflite"))
    with pytest.raises(ModelError, match=r"BlazeFace.*Received: input \(1, 48, 48, 1\)"):
        create_detector(emotions)
    with pytest.raises(ModelError, match=r"no file at .*none\.tflite"):
        create_detector(EdgeConfig(detector=detector, detector_model=str(tmp_path / "none.tflite")))


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", [BACK, SHORT_RANGE, "emotion_int8.tflite"])
def test_a_file_whose_end_is_missing_is_one_line_where_the_runtime_would_crash(
    name: str, share: float, tmp_path: Path
) -> None:
    whole = (MODELS / name).read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        create_detector(EdgeConfig(detector_model=str(tmp_path / "cut.tflite")))


def test_another_blazeface_file_may_be_given(tmp_path: Path) -> None:
    shutil.copy(MODELS / SHORT_RANGE, tmp_path / "mine.tflite")
    detector = create_detector(EdgeConfig(detector_model=str(tmp_path / "mine.tflite")))
    assert len(detector.detect(DemoSource().image(0))) == 1
