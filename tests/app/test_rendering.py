"""What is shown: faces hidden, wide images made smaller, junk refused."""

import numpy as np
import pytest

from app import controls
from app.rendering import RenderOptions, decode, render, shown
from edge.errors import SourceError
from edge.pipeline import Pipeline
from edge.results import Box
from tests.app.samples import gray_image, result_of, roughness
from tests.fakes import FakeClassifier, FakeDetector, frame_of


class TestImages:
    def test_blur_hides_the_face_and_nothing_else(self) -> None:
        image = gray_image()
        before = image.copy()
        drawn = render(image, result_of(Box(100, 80, 60, 60)), RenderOptions(blur=True))
        face = drawn[100:130, 110:150].astype(float)
        assert (
            np.abs(np.diff(face, axis=0)).mean()
            < 5
            < np.abs(np.diff(before[100:130, 110:150].astype(float), axis=0)).mean()
        )
        assert (drawn[200:, 200:] == before[200:, 200:]).all()
        assert (image == before).all()

    def test_blur_hides_every_face_of_a_crowd(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.rendering.draw", lambda image, result: image)
        boxes = [Box(x, y, 20, 20) for x in range(10, 300, 30) for y in range(10, 220, 30)]
        pipeline = Pipeline(controls.settings().config, FakeDetector(boxes), FakeClassifier())
        shown = render(gray_image(), pipeline.process(frame_of(gray_image())), RenderOptions(blur=True))
        assert len(boxes) == 70
        assert max(roughness(shown[y : y + 20, x : x + 20]) for x, y, *_ in boxes) < 20 < roughness(gray_image()) / 3

    @pytest.mark.parametrize("box", [Box(-30, -30, 60, 60), Box(300, 220, 60, 60), Box(400, 400, 50, 50)])
    def test_blur_takes_faces_at_the_border(self, box: Box) -> None:
        assert render(gray_image(), result_of(box), RenderOptions(blur=True)).shape == (240, 320, 3)

    def test_wide_images_are_shown_at_960_pixels(self) -> None:
        jpeg = shown(gray_image(1920, 1080), result_of(Box(0, 0, 100, 100)), RenderOptions())
        assert decode(jpeg, "shown").shape == (540, 960, 3)

    @pytest.mark.parametrize("data", [b"", b"not an image"])
    def test_junk_is_no_image(self, data: bytes) -> None:
        with pytest.raises(SourceError, match=r"Received: junk\.png"):
            decode(data, "junk.png")
