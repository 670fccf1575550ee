"""For every test: a device that nobody has tuned, and the TFLite runtimes before TensorFlow, which they break."""

import importlib
import os
import signal

from edge.interpreter import RUNTIMES, installed_runtimes

for _name in [name for name in os.environ if name.startswith("EMOTION_EDGE_")]:
    del os.environ[_name]
os.environ["EMOTION_EDGE_DEVICE"] = os.devnull  # the developer's own tune file and variables change no test

for _runtime in installed_runtimes():
    importlib.import_module(RUNTIMES[_runtime])

# Whoever starts the tests under nohup ignores SIGHUP, and so would every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
