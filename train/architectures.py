"""The names of the networks. Nothing here loads Keras, so that `--help` and usage errors appear at once."""

NETWORKS = ("compact", "original", "resnet18", "mobilenetv3", "efficientnet", "mobilenet", "mobilenet_full", "teacher")
"""The networks that `train/models.py` can build, the default first."""
_OLDER_NAMES = {"edge": "compact"}
SIZE_FREE = ("compact", "teacher", "resnet18")
"""The networks with weights that do not depend on the image's size."""
FACE_WEIGHTS = "what python -m train.face_weights writes"
TRANSFER = {
    "mobilenetv3": "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    "efficientnet": "efficientnetv2-b0_notop.h5",
    "mobilenet": FACE_WEIGHTS,
    "mobilenet_full": FACE_WEIGHTS,
}
"""The networks that take `weights`, and the file; the first two names are those of keras.applications."""


def network_name(name: str) -> str:
    """The current name of a network that may be given by an older one."""
    return _OLDER_NAMES.get(name, name)
