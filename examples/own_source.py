"""A custom source, here a photo that comes closer. A live source sets `live = True`, and waits in `read`."""

import cv2

from edge import EdgeConfig, Engine, Source
from edge.results import BgrImage
from edge.sources import PORTRAIT


class Zoom(Source):
    fps = 25.0

    def __init__(self) -> None:
        self.photo, self.width = cv2.imread(str(PORTRAIT)), 200

    def read(self) -> BgrImage | None:
        self.width += 20
        closer = cv2.resize(self.photo, (self.width, self.width))
        return closer.astype("uint8") if self.width <= 400 else None


with Engine(EdgeConfig(source="zoom://", playback="fast"), opener=lambda name, config: Zoom()) as engine:
    for frame, result in engine.results():
        print(f"{frame.position_s:.2f} s", frame.image.shape, [face.emotion for face in result.faces])
