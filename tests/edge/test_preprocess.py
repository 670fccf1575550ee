"""Pixels to the network's input: where a crop lies, to the pixel, and what happens at the border."""

import cv2
import numpy as np
import pytest

from edge.model_info import ModelInfo
from edge.preprocess import crop_face, resize_face, shrink_to, to_bgr, to_gray
from edge.results import Box, GrayImage
from edge.sources import DemoSource

SIZE = 40
AS_IT_IS = ModelInfo("test", input_size=(SIZE, SIZE))


@pytest.fixture
def image() -> GrayImage:
    """Every pixel differs from its neighbours: a crop that is moved by one is another crop."""
    return np.random.default_rng(0).integers(0, 256, (120, 160), np.uint8).astype(np.uint8)


def test_without_a_margin_a_square_box_is_cut_out_as_it_is(image: GrayImage) -> None:
    crop = crop_face(image, Box(30, 20, SIZE, SIZE), AS_IT_IS)
    assert crop.shape == (SIZE, SIZE, 1)
    assert crop.dtype == np.uint8
    assert np.array_equal(crop[..., 0], image[20:60, 30:70])


def test_the_margin_of_the_contract_widens_the_crop_on_all_sides(image: GrayImage) -> None:
    wider = ModelInfo("test", input_size=(60, 60), crop_margin=0.5)
    crop = crop_face(image, Box(40, 30, SIZE, SIZE), wider)
    assert np.array_equal(crop[..., 0], image[20:80, 30:90])
    tighter = ModelInfo("test", input_size=(20, 20), crop_margin=-0.4999)
    assert np.array_equal(crop_face(image, Box(40, 30, SIZE, SIZE), tighter)[..., 0], image[40:60, 50:70])


def test_an_oblong_box_grows_to_a_square_around_its_centre(image: GrayImage) -> None:
    crop = crop_face(image, Box(50, 20, 20, SIZE), AS_IT_IS)
    assert np.array_equal(crop[..., 0], image[20:60, 40:80])


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        (Box(-10, 20, SIZE, SIZE), range(20, 60), range(-10, 30)),
        (Box(140, 100, SIZE, SIZE), range(100, 140), range(140, 180)),
        (Box(200, 200, SIZE, SIZE), range(200, 240), range(200, 240)),
        (Box(-90, 50, SIZE, SIZE), range(50, 90), range(-90, -50)),
    ],
    ids=["left", "lower right", "outside", "outside left"],
)
def test_beyond_the_border_its_pixels_are_repeated_and_the_face_is_not_moved(
    image: GrayImage, box: Box, rows: range, columns: range
) -> None:
    wanted = image[np.clip(rows, 0, 119)][:, np.clip(columns, 0, 159)]
    crop = crop_face(image, box, AS_IT_IS)[..., 0]
    if box.x == -90:  # wholly outside: the nearest pixel stands for all
        assert len(np.unique(crop)) == 1
    else:
        assert np.array_equal(crop, wanted)


def test_a_tilted_face_is_turned_upright() -> None:
    image = np.zeros((120, 120), np.uint8)
    image[40:80, 58:62] = 255  # an upright bar through the centre of the box
    upright = crop_face(image, Box(40, 40, SIZE, SIZE), AS_IT_IS)
    lying = crop_face(image, Box(40, 40, SIZE, SIZE), AS_IT_IS, tilt_degrees=90)
    assert upright[:, 19:21].mean() == 255
    assert lying[19:21].mean() > 230
    assert lying[:5].mean() < 30


def test_a_size_that_fits_is_not_resampled_and_another_one_is(image: GrayImage) -> None:
    fits = image[:SIZE, :SIZE]
    assert np.array_equal(resize_face(fits, AS_IT_IS)[..., 0], fits)
    halves = image[: 2 * SIZE, : 2 * SIZE].astype(int)
    means = (halves[::2, ::2] + halves[1::2, ::2] + halves[::2, 1::2] + halves[1::2, 1::2]) / 4
    assert np.abs(resize_face(image[: 2 * SIZE, : 2 * SIZE], AS_IT_IS)[..., 0] - means).max() <= 0.5, "area"
    enlarged = resize_face(image[:20, :20], AS_IT_IS)[..., 0].astype(int)
    assert not np.array_equal(enlarged[::2], enlarged[1::2]), "pixels are not merely repeated"


@pytest.mark.parametrize("size", [(256, 192), (128, 96), (640, 480), (700, 525), (1, 1)])
def test_an_image_is_shrunk_as_by_the_mean_over_areas(size: tuple[int, int]) -> None:
    image = DemoSource().image(0)
    small, wanted = shrink_to(image, size), cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    assert small.shape == (size[1], size[0], 3)
    assert np.abs(small.astype(int) - wanted).mean() < 2


def test_gray_and_color_go_there_and_back(image: GrayImage) -> None:
    assert to_gray(image) is image
    assert np.array_equal(to_gray(to_bgr(image)), image)
    blue = np.zeros((2, 2, 3), np.uint8)
    blue[..., 0] = 255
    assert to_gray(blue).tolist() == [[29, 29], [29, 29]], "blue comes first"
    assert to_bgr(blue) is blue
