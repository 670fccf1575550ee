"""For every test: the TFLite runtimes are loaded before TensorFlow, which they break when they come second."""

import importlib

from edge.interpreter import RUNTIMES, installed_runtimes

for _runtime in installed_runtimes():
    importlib.import_module(RUNTIMES[_runtime])
