"""Converts a Keras network to TFLite bytes with TensorFlow's converter; each variant has its own function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.keras_file import quiet
from convert.tflite_file import read_tflite
from edge.errors import ModelError
from edge.results import FaceInput


@dataclass(frozen=True)
class Quantizer:
    """Makes every variant from one network.

    Usage:
        Quantizer(folded_model, calibration_faces).convert("int8")
    """

    model: Any
    """A keras.Model that has a fixed batch of 1 and ends in a softmax."""
    faces: FaceInput
    """The calibration set, (n, height, width, 1); it contains pixels of 0 and 255."""
    int8_output: str = "float32"

    def convert(self, variant: str) -> bytes:
        """Make the bytes of a variant, without a contract; the same network and faces give the same bytes.

        Raises:
            ModelError: TensorFlow can't convert the network.
        """
        makers: dict[str, Callable[[], bytes]] = {
            "float32": self._float32,
            "float16": self._float16,
            "dynamic": self._dynamic,
            "int8": self._int8,
            "int16x8": self._int16x8,
        }
        from tensorflow.lite.python.convert_phase import ConverterError

        try:
            with quiet():
                return makers[variant]()
        except (ConverterError, OSError, RuntimeError, ValueError) as error:  # OSError: no room for its own files
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"Expected a network that converts to {variant}. Received: {reason}") from error

    def _float32(self) -> bytes:
        return bytes(self._converter().convert())

    def _float16(self) -> bytes:
        import tensorflow as tf

        converter = self._optimizing_converter()
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())

    def _dynamic(self) -> bytes:
        return bytes(self._optimizing_converter().convert())

    def calibrate(self) -> bytes:
        """Make a float32 file in which each tensor has its least and greatest value on the calibration set."""
        import tensorflow as tf

        converter = self._calibrating_converter(tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter._experimental_calibrate_only = True
        return bytes(converter.convert())

    def _int8(self) -> bytes:
        return quantize_calibrated(self.calibrate(), self.int8_output)

    def _int16x8(self) -> bytes:
        import tensorflow as tf

        ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        return bytes(self._calibrating_converter(ops).convert())

    def _converter(self) -> Any:
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_keras_model(self.model)
        # In dynamic files these are FULLY_CONNECTED version 12, which tflite-runtime 2.14 refuses; int8 has them.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        return converter

    def _optimizing_converter(self) -> Any:
        import tensorflow as tf

        converter = self._converter()
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter

    def _calibrating_converter(self, operators: Any) -> Any:
        converter = self._optimizing_converter()
        converter.representative_dataset = self._representative_dataset
        converter.target_spec.supported_ops = [operators]
        return converter

    def _representative_dataset(self) -> Iterator[list[Any]]:
        for face in self.faces:
            yield [face[np.newaxis].astype(np.float32)]


def quantize_calibrated(calibrated: bytes, output: str = "float32", **options: Any) -> bytes:
    """Make an int8 file from the result of `Quantizer.calibrate`; a float output means float softmax and logits too.

    Args:
        output: the type of the probabilities, one of OUTPUT_TYPES.
        options: more options of TensorFlow's quantizer, such as `disable_per_channel`.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    in_float = {"denylisted_ops": {"SOFTMAX"}, "denylisted_nodes": _dense_logits(calibrated)}
    types = {"input_data_type": tf.uint8, "output_data_type": tf.dtypes.as_dtype(output)}
    return bytes(mlir_quantize(calibrated, **types, **((in_float if output == "float32" else {}) | options)))


def _dense_logits(content: bytes) -> set[str]:
    """The name of the logits if a dense layer makes them: if rounded, close ones would tie, and labels would flip."""
    operators = read_tflite(content).operators
    softmaxed = {tensor.name for operator in operators if operator.name == "SOFTMAX" for tensor in operator.inputs}
    made = {tensor.name for operator in operators if operator.name == "FULLY_CONNECTED" for tensor in operator.outputs}
    return softmaxed & made
