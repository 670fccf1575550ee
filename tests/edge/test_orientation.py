"""A camera as it hangs: turned and mirrored images, and the boxes in them."""

import json

import cv2
import numpy as np
import pytest

from edge.camera import Camera
from edge.config import EdgeConfig
from edge.errors import ConfigError
from edge.orientation import orient
from edge.pipeline import Pipeline
from edge.run import build_parser, main
from edge.sources import PORTRAIT, DemoSource
from tests.fakes import FakeClassifier, FakeSource, frame_of

IMAGE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
"""Two rows of three pixels."""


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_an_image_is_turned_clockwise_and_then_mirrored(degrees: int, mirror: bool) -> None:
    turned = orient(IMAGE, EdgeConfig(source="demo", rotate=degrees, mirror=mirror))
    wanted = np.rot90(IMAGE, -degrees // 90)
    assert (turned == (wanted[:, ::-1] if mirror else wanted)).all()
    assert turned.flags.c_contiguous


def test_frames_and_their_small_images_are_turned_but_not_those_of_a_camera_that_turns_itself() -> None:
    for turns_itself, size, small_size in ((False, (64, 48), (32, 24)), (True, (48, 64), (24, 32))):
        source = FakeSource(count=1)
        source.small, source.turns_itself = np.zeros((24, 32, 3), np.uint8), turns_itself
        with Camera("fake", EdgeConfig(source="fake", rotate=90), opener=lambda name, config: source) as camera:  # noqa: B023
            frame = camera.wait(5)
        assert frame is not None
        assert frame.small is not None
        assert (frame.image.shape[:2], frame.small.shape[:2]) == (size, small_size)


def test_the_demo_is_turned_as_the_options_say() -> None:
    with Camera("demo", EdgeConfig(source="demo", rotate=270, mirror=True)) as camera:
        frame = camera.wait(5)
    assert frame is not None
    first = DemoSource().image(frame.index)
    assert (frame.image == cv2.flip(cv2.rotate(first, cv2.ROTATE_90_COUNTERCLOCKWISE), 1)).all()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_camera_that_hangs_turned_sees_the_face_when_told(degrees: int) -> None:
    """The box is in the pixels of the turned frame, which is 480 pixels wide if the camera lies on its side."""
    scene = np.full((480, 640, 3), 100, np.uint8)
    portrait = cv2.imread(str(PORTRAIT))
    scene[100:400, 60:360] = portrait
    hung = orient(scene, EdgeConfig(rotate=360 - degrees))
    config = EdgeConfig(source="0", rotate=degrees)
    upright = orient(hung, config)
    assert upright.shape == (480, 640, 3)
    (face,) = Pipeline(config, classifier=FakeClassifier()).process(frame_of(upright)).faces
    assert abs(face.box.x + face.box.width / 2 - 210) < 20
    assert abs(face.box.y + face.box.height / 2 - 215) < 25


def test_the_command_turns_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--headless", "--source", "demo", "--playback", "fast", "--max-frames", "1", "--mirror"]) == 0
    mirrored = json.loads(capsys.readouterr().out)["faces"][0]["box"]
    assert main(["--headless", "--source", "demo", "--playback", "fast", "--max-frames", "1"]) == 0
    plain = json.loads(capsys.readouterr().out)["faces"][0]["box"]
    assert abs(mirrored[0] + mirrored[2] + plain[0] - 640) < 12


def test_the_options_are_checked() -> None:
    arguments = build_parser().parse_args(["--rotate", "270", "--mirror"])
    assert (arguments.rotate, arguments.mirror) == (270, True)
    assert build_parser().parse_args(["--no-mirror"]).mirror is False
    with pytest.raises(ConfigError, match=r"rotate to be one of 0, 90, 180, 270\. Received: 45"):
        EdgeConfig(rotate=45)
    with pytest.raises(ConfigError, match=r"mirror to be true or false\. Received: 'yes'"):
        EdgeConfig(mirror="yes")  # type: ignore[arg-type]
