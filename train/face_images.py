"""Turns image files into the network's input by edge's own functions, so that training sees what a camera gives."""

import cv2
import numpy as np

from edge.config import EdgeConfig
from edge.detectors import Detector, create_detector
from edge.model_info import ModelInfo
from edge.preprocess import crop_face, resize_face, to_gray
from edge.results import BgrImage, Box, FaceInput, GrayImage

CROP_MARGIN = 0.1
"""What crops for the network add to a face box; docs/benchmarks.md compares margins by detector."""
INPUT = ModelInfo("training", crop_margin=CROP_MARGIN)
"""The input of all networks in `train.models`."""
FACE_ITSELF = 64
"""With `--crop`, an image with no side above this is taken for an already cropped face."""


class UnusableError(ValueError):
    """An image can't be used; the message says why in a few words."""


class FaceReader:
    """Turns the bytes of an image file into a face (height, width, channels) for the network.

    Usage:
        FaceReader(crop=True).face(Path("IMG_1.JPG").read_bytes())
    """

    def __init__(self, crop: bool = False, info: ModelInfo = INPUT) -> None:
        self._crop, self._info = crop, info
        self._detector: Detector | None = None

    def face(self, data: bytes, box: Box | None = None) -> FaceInput:
        """Read the face of an image file: in `box`, or the largest that the detector finds, or the whole image.

        Raises:
            UnusableError: it is not an image, or it has no face to crop.
        """
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if image is None:
            raise UnusableError("no image")
        if box is None and self._crop and max(image.shape[:2]) > FACE_ITSELF:
            box = self._find(image)  # type: ignore[arg-type]
        seen = image if self._info.color == "rgb" else to_gray(image)  # type: ignore[arg-type]
        return self.fit(seen) if box is None else crop_face(seen, box, self._info)  # type: ignore[arg-type]

    def fit(self, image: BgrImage | GrayImage) -> FaceInput:
        """Convert a face image to the network's size and color."""
        return resize_face(image, self._info)

    def _find(self, image: BgrImage) -> Box:
        if self._detector is None:
            self._detector = create_detector(EdgeConfig())
        faces = self._detector.detect(image)
        if not faces:
            raise UnusableError("no face found by --crop")
        return max((face.box for face in faces), key=lambda box: box.width * box.height)
