"""Drawing a result on a copy of its image: box, label, confidence."""

import cv2

from edge.emotions import bgr
from edge.results import UNCERTAIN, BgrImage, Box, Face, FrameResult

FONT = cv2.FONT_HERSHEY_SIMPLEX
BLOCKS = 8
"""A hidden face keeps this many blocks per side: enough to see that somebody is there, not who."""
MARGIN_X, MARGIN_Y = 0.3, 0.4
"""Width of the hidden margin around a face's box, as a share of its side: for hair, chin, and movement until the next
image."""


def draw(image: BgrImage, result: FrameResult) -> BgrImage:
    """A copy of `image` with each face's box, label, confidence and identity."""
    drawn = image.copy()
    for face in result.faces:
        _draw_face(drawn, face)
    return drawn


def hide_faces(image: BgrImage, result: FrameResult) -> BgrImage:
    """A copy of `image` with all faces pixelated, and all places where there may be one: nobody can be recognized."""
    hidden = image.copy()
    for box in (*result.doubtful, *(face.box for face in result.faces)):
        _pixelate(hidden, box)
    return hidden


def draw_words(image: BgrImage, words: str) -> BgrImage:
    """A darker copy of `image` with a line of words across it."""
    copy: BgrImage = (image // 2).astype(image.dtype)
    scale = image.shape[0] / 480
    place = (10, image.shape[0] // 2)
    cv2.putText(copy, words, place, FONT, 0.6 * scale, (0, 0, 0), max(1, round(4 * scale)), cv2.LINE_AA)
    cv2.putText(copy, words, place, FONT, 0.6 * scale, (255, 255, 255), max(1, round(scale)), cv2.LINE_AA)
    return copy


def _draw_face(drawn: BgrImage, face: Face) -> None:
    x, y, width, height = face.box
    color = bgr(face.emotion)
    scale = max(0.5, drawn.shape[0] / 900)
    share = "" if face.emotion == UNCERTAIN else f" {face.confidence:.0%}"
    text = f"{face.emotion}{share}  #{face.track_id}"
    (text_width, text_height), below = cv2.getTextSize(text, FONT, scale, 1)
    bottom = y if y > text_height + below + 4 else y + height + text_height + below + 4
    cv2.rectangle(drawn, (x, y), (x + width, y + height), color, 2)
    cv2.rectangle(drawn, (x, bottom - text_height - below - 4), (x + text_width + 6, bottom), color, cv2.FILLED)
    cv2.putText(drawn, text, (x + 3, bottom - below), FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)


def _pixelate(image: BgrImage, box: Box) -> None:
    """Pixelate the face in `box`, and a margin around it, in `image` itself."""
    margin_x, margin_y = round(box.width * MARGIN_X), round(box.height * MARGIN_Y)
    top, left = max(0, box.y - margin_y), max(0, box.x - margin_x)
    face = image[top : max(0, box.y + box.height + margin_y), left : max(0, box.x + box.width + margin_x)]
    if face.size:
        blocks = cv2.resize(face, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        face[:] = cv2.resize(blocks, (face.shape[1], face.shape[0]), interpolation=cv2.INTER_NEAREST)
