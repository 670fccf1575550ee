"""What is shown: faces hidden, wide images made smaller, junk refused."""

from dataclasses import replace

import numpy as np
import pytest

from app import cards, controls
from app.labels import place_label
from app.rendering import RenderOptions, decode, render, shown
from edge.boxes import shared_area
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
        monkeypatch.setattr("app.rendering.draw", lambda image, result, names: image)
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

    def test_blur_hides_where_a_face_may_be_too(self) -> None:
        result = replace(result_of(), doubtful=(Box(100, 80, 60, 60),))
        drawn = render(gray_image(), result, RenderOptions(blur=True))
        assert roughness(drawn[80:140, 100:160]) < roughness(gray_image()) / 3

    def test_a_mirror_turns_image_and_boxes_and_leaves_words(self) -> None:
        result = result_of(Box(10, 100, 60, 60))
        plain, mirrored = (render(gray_image(), result, RenderOptions(mirror=mirror)) for mirror in (False, True))
        assert (mirrored[170:, ::-1] == plain[170:]).all()
        assert not (mirrored[:, ::-1] == plain).all()

    def test_labels_cover_no_face_and_no_other_label(self) -> None:
        faces = result_of(Box(40, 60, 50, 50), Box(95, 62, 50, 50), Box(60, 118, 40, 40)).faces
        taken = [face.box for face in faces]
        for face in faces:
            place, text = place_label(face, {1: "Anna"}, taken, (240, 320))
            assert not any(shared_area(place, box) for box in taken)
            assert text.startswith({1: "Anna"}.get(face.track_id, f"Person {face.track_id}"))
            taken.append(place)

    @pytest.mark.parametrize(("face_score", "label"), [(0.6, "Person 1: happy?"), (0.9, "Person 1: happy")])
    def test_what_may_be_no_person_s_face_has_a_doubt(self, face_score: float, label: str) -> None:
        face = replace(result_of(Box(100, 80, 60, 60)).faces[0], face_score=face_score)
        assert place_label(face, {}, [face.box], (240, 320))[1] == label
        assert ("perhaps not a person" in cards.doubt(face)) == (face_score < 0.75)

    @pytest.mark.parametrize("data", [b"", b"not an image"])
    def test_junk_is_no_image(self, data: bytes) -> None:
        with pytest.raises(SourceError, match=r"Received: junk\.png"):
            decode(data, "junk.png")
