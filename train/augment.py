"""Augmentation of 48x48 gray images on the CPU: an affine warp, then changes of light, camera defects and erasing.

The affine part is exactly that of Keras' ImageDataGenerator, which the original system used: the same ranges,
the same order of matrices (rotation, shift, shear, zoom), shear in degrees, border pixels repeated.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.options import check, option

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes; 0 switches one off. The defaults are the original system's."""

    rotation: float = option(15.0, "rotate by up to so many degrees, either way", low=0, high=180)
    shift: float = option(0.1, "shift by up to this share of the width and height, either way", low=0, high=1)
    shear: float = option(0.1, "shear by up to so many degrees, either way", low=0, high=89)
    zoom: float = option(0.1, "grow or shrink each axis by up to this share", low=0, high=0.9)
    flip: bool = option(True, "mirror half of the images")
    brightness: float = option(0.0, "make brighter or darker by up to this share of 255", low=0, high=1)
    contrast: float = option(0.0, "raise or lower the contrast by up to this share", low=0, high=1)
    erasing: float = option(
        0.0, "probability of one erased rectangle (Zhong et al. 2017, arXiv:1708.04896)", low=0, high=1
    )
    camera: float = option(
        0.0,
        "probability of one camera defect: an enlarged small face, blur, noise, JPEG artifacts or low light",
        low=0,
        high=1,
    )

    def __post_init__(self) -> None:
        check(self)


def augment(images: Pixels, options: Augmentation, generator: np.random.Generator, size: int) -> Pixels:
    """Return augmented copies (n, size, size) of images (n, height, width)."""
    changed = np.empty((len(images), size, size), np.uint8)
    matrices = _matrices(len(images), images.shape[1:], options, generator, size)
    for image, matrix, into in zip(images, matrices, changed, strict=True):
        cv2.warpAffine(image, matrix, (size, size), into, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE)
    if options.brightness or options.contrast:
        changed = _light(changed, options, generator)
    if options.camera:
        _damage(changed, options.camera, generator)
    if options.erasing:
        _erase(changed, options.erasing, generator)
    return changed


def mixup(
    inputs: NDArray[np.float32], targets: dict[str, NDArray[np.float32]], alpha: float, generator: np.random.Generator
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Mix each image and target with another, by one share per batch (Zhang et al. 2017, arXiv:1710.09412)."""
    share = np.float32(generator.beta(alpha, alpha))
    other = generator.permutation(len(inputs))

    def mix(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return share * values + (1 - share) * values[other]

    return mix(inputs), {head: mix(values) for head, values in targets.items()}


def _matrices(
    count: int, shape: tuple[int, ...], options: Augmentation, generator: np.random.Generator, size: int
) -> NDArray[np.float32]:
    """(count, 2, 3) maps from output to input pixels, in OpenCV's (x, y) order."""
    height, width = shape

    def uniform(limit: float, center: float = 0.0) -> NDArray[np.float64]:
        return generator.uniform(center - limit, center + limit, count)

    angle, shear = np.deg2rad(uniform(options.rotation)), np.deg2rad(uniform(options.shear))
    down, right = uniform(options.shift) * height, uniform(options.shift) * width
    zoom_down, zoom_right = uniform(options.zoom, 1), uniform(options.zoom, 1)
    flip = np.where(generator.random(count) < 0.5, -1.0, 1.0) if options.flip else np.ones(count)

    # Keras multiplies rotation @ shift @ shear @ zoom in (row, column) order, around the centre.
    rotation = _stack(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))
    linear = rotation @ _stack(1, -np.sin(shear), 0, np.cos(shear)) @ _stack(zoom_down, 0, 0, zoom_right)
    offset = rotation @ np.stack([down, right], 1)[..., None]
    linear = linear @ _stack(height / size, 0, 0, flip * width / size)  # the flip comes last, so it acts on the output
    center_in = np.array([(height - 1) / 2, (width - 1) / 2])[:, None]
    center_out = np.full((2, 1), (size - 1) / 2)
    row_column = np.concatenate([linear, center_in + offset - linear @ center_out], 2)
    return row_column[:, ::-1, [1, 0, 2]].astype(np.float32)


def _stack(a: object, b: object, c: object, d: object) -> NDArray[np.float64]:
    rows = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, float)) for value in (a, b, c, d)))
    return np.stack(rows, -1).reshape(-1, 2, 2)


def _light(images: Pixels, options: Augmentation, generator: np.random.Generator) -> Pixels:
    shape = (len(images), 1, 1)
    gain = generator.uniform(1 - options.contrast, 1 + options.contrast, shape).astype(np.float32)
    bias = generator.uniform(-255 * options.brightness, 255 * options.brightness, shape).astype(np.float32)
    mean = images.mean((1, 2), keepdims=True, dtype=np.float32)
    return np.clip((images - mean) * gain + mean + bias, 0, 255).astype(np.uint8)


def _erase(images: Pixels, probability: float, generator: np.random.Generator) -> None:
    """Fill a rectangle of 2% to 20% of the image with one random grey, in place."""
    size = images.shape[1]
    for index in np.flatnonzero(generator.random(len(images)) < probability):
        area, ratio = generator.uniform(0.02, 0.2), np.exp(generator.uniform(np.log(0.3), np.log(3.3)))
        height = min(size, round(size * np.sqrt(area * ratio)))
        width = min(size, round(size * np.sqrt(area / ratio)))
        top, left = generator.integers(0, size - height + 1), generator.integers(0, size - width + 1)
        images[index, top : top + height, left : left + width] = generator.integers(0, 256)


def _damage(images: Pixels, probability: float, generator: np.random.Generator) -> None:
    """Apply one of DAMAGES to randomly chosen images, in place."""
    for index in np.flatnonzero(generator.random(len(images)) < probability):
        images[index] = DAMAGES[generator.integers(len(DAMAGES))](images[index], generator)


def _enlarged(image: Pixels, generator: np.random.Generator) -> Pixels:
    """The image as if enlarged from a face 14 to 40 pixels high."""
    side = int(generator.integers(14, 41) * len(image) / 48)
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _out_of_focus(image: Pixels, generator: np.random.Generator) -> Pixels:
    return cv2.GaussianBlur(image, (0, 0), generator.uniform(0.4, 1.3))  # type: ignore[return-value]


def _moved(image: Pixels, generator: np.random.Generator) -> Pixels:
    """Motion blur along a line of 2 to 5 pixels."""
    angle, length = generator.uniform(0, np.pi), generator.uniform(2, 5)
    kernel = np.zeros((7, 7), np.float32)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    start, end = (np.round((3 + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1))
    cv2.line(kernel, start, end, (1.0,), 1, cv2.LINE_AA, 4)
    return cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1e-6), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _noisy(image: Pixels, generator: np.random.Generator) -> Pixels:
    noise = generator.normal(0, generator.uniform(3, 14), image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def _compressed(image: Pixels, generator: np.random.Generator) -> Pixels:
    quality = int(generator.integers(15, 60))
    return cv2.imdecode(  # type: ignore[return-value]
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE
    )


def _dark(image: Pixels, generator: np.random.Generator) -> Pixels:
    """Low light: darker by a gamma curve, with the noise of a high gain."""
    darker = 255 * (image / 255) ** generator.uniform(1.3, 2.5) * generator.uniform(0.5, 1.0)
    return np.clip(darker + generator.normal(0, generator.uniform(0, 6), image.shape), 0, 255).astype(np.uint8)


DAMAGES = (_enlarged, _out_of_focus, _moved, _noisy, _compressed, _dark)
