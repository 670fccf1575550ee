"""Which networks there are, by name. Nothing here loads Keras: `--help` and a mistake are answered at once."""

NETWORKS = ("compact", "original", "resnet18", "mobilenetv3", "efficientnet", "mobilenet", "teacher")
"""What `train/models.py` can build, the default first."""
_OLDER_NAMES = {"edge": "compact"}
SIZE_FREE = ("compact", "teacher", "resnet18", "mobilenet")
"""The networks whose weights do not depend on the image's size."""
TRANSFER = {
    "mobilenetv3": "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    "efficientnet": "efficientnetv2-b0_notop.h5",
    "mobilenet": "what python -m train.face_weights writes",
}
"""The networks that take `weights`, and which file: the first two are called so by keras.applications."""


def network_name(name: str) -> str:
    """What a network is called today."""
    return _OLDER_NAMES.get(name, name)
